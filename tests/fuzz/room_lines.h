// What the fuzz targets of the room service share: an input is lines, each a call by one of four
// users; randomness is the same in every run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto/base/bytes.h"

namespace sluice::fuzz {

/// A RandomSource's function over a std::uint64_t: Knuth's linear congruential generator.
inline void fill_counted(void* context, MutableBytes out) {
  auto& state = *static_cast<std::uint64_t*>(context);
  for (std::byte& b : out)
    b = static_cast<std::byte>((state = state * 6364136223846793005U + 1) >> 56U);
}

/// "u0" to "u3", by any character.
inline std::string user_by(char c) {
  return std::string{"u"} + static_cast<char>('0' + static_cast<unsigned char>(c) % 4);
}

template <class EachLine>
void each_line(Bytes input, EachLine&& each) {
  std::string_view text = as_text(input);
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    each(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

}  // namespace sluice::fuzz
