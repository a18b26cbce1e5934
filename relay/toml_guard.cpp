#include "relay/toml_guard.h"

namespace sluice::relay {
namespace {

bool in_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

bool blank(char c) { return c == ' ' || c == '\t'; }

std::size_t skip(std::string_view line, std::size_t at, bool (*what)(char)) {
  while (at < line.size() && what(line[at])) ++at;
  return at;
}

/// Where the string that opens at `start` ends: behind its closing quote, or at the end of the
/// line, where the parser itself finds it unfinished.
std::size_t end_of_string(std::string_view line, std::size_t start) {
  const char quote = line[start];
  for (std::size_t at = start + 1; at < line.size(); ++at) {
    if (line[at] == quote) return at + 1;
    if (line[at] == '\\' && quote == '"') ++at;
  }
  return line.size();
}

/// What follows `name = "text"`, or the whole line where it does not begin so.
std::string_view behind_text_setting(std::string_view line) {
  std::size_t at = skip(line, skip(line, 0, blank), in_name);
  at = skip(line, at, blank);
  if (at == line.size() || line[at] != '=') return line;
  at = skip(line, at + 1, blank);
  if (at == line.size() || (line[at] != '"' && line[at] != '\'')) return line;
  return line.substr(end_of_string(line, at));
}

const char* refuse_line(std::string_view line) {
  // Behind three quotes the parser may be inside a string where this file thinks it is outside.
  if (line.find("\"\"\"") != line.npos || line.find("'''") != line.npos) {
    return "three quotes together: no setting needs a text of several lines";
  }
  for (const char c : behind_text_setting(line)) {
    if (c == '#') break;
    if (static_cast<unsigned char>(c) >= 0x80) {
      return "a character beyond ASCII outside of quotes; names of settings have none";
    }
  }
  return nullptr;
}

}  // namespace

std::optional<TomlRefusal> refuse_toml(std::string_view text) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    if (const char* reason = refuse_line(text.substr(0, end))) return TomlRefusal{number, reason};
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
  return std::nullopt;
}

}  // namespace sluice::relay
