// Keeps characters beyond ASCII from the TOML parser: its tables of Unicode white space (toml++
// 3.3) run into an unreachable statement for some letters.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "proto/base/result.h"

namespace sluice::daemon {

/// Why a text is not handed to the parser. Lines are counted from 1.
struct TomlRefusal {
  std::size_t line = 0;
  const char* reason = "";
};

/// The same settings in ASCII alone: a character beyond it becomes an escape in a string and '?' in
/// a comment, and is refused elsewhere. Literal strings become basic ones, which have escapes.
/// Strings of several lines, which no setting needs, are refused as well.
Result<std::string, TomlRefusal> ascii_toml(std::string_view text);

}  // namespace sluice::daemon
