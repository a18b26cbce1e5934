// NEON, which every aarch64 has.
#include "proto/fec/gf256_kernels.h"

#if defined(__aarch64__)

#include <arm_neon.h>

namespace sluice::fec {

namespace {

constexpr std::size_t kVectorBytes = 16;

inline uint8x16_t load(const std::byte* at) {
  // unsigned char may alias any object.
  return vld1q_u8(reinterpret_cast<const std::uint8_t*>(at));
}

inline void store(std::byte* at, uint8x16_t value) {
  vst1q_u8(reinterpret_cast<std::uint8_t*>(at), value);
}

struct Products {
  uint8x16_t low;
  uint8x16_t high;

  explicit Products(std::uint8_t factor)
      : low(vld1q_u8(kNibbleProducts[factor].low.data())),
        high(vld1q_u8(kNibbleProducts[factor].high.data())) {}

  uint8x16_t times(uint8x16_t source) const {
    return veorq_u8(vqtbl1q_u8(low, vandq_u8(source, vdupq_n_u8(0x0F))),
                    vqtbl1q_u8(high, vshrq_n_u8(source, 4)));
  }
};

void one_neon(MutableBytes destination, Bytes source, std::uint8_t factor) noexcept {
  const Products products{factor};
  const std::size_t whole = source.size() - source.size() % kVectorBytes;
  for (std::size_t at = 0; at < whole; at += kVectorBytes) {
    std::byte* const to = destination.data() + at;
    store(to, veorq_u8(load(to), products.times(load(source.data() + at))));
  }
  mul_add_scalar(destination.subspan(whole), source.subspan(whole), factor);
}

void four_neon(MutableBytes destination, std::span<const Term, kTermsPerWalk> terms) noexcept {
  const Products a{terms[0].factor}, b{terms[1].factor}, c{terms[2].factor}, d{terms[3].factor};
  const std::byte* const from_a = terms[0].source.data();
  const std::byte* const from_b = terms[1].source.data();
  const std::byte* const from_c = terms[2].source.data();
  const std::byte* const from_d = terms[3].source.data();
  const std::size_t whole = destination.size() - destination.size() % kVectorBytes;
  for (std::size_t at = 0; at < whole; at += kVectorBytes) {
    std::byte* const to = destination.data() + at;
    const uint8x16_t ab = veorq_u8(a.times(load(from_a + at)), b.times(load(from_b + at)));
    const uint8x16_t cd = veorq_u8(c.times(load(from_c + at)), d.times(load(from_d + at)));
    store(to, veorq_u8(load(to), veorq_u8(ab, cd)));
  }
  const std::size_t rest = destination.size() - whole;
  for (const Term& term : terms)
    mul_add_scalar(destination.subspan(whole), term.source.subspan(whole, rest), term.factor);
}

}  // namespace

const Kernel kNeonKernel{"neon", one_neon, four_neon};

}  // namespace sluice::fec

#endif
