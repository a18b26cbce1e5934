#include "daemon/settings.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <utility>

#include <toml++/toml.h>

#include "daemon/toml_guard.h"
#include "net/address.h"
#include "net/log.h"

namespace sluice::daemon {
namespace {

Unexpected<Failure> wrong(const std::string& origin, const std::string& what) {
  return Unexpected{Failure{origin + ": " + what}};
}

Status<Failure> set_text(const Setting& setting, std::string value, const std::string& origin) {
  if (auto error = setting.check(value)) return wrong(origin, setting.name() + ": " + *error);
  *std::get<std::string*>(setting.value) = std::move(value);
  return Done{};
}

Status<Failure> set_number(const Setting& setting, std::optional<std::uint64_t> value,
                           const std::string& origin) {
  if (!value || *value < setting.min || *value > setting.max) {
    return wrong(origin, setting.name() + ": a whole number from " + std::to_string(setting.min) +
                             " to " + std::to_string(setting.max));
  }
  *std::get<std::uint64_t*>(setting.value) = *value;
  return Done{};
}

Status<Failure> set_bool(const Setting& setting, std::optional<bool> value,
                         const std::string& origin) {
  if (!value) return wrong(origin, setting.name() + ": true or false");
  *std::get<bool*>(setting.value) = *value;
  return Done{};
}

std::optional<std::uint64_t> parse_number(const std::string& text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || at != end) return std::nullopt;
  return value;
}

std::optional<bool> parse_bool(const std::string& text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

Status<Failure> set_from_text(const Setting& setting, const std::string& value,
                              const std::string& origin) {
  if (std::holds_alternative<std::string*>(setting.value)) return set_text(setting, value, origin);
  if (std::holds_alternative<bool*>(setting.value)) {
    return set_bool(setting, parse_bool(value), origin);
  }
  return set_number(setting, parse_number(value), origin);
}

Status<Failure> set_from_toml(const Setting& setting, const toml::node& node,
                              const std::string& origin) {
  if (std::holds_alternative<std::string*>(setting.value)) {
    const auto* text = node.as_string();
    if (text == nullptr) return wrong(origin, setting.name() + ": a text in quotes is needed");
    return set_text(setting, text->get(), origin);
  }
  if (std::holds_alternative<bool*>(setting.value)) {
    return set_bool(setting, node.value_exact<bool>(), origin);
  }
  const auto* number = node.as_integer();
  std::optional<std::uint64_t> value;
  if (number != nullptr && number->get() >= 0) value = static_cast<std::uint64_t>(number->get());
  return set_number(setting, value, origin);
}

/// Single edits (add, drop, change) between two words, for "did you mean".
std::size_t edits_between(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({change, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

std::string place(const std::string& file, const toml::source_region& region) {
  return file + ":" + std::to_string(region.begin.line);
}

std::string in_quotes(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x20 || code == 0x7F) {
      constexpr std::string_view kDigits = "0123456789ABCDEF";
      result += "\\u00";
      result += kDigits[code >> 4U];
      result += kDigits[code & 0xFU];
      continue;
    }
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

}  // namespace

std::optional<std::string> any_text(const std::string&) { return std::nullopt; }

std::optional<std::string> host_port(const std::string& value) {
  const auto parsed = net::parse_host_port(value);
  if (parsed) return std::nullopt;
  return parsed.error().message;
}

std::optional<std::string> host_port_or_none(const std::string& value) {
  return value.empty() ? std::nullopt : host_port(value);
}

/// Clients connect to it, so it names a host and a port.
std::optional<std::string> reachable_or_none(const std::string& value) {
  if (value.empty()) return std::nullopt;
  const auto parsed = net::parse_host_port(value);
  if (!parsed) return parsed.error().message;
  if (!parsed->host.empty() && parsed->port != 0) return std::nullopt;
  return "clients need a host and a port: \"relay.example.org:4700\"";
}

/// sockaddr_un has room for 107 bytes and the terminating zero.
std::optional<std::string> socket_path(const std::string& value) {
  if (!value.empty() && value.size() <= 107) return std::nullopt;
  return "a socket's path has 1 to 107 bytes";
}

std::optional<std::string> socket_path_or_none(const std::string& value) {
  return value.empty() ? std::nullopt : socket_path(value);
}

std::optional<std::string> log_level(const std::string& value) {
  const auto parsed = net::parse_log_level(value);
  if (parsed) return std::nullopt;
  return parsed.error().message;
}

std::optional<std::string> log_format(const std::string& value) {
  if (value == "text" || value == "json") return std::nullopt;
  return "\"text\" or \"json\"";
}

Status<Failure> Settings::read_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    return wrong(path, std::string{"cannot be read ("} + std::strerror(errno) +
                           "); name a readable file after --config");
  }
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return wrong(path, "is a folder; name a file after --config");
  }
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return read_text(text, path);
}

struct Settings::Reading {
  static Status<Failure> read_section(const Settings& settings, const std::string& file,
                                      const std::string& section, const toml::table& table) {
    for (const auto& [key, node] : table) {
      const std::string name = section + "." + std::string{key.str()};
      const std::string origin = place(file, node.source());
      const Setting* setting = settings.find(name);
      if (setting == nullptr) return settings.unknown(origin, name);
      if (auto set = set_from_toml(*setting, node, origin); !set) return set;
    }
    return Done{};
  }
};

Status<Failure> Settings::read_text(std::string_view toml_text, const std::string& name) {
  const auto ascii = ascii_toml(toml_text);
  if (!ascii) {
    return wrong(name + ":" + std::to_string(ascii.error().line), ascii.error().reason);
  }
  try {
    const toml::table root = toml::parse(ascii.value(), name);
    for (const auto& [key, node] : root) {
      const std::string section{key.str()};
      const std::string origin = place(name, node.source());
      if (!node.is_table()) {
        return wrong(origin, section + ": stands in no section; write it as [section] and key");
      }
      auto read = Reading::read_section(*this, name, section, *node.as_table());
      if (!read) return read;
    }
  } catch (const toml::parse_error& error) {
    return wrong(place(name, error.source()), std::string{error.description()});
  }
  return Done{};
}

Status<Failure> Settings::read_environment(Environment environment) {
  for (const Setting& setting : table_) {
    const std::string name = environment_name(setting);
    const char* value = environment(name.c_str());
    if (value == nullptr) continue;
    if (auto set = set_from_text(setting, value, "environment " + name); !set) return set;
  }
  return Done{};
}

Status<Failure> Settings::assign(const Assignment& assignment) {
  const Setting* setting = find(assignment.name);
  if (setting == nullptr) return unknown(assignment.origin, assignment.name);
  return set_from_text(*setting, assignment.value, assignment.origin);
}

std::string Settings::as_toml() const {
  std::ostringstream out;
  std::string section;
  for (const Setting& setting : table_) {
    if (section != setting.section) {
      if (!section.empty()) out << "\n";
      section = setting.section;
      out << "[" << section << "]\n";
    }
    out << setting.key << " = ";
    if (const auto* text = std::get_if<std::string*>(&setting.value)) {
      out << in_quotes(**text) << "\n";
    } else if (const auto* number = std::get_if<std::uint64_t*>(&setting.value)) {
      out << **number << "\n";
    } else {
      out << (*std::get<bool*>(setting.value) ? "true" : "false") << "\n";
    }
  }
  return out.str();
}

std::vector<std::string> Settings::environment_names() const {
  std::vector<std::string> names;
  for (const Setting& setting : table_) names.push_back(environment_name(setting));
  return names;
}

const Setting* Settings::find(const std::string& name) const {
  const auto found = std::find_if(table_.begin(), table_.end(),
                                  [&](const Setting& s) { return s.name() == name; });
  return found == table_.end() ? nullptr : &*found;
}

Unexpected<Failure> Settings::unknown(const std::string& origin, const std::string& name) const {
  const auto nearest =
      std::min_element(table_.begin(), table_.end(), [&](const Setting& a, const Setting& b) {
        return edits_between(name, a.name()) < edits_between(name, b.name());
      });
  std::string text = name + ": unknown";
  if (nearest != table_.end() && edits_between(name, nearest->name()) <= 3) {
    text += "; did you mean " + nearest->name() + "?";
  } else {
    text += "; --check-config without a file prints every setting";
  }
  return wrong(origin, text);
}

std::string Settings::environment_name(const Setting& setting) const {
  std::string name = prefix_ + setting.section + "_" + setting.key;
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return name;
}

}  // namespace sluice::daemon
