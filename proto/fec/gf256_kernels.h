// The kernels behind mul_add, private to proto/fec and its tests. Each multiplies by two look-ups
// in tables of 16 products, one for each half of a byte, which the vector instructions do for 16 or
// 32 bytes at once (as in Plank, Greenan, Miller: "Screaming Fast Galois Field Arithmetic Using
// Intel SIMD Instructions", FAST 2013).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "proto/base/bytes.h"
#include "proto/fec/gf256.h"

namespace sluice::fec {

/// Sources of one walk over the destination: four pairs of tables, the mask and the temporaries fit
/// the sixteen vector registers of x86.
inline constexpr std::size_t kTermsPerWalk = 4;

struct Kernel {
  std::string_view name;
  /// destination += factor * source, of equal size; the two may be the same bytes.
  void (*one)(MutableBytes destination, Bytes source, std::uint8_t factor) noexcept;
  /// Four terms, whose sources have at least the destination's size.
  void (*four)(MutableBytes destination, std::span<const Term, kTermsPerWalk> terms) noexcept;
};

/// The products of one factor with 0..15 and with 0x00, 0x10 .. 0xF0.
struct alignas(32) NibbleProducts {
  std::array<std::uint8_t, 16> low{};
  std::array<std::uint8_t, 16> high{};
};

constexpr std::array<NibbleProducts, 256> make_nibble_products() {
  std::array<NibbleProducts, 256> all{};
  for (std::size_t factor = 1; factor < 256; ++factor) {
    for (std::size_t i = 1; i < 16; ++i) {
      const auto f = static_cast<std::uint8_t>(factor);
      all[factor].low[i] = multiply(f, static_cast<std::uint8_t>(i));
      all[factor].high[i] = multiply(f, static_cast<std::uint8_t>(i << 4U));
    }
  }
  return all;
}

/// 8 KiB, of which a repair over n parts touches at most n lines of the cache.
inline constexpr std::array<NibbleProducts, 256> kNibbleProducts = make_nibble_products();

/// Behind the kernels for whole vectors: what is left of a walk, and processors without any.
void mul_add_scalar(MutableBytes destination, Bytes source, std::uint8_t factor) noexcept;

/// Zeros, then ones: read at `n`, a mask that keeps the last n bytes of a vector of at most 32. A
/// walk ends with a full vector that lies over its predecessor, of which this keeps what is new.
inline constexpr std::array<std::uint8_t, 64> kLastBytes = [] {
  std::array<std::uint8_t, 64> mask{};
  for (std::size_t i = 32; i < mask.size(); ++i) mask[i] = 0xFF;
  return mask;
}();

#if defined(__x86_64__)
extern const Kernel kSsse3Kernel;
extern const Kernel kAvx2Kernel;
extern const Kernel kGfniKernel;
#elif defined(__aarch64__)
extern const Kernel kNeonKernel;
#endif

/// Those that this processor can run, the slowest first; the last one is what mul_add uses.
std::span<const Kernel> kernels() noexcept;

}  // namespace sluice::fec
