// Arithmetic in GF(256) with the polynomial 0x11d (P-REPAIR-02), and the one loop that coding
// spends its time in: mul_add, destination += factor * source over whole symbols. The encoder and
// the solver call it; the kernel behind it is chosen once, at the first call, by what the processor
// has. All kernels give the same bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "proto/base/bytes.h"
#include "proto/base/check.h"

namespace sluice::fec {

/// x^8 + x^4 + x^3 + x^2 + 1, the polynomial of RFC 5510 and RFC 8681: 2 generates the field.
inline constexpr unsigned kFieldPolynomial = 0x11D;

struct FieldTables {
  std::array<std::uint8_t, 510>
      exp{};  // twice around, so that a sum of two logarithms needs no mod
  std::array<std::uint8_t, 256> log{};  // of 0: unused
};

constexpr FieldTables make_field_tables() {
  FieldTables tables;
  unsigned x = 1;
  for (std::size_t i = 0; i < 255; ++i) {
    tables.exp[i] = tables.exp[i + 255] = static_cast<std::uint8_t>(x);
    tables.log[x] = static_cast<std::uint8_t>(i);
    x = x << 1U;
    if (x > 0xFF) x ^= kFieldPolynomial;
  }
  return tables;
}

inline constexpr FieldTables kField = make_field_tables();

constexpr std::uint8_t multiply(std::uint8_t a, std::uint8_t b) {
  if (a == 0 || b == 0) return 0;
  return kField.exp[static_cast<std::size_t>(kField.log[a]) + kField.log[b]];
}

/// `a` is not 0.
constexpr std::uint8_t inverse(std::uint8_t a) {
  DCHECK(a != 0);
  return kField.exp[255U - kField.log[a]];
}

/// One summand of a linear combination.
struct Term {
  Bytes source{};
  std::uint8_t factor = 0;
};

/// destination += factor * source. A source shorter than the destination counts as padded with
/// zeros; a longer one is a bug. The two may be the same bytes, and must not overlap otherwise.
void mul_add(MutableBytes destination, Bytes source, std::uint8_t factor) noexcept;

/// The same for several terms, none of which overlaps the destination. Four sources are read for
/// one walk over the destination, which is 1.2 (avx2) to 1.6 times (gfni) as fast as one by one.
void mul_add(MutableBytes destination, std::span<const Term> terms) noexcept;

/// bytes = factor * bytes.
inline void scale(MutableBytes bytes, std::uint8_t factor) noexcept {
  mul_add(bytes, bytes, factor ^ 1U);
}

/// Which kernel this processor got: "gfni", "avx2", "ssse3", "neon" or "scalar".
std::string_view kernel_name() noexcept;

}  // namespace sluice::fec
