#include "daemon/toml_guard.h"

#include <cstdint>
#include <cstdio>

#include "proto/base/utf8.h"

namespace sluice::daemon {
namespace {

constexpr char kOutside = 0;

bool starts(std::string_view text, std::string_view with) {
  return text.substr(0, with.size()) == with;
}

/// Rewrites one line. Whatever it takes for a string or a comment, what it writes is ASCII.
class AsciiLine {
 public:
  explicit AsciiLine(std::string& to) : to_(to) {}

  /// A reason to refuse the line, or nothing.
  const char* write(std::string_view line) {
    while (!line.empty()) {
      if (within_ == kOutside && (starts(line, "\"\"\"") || starts(line, "'''"))) {
        return "three quotes together: no setting needs a text of several lines";
      }
      const auto character = first_character(line);
      if (!character) return "not UTF-8";
      if (character->bytes == 1) {
        write_ascii(line.front());
      } else if (const char* reason = write_beyond(character->code)) {
        return reason;
      }
      line.remove_prefix(character->bytes);
    }
    return nullptr;
  }

 private:
  void write_ascii(char c) {
    const bool literal = within_ == '\'';
    if (literal && (c == '"' || c == '\\')) to_ += '\\';
    if (escaped_) {
      escaped_ = false;
    } else if (within_ == kOutside) {
      if (c == '"' || c == '\'' || c == '#') within_ = c;
    } else if (c == within_ && c != '#') {
      within_ = kOutside;
    } else {
      escaped_ = c == '\\' && within_ == '"';
    }
    // A literal string becomes a basic one: only that has escapes.
    const bool delimits = c == '\'' && (literal || within_ == '\'');
    to_ += delimits ? '"' : c;
  }

  const char* write_beyond(char32_t code) {
    if (within_ == kOutside) {
      return "a character beyond ASCII outside of quotes; names of settings have none";
    }
    if (escaped_) return "a backslash before a character beyond ASCII";
    if (within_ == '#') {
      to_ += '?';
      return nullptr;
    }
    char escape[sizeof "\\U0010FFFF"];
    std::snprintf(escape, sizeof escape, "\\U%08X", static_cast<std::uint32_t>(code) & 0x1FFFFFU);
    to_ += escape;
    return nullptr;
  }

  std::string& to_;
  char within_ = kOutside;  ///< the quote of a string, '#' of a comment
  bool escaped_ = false;
};

}  // namespace

Result<std::string, TomlRefusal> ascii_toml(std::string_view text) {
  std::string ascii;
  ascii.reserve(text.size());
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    if (const char* reason = AsciiLine{ascii}.write(text.substr(0, end))) {
      return Unexpected{TomlRefusal{number, reason}};
    }
    if (end == text.npos) break;
    ascii += '\n';
    text.remove_prefix(end + 1);
  }
  return ascii;
}

}  // namespace sluice::daemon
