// Keeps characters beyond ASCII away from where the TOML parser cannot take them: its tables of
// Unicode white space (toml++ 3.3) run into an unreachable statement for some letters.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace sluice::relay {

/// Why a text is not handed to the parser. Lines are counted from 1.
struct TomlRefusal {
  std::size_t line = 0;
  const char* reason = "";
};

/// Characters beyond ASCII may stand in comments and in strings of one line, which is where a
/// person writes them; strings of several lines, which no setting needs, are refused as well.
std::optional<TomlRefusal> refuse_toml(std::string_view text);

}  // namespace sluice::relay
