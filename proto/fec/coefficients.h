// Coefficients of coded repairs (P-REPAIR-02): both ends make them from the repair's seed and the
// part's number, so none travels.
#pragma once

#include <cstdint>

#include "proto/base/seq.h"

namespace sluice::fec {

/// In 1..255: a part that a window names is always in its repair. The multiplications matter:
/// shifts and XOR alone are linear over XOR, which is this field's addition, so every matrix of
/// such coefficients would have rank 2.
constexpr std::uint8_t coefficient(std::uint16_t seed, Seq seq) {
  std::uint64_t x = std::uint64_t{seed} << 24U | seq.value();
  x *= 0x9E3779B97F4A7C15U;
  x ^= x >> 32U;
  x *= 0xD6E8FEB86659FD93U;
  x ^= x >> 32U;
  return static_cast<std::uint8_t>(1 + ((x & 0xFFFFFFFFU) * 255 >> 32U));
}

}  // namespace sluice::fec
