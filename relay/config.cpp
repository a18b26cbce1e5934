#include "relay/config.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <utility>
#include <variant>

#include <toml++/toml.h>

#include "net/address.h"
#include "net/log.h"
#include "relay/toml_guard.h"

namespace sluice::relay {
namespace {

using Text = std::string Config::*;
using Number = std::uint64_t Config::*;

/// What is wrong with a text, or nothing.
using TextCheck = std::optional<std::string> (*)(const std::string& value);

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

std::optional<std::string> log_level(const std::string& value) {
  const auto parsed = net::parse_log_level(value);
  if (parsed) return std::nullopt;
  return parsed.error().message;
}

std::optional<std::string> log_format(const std::string& value) {
  if (value == "text" || value == "json") return std::nullopt;
  return "\"text\" or \"json\"";
}

struct Setting {
  const char* section;
  const char* key;
  std::variant<Text, Number> field;
  TextCheck check = any_text;
  std::uint64_t min = 0, max = 0;  // of a Number

  std::string name() const { return std::string{section} + "." + key; }
};

constexpr std::uint64_t kMillion = 1'000'000;

const std::array kSettings{
    Setting{"listen", "address", &Config::listen_address, host_port},
    Setting{"listen", "workers", &Config::listen_workers, any_text, 0, kWorkersMax},
    Setting{"http", "address", &Config::http_address, host_port_or_none},
    Setting{"control", "path", &Config::control_path, socket_path},
    Setting{"control", "tcp_address", &Config::control_tcp_address, host_port_or_none},
    Setting{"control", "tls_certificate", &Config::control_tls_certificate},
    Setting{"control", "tls_key", &Config::control_tls_key},
    Setting{"control", "tls_ca", &Config::control_tls_ca},
    Setting{"relay", "address", &Config::relay_address, reachable_or_none},
    Setting{"relay", "reset_secret_file", &Config::relay_reset_secret_file},
    Setting{"relay", "log_level", &Config::relay_log_level, log_level},
    Setting{"relay", "log_format", &Config::relay_log_format, log_format},
    Setting{"relay", "drain_seconds", &Config::relay_drain_seconds, any_text, 0, 24 * 3600},
    Setting{"limits", "rooms", &Config::limits_rooms, any_text, 1, kMillion},
    Setting{"limits", "links_per_worker", &Config::limits_links_per_worker, any_text, 1,
            kLinksPerWorkerMax},
    Setting{"limits", "members_per_room", &Config::limits_members_per_room, any_text, 1, kMillion},
    Setting{"limits", "streams_per_room", &Config::limits_streams_per_room, any_text, 1, kMillion},
    Setting{"limits", "streams_per_member", &Config::limits_streams_per_member, any_text, 1, 8},
};

Unexpected<Failure> wrong(const std::string& origin, const std::string& what) {
  return Unexpected{Failure{origin + ": " + what}};
}

Status<Failure> set_text(const Setting& setting, std::string value, const std::string& origin,
                         Config& config) {
  if (auto error = setting.check(value)) return wrong(origin, setting.name() + ": " + *error);
  config.*std::get<Text>(setting.field) = std::move(value);
  return Done{};
}

Status<Failure> set_number(const Setting& setting, std::optional<std::uint64_t> value,
                           const std::string& origin, Config& config) {
  if (!value || *value < setting.min || *value > setting.max) {
    return wrong(origin, setting.name() + ": a whole number from " + std::to_string(setting.min) +
                             " to " + std::to_string(setting.max));
  }
  config.*std::get<Number>(setting.field) = *value;
  return Done{};
}

std::optional<std::uint64_t> parse_number(const std::string& text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || at != end) return std::nullopt;
  return value;
}

Status<Failure> set_from_text(const Setting& setting, const std::string& value,
                              const std::string& origin, Config& config) {
  if (std::holds_alternative<Text>(setting.field)) {
    return set_text(setting, value, origin, config);
  }
  return set_number(setting, parse_number(value), origin, config);
}

Status<Failure> set_from_toml(const Setting& setting, const toml::node& node,
                              const std::string& origin, Config& config) {
  if (std::holds_alternative<Text>(setting.field)) {
    const auto* text = node.as_string();
    if (text == nullptr) return wrong(origin, setting.name() + ": a text in quotes is needed");
    return set_text(setting, text->get(), origin, config);
  }
  const auto* number = node.as_integer();
  std::optional<std::uint64_t> value;
  if (number != nullptr && number->get() >= 0) value = static_cast<std::uint64_t>(number->get());
  return set_number(setting, value, origin, config);
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

Unexpected<Failure> unknown(const std::string& origin, const std::string& name) {
  const auto nearest =
      std::min_element(kSettings.begin(), kSettings.end(), [&](const Setting& a, const Setting& b) {
        return edits_between(name, a.name()) < edits_between(name, b.name());
      });
  std::string text = name + ": unknown";
  if (edits_between(name, nearest->name()) <= 3) {
    text += "; did you mean " + nearest->name() + "?";
  } else {
    text += "; --check-config without a file prints every setting";
  }
  return wrong(origin, text);
}

const Setting* find_setting(const std::string& name) {
  const auto found = std::find_if(kSettings.begin(), kSettings.end(),
                                  [&](const Setting& s) { return s.name() == name; });
  return found == kSettings.end() ? nullptr : &*found;
}

std::string place(const std::string& file, const toml::source_region& region) {
  return file + ":" + std::to_string(region.begin.line);
}

Status<Failure> read_section(const std::string& file, const std::string& section,
                             const toml::table& table, Config& config) {
  for (const auto& [key, node] : table) {
    const std::string name = section + "." + std::string{key.str()};
    const std::string origin = place(file, node.source());
    const Setting* setting = find_setting(name);
    if (setting == nullptr) return unknown(origin, name);
    if (auto set = set_from_toml(*setting, node, origin, config); !set) return set;
  }
  return Done{};
}

std::string environment_name(const Setting& setting) {
  std::string name = std::string{"SLUICE_RELAY_"} + setting.section + "_" + setting.key;
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return name;
}

std::string quoted(const std::string& text) {
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

Status<Failure> read_config_file(const std::string& path, Config& config) {
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
  return read_config_text(text, path, config);
}

Status<Failure> read_config_text(std::string_view toml_text, const std::string& name,
                                 Config& config) {
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
      if (auto read = read_section(name, section, *node.as_table(), config); !read) return read;
    }
  } catch (const toml::parse_error& error) {
    return wrong(place(name, error.source()), std::string{error.description()});
  }
  return Done{};
}

Status<Failure> read_environment(Environment environment, Config& config) {
  for (const Setting& setting : kSettings) {
    const std::string name = environment_name(setting);
    const char* value = environment(name.c_str());
    if (value == nullptr) continue;
    const std::string origin = "environment " + name;
    if (auto set = set_from_text(setting, value, origin, config); !set) return set;
  }
  return Done{};
}

Status<Failure> assign(const Assignment& assignment, Config& config) {
  const Setting* setting = find_setting(assignment.name);
  if (setting == nullptr) return unknown(assignment.origin, assignment.name);
  return set_from_text(*setting, assignment.value, assignment.origin, config);
}

Status<Failure> check_config(const Config& config) {
  const bool tcp = !config.control_tcp_address.empty();
  for (const auto& [name, value] : {std::pair{"tls_certificate", &config.control_tls_certificate},
                                    std::pair{"tls_key", &config.control_tls_key},
                                    std::pair{"tls_ca", &config.control_tls_ca}}) {
    const std::string setting = std::string{"control."} + name;
    if (tcp && value->empty()) {
      return wrong(setting,
                   "missing; control.tcp_address needs a certificate, a key and a CA "
                   "file, for nobody may connect without");
    }
    if (!tcp && !value->empty()) {
      return wrong(setting, "set without control.tcp_address; set both or none");
    }
  }
  return Done{};
}

std::string config_as_toml(const Config& config) {
  std::ostringstream out;
  std::string section;
  for (const Setting& setting : kSettings) {
    if (section != setting.section) {
      if (!section.empty()) out << "\n";
      section = setting.section;
      out << "[" << section << "]\n";
    }
    out << setting.key << " = ";
    if (const Text* text = std::get_if<Text>(&setting.field)) {
      out << quoted(config.**text) << "\n";
    } else {
      out << config.*std::get<Number>(setting.field) << "\n";
    }
  }
  return out.str();
}

std::vector<std::string> environment_names() {
  std::vector<std::string> names;
  for (const Setting& setting : kSettings) names.push_back(environment_name(setting));
  return names;
}

}  // namespace sluice::relay
