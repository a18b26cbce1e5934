// UTF-8 as RFC 3629 has it: what is overlong, a surrogate or beyond U+10FFFF is no character.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace sluice {

struct Utf8Character {
  char32_t code = 0;
  std::size_t bytes = 0;  ///< 1 to 4
};

/// The character at the start of `text`; nothing where it is cut or is not UTF-8.
std::optional<Utf8Character> first_character(std::string_view text);

}  // namespace sluice
