// SSSE3, AVX2, and AVX2 with GFNI. The attribute on each function, and not an option for the file,
// asks for the instructions: so nothing that other files share (inline functions of headers) is
// compiled with them here. Every load and store is an unaligned one: parts lie in their ring one
// behind the other.
#include "proto/fec/gf256_kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

namespace sluice::fec {

namespace {

// The same walk is written for each: an attribute cannot be a template's parameter, and a function
// is inlined into one of the same instructions alone.
#define SLUICE_SSSE3 __attribute__((target("ssse3")))
#define SLUICE_AVX2 __attribute__((target("avx2")))
#define SLUICE_GFNI __attribute__((target("avx2,gfni")))

constexpr std::size_t kXmmBytes = 16;
constexpr std::size_t kYmmBytes = 32;

/// What comes before a walk over whole vectors of `vector` bytes: the first `whole` bytes are
/// theirs, and the last vector's `rest` bytes are added under a mask. That one goes first, so that
/// no load has to wait for the stores of the walk; it changes nothing of what the walk reads.
struct Walk {
  std::size_t whole;
  std::size_t rest;

  Walk(std::size_t size, std::size_t vector) : whole(size - size % vector), rest(size % vector) {}
};

SLUICE_SSSE3 inline __m128i load16(const void* at) {
  return _mm_loadu_si128(static_cast<const __m128i_u*>(at));
}

SLUICE_SSSE3 inline void store16(std::byte* at, __m128i value) {
  _mm_storeu_si128(static_cast<__m128i_u*>(static_cast<void*>(at)), value);
}

struct Products16 {
  __m128i low;
  __m128i high;

  SLUICE_SSSE3 explicit Products16(std::uint8_t factor)
      : low(load16(kNibbleProducts[factor].low.data())),
        high(load16(kNibbleProducts[factor].high.data())) {}

  SLUICE_SSSE3 __m128i times(__m128i source) const {
    const __m128i nibble = _mm_set1_epi8(0x0F);
    const __m128i upper = _mm_and_si128(_mm_srli_epi64(source, 4), nibble);
    return _mm_xor_si128(_mm_shuffle_epi8(low, _mm_and_si128(source, nibble)),
                         _mm_shuffle_epi8(high, upper));
  }
};

SLUICE_SSSE3 void one_ssse3(MutableBytes destination, Bytes source, std::uint8_t factor) noexcept {
  if (source.size() < kXmmBytes) return mul_add_scalar(destination, source, factor);
  const Products16 products{factor};
  std::byte* const to = destination.data();
  const std::byte* const from = source.data();
  const Walk walk{source.size(), kXmmBytes};
  if (walk.rest != 0) {
    const std::size_t at = source.size() - kXmmBytes;
    const __m128i mask = load16(&kLastBytes[kXmmBytes + walk.rest]);
    const __m128i sum = _mm_and_si128(products.times(load16(from + at)), mask);
    store16(to + at, _mm_xor_si128(load16(to + at), sum));
  }
  for (std::size_t at = 0; at < walk.whole; at += kXmmBytes)
    store16(to + at, _mm_xor_si128(load16(to + at), products.times(load16(from + at))));
}

struct FourProducts16 {
  Products16 a, b, c, d;
  const std::byte *from_a, *from_b, *from_c, *from_d;

  SLUICE_SSSE3 explicit FourProducts16(std::span<const Term, kTermsPerWalk> terms)
      : a(terms[0].factor),
        b(terms[1].factor),
        c(terms[2].factor),
        d(terms[3].factor),
        from_a(terms[0].source.data()),
        from_b(terms[1].source.data()),
        from_c(terms[2].source.data()),
        from_d(terms[3].source.data()) {}

  SLUICE_SSSE3 __m128i sum(std::size_t at) const {
    return _mm_xor_si128(_mm_xor_si128(a.times(load16(from_a + at)), b.times(load16(from_b + at))),
                         _mm_xor_si128(c.times(load16(from_c + at)), d.times(load16(from_d + at))));
  }
};

SLUICE_SSSE3 void four_ssse3(MutableBytes destination,
                             std::span<const Term, kTermsPerWalk> terms) noexcept {
  if (destination.size() < kXmmBytes) {
    for (const Term& term : terms)
      mul_add_scalar(destination, term.source.first(destination.size()), term.factor);
    return;
  }
  const FourProducts16 products{terms};
  std::byte* const to = destination.data();
  const Walk walk{destination.size(), kXmmBytes};
  if (walk.rest != 0) {
    const std::size_t at = destination.size() - kXmmBytes;
    const __m128i mask = load16(&kLastBytes[kXmmBytes + walk.rest]);
    store16(to + at, _mm_xor_si128(load16(to + at), _mm_and_si128(products.sum(at), mask)));
  }
  for (std::size_t at = 0; at < walk.whole; at += kXmmBytes)
    store16(to + at, _mm_xor_si128(load16(to + at), products.sum(at)));
}

SLUICE_AVX2 inline __m256i load32(const void* at) {
  return _mm256_loadu_si256(static_cast<const __m256i_u*>(at));
}

SLUICE_AVX2 inline void store32(std::byte* at, __m256i value) {
  _mm256_storeu_si256(static_cast<__m256i_u*>(static_cast<void*>(at)), value);
}

SLUICE_AVX2 inline __m256i twice(const std::array<std::uint8_t, 16>& table) {
  return _mm256_broadcastsi128_si256(
      _mm_loadu_si128(static_cast<const __m128i_u*>(static_cast<const void*>(table.data()))));
}

struct Products32 {
  __m256i low;
  __m256i high;

  SLUICE_AVX2 explicit Products32(std::uint8_t factor)
      : low(twice(kNibbleProducts[factor].low)), high(twice(kNibbleProducts[factor].high)) {}

  SLUICE_AVX2 __m256i times(__m256i source) const {
    const __m256i nibble = _mm256_set1_epi8(0x0F);
    const __m256i upper = _mm256_and_si256(_mm256_srli_epi64(source, 4), nibble);
    return _mm256_xor_si256(_mm256_shuffle_epi8(low, _mm256_and_si256(source, nibble)),
                            _mm256_shuffle_epi8(high, upper));
  }
};

SLUICE_AVX2 void one_avx2(MutableBytes destination, Bytes source, std::uint8_t factor) noexcept {
  if (source.size() < kYmmBytes) return one_ssse3(destination, source, factor);
  const Products32 products{factor};
  std::byte* const to = destination.data();
  const std::byte* const from = source.data();
  const Walk walk{source.size(), kYmmBytes};
  if (walk.rest != 0) {
    const std::size_t at = source.size() - kYmmBytes;
    const __m256i mask = load32(&kLastBytes[walk.rest]);
    const __m256i sum = _mm256_and_si256(products.times(load32(from + at)), mask);
    store32(to + at, _mm256_xor_si256(load32(to + at), sum));
  }
  for (std::size_t at = 0; at < walk.whole; at += kYmmBytes)
    store32(to + at, _mm256_xor_si256(load32(to + at), products.times(load32(from + at))));
}

struct FourProducts32 {
  Products32 a, b, c, d;
  const std::byte *from_a, *from_b, *from_c, *from_d;

  SLUICE_AVX2 explicit FourProducts32(std::span<const Term, kTermsPerWalk> terms)
      : a(terms[0].factor),
        b(terms[1].factor),
        c(terms[2].factor),
        d(terms[3].factor),
        from_a(terms[0].source.data()),
        from_b(terms[1].source.data()),
        from_c(terms[2].source.data()),
        from_d(terms[3].source.data()) {}

  SLUICE_AVX2 __m256i sum(std::size_t at) const {
    return _mm256_xor_si256(
        _mm256_xor_si256(a.times(load32(from_a + at)), b.times(load32(from_b + at))),
        _mm256_xor_si256(c.times(load32(from_c + at)), d.times(load32(from_d + at))));
  }
};

SLUICE_AVX2 void four_avx2(MutableBytes destination,
                           std::span<const Term, kTermsPerWalk> terms) noexcept {
  if (destination.size() < kYmmBytes) return four_ssse3(destination, terms);
  const FourProducts32 products{terms};
  std::byte* const to = destination.data();
  const Walk walk{destination.size(), kYmmBytes};
  if (walk.rest != 0) {
    const std::size_t at = destination.size() - kYmmBytes;
    const __m256i mask = load32(&kLastBytes[walk.rest]);
    store32(to + at, _mm256_xor_si256(load32(to + at), _mm256_and_si256(products.sum(at), mask)));
  }
  for (std::size_t at = 0; at < walk.whole; at += kYmmBytes)
    store32(to + at, _mm256_xor_si256(load32(to + at), products.sum(at)));
}

/// GFNI's own product is that of another polynomial, but it also applies any 8x8 matrix of bits to
/// each byte, and multiplying by a factor is one: row i says which bits of the source make bit i of
/// the product, and lies in byte 7 - i.
constexpr std::array<std::uint64_t, 256> make_bit_matrices() {
  std::array<std::uint64_t, 256> all{};
  for (std::size_t factor = 0; factor < 256; ++factor) {
    for (unsigned j = 0; j < 8; ++j) {
      const unsigned product =
          multiply(static_cast<std::uint8_t>(factor), static_cast<std::uint8_t>(1U << j));
      for (unsigned i = 0; i < 8; ++i)
        all[factor] |= std::uint64_t{product >> i & 1U} << (8 * (7 - i) + j);
    }
  }
  return all;
}

constexpr std::array<std::uint64_t, 256> kBitMatrices = make_bit_matrices();

struct Matrix32 {
  __m256i bits;

  SLUICE_GFNI explicit Matrix32(std::uint8_t factor)
      : bits(_mm256_set1_epi64x(static_cast<long long>(kBitMatrices[factor]))) {}

  SLUICE_GFNI __m256i times(__m256i source) const {
    return _mm256_gf2p8affine_epi64_epi8(source, bits, 0);
  }
};

SLUICE_GFNI void one_gfni(MutableBytes destination, Bytes source, std::uint8_t factor) noexcept {
  if (source.size() < kYmmBytes) return one_ssse3(destination, source, factor);
  const Matrix32 matrix{factor};
  std::byte* const to = destination.data();
  const std::byte* const from = source.data();
  const Walk walk{source.size(), kYmmBytes};
  if (walk.rest != 0) {
    const std::size_t at = source.size() - kYmmBytes;
    const __m256i mask = load32(&kLastBytes[walk.rest]);
    const __m256i sum = _mm256_and_si256(matrix.times(load32(from + at)), mask);
    store32(to + at, _mm256_xor_si256(load32(to + at), sum));
  }
  for (std::size_t at = 0; at < walk.whole; at += kYmmBytes)
    store32(to + at, _mm256_xor_si256(load32(to + at), matrix.times(load32(from + at))));
}

struct FourMatrices32 {
  Matrix32 a, b, c, d;
  const std::byte *from_a, *from_b, *from_c, *from_d;

  SLUICE_GFNI explicit FourMatrices32(std::span<const Term, kTermsPerWalk> terms)
      : a(terms[0].factor),
        b(terms[1].factor),
        c(terms[2].factor),
        d(terms[3].factor),
        from_a(terms[0].source.data()),
        from_b(terms[1].source.data()),
        from_c(terms[2].source.data()),
        from_d(terms[3].source.data()) {}

  SLUICE_GFNI __m256i sum(std::size_t at) const {
    return _mm256_xor_si256(
        _mm256_xor_si256(a.times(load32(from_a + at)), b.times(load32(from_b + at))),
        _mm256_xor_si256(c.times(load32(from_c + at)), d.times(load32(from_d + at))));
  }
};

SLUICE_GFNI void four_gfni(MutableBytes destination,
                           std::span<const Term, kTermsPerWalk> terms) noexcept {
  if (destination.size() < kYmmBytes) return four_ssse3(destination, terms);
  const FourMatrices32 matrices{terms};
  std::byte* const to = destination.data();
  const Walk walk{destination.size(), kYmmBytes};
  if (walk.rest != 0) {
    const std::size_t at = destination.size() - kYmmBytes;
    const __m256i mask = load32(&kLastBytes[walk.rest]);
    store32(to + at, _mm256_xor_si256(load32(to + at), _mm256_and_si256(matrices.sum(at), mask)));
  }
  for (std::size_t at = 0; at < walk.whole; at += kYmmBytes)
    store32(to + at, _mm256_xor_si256(load32(to + at), matrices.sum(at)));
}

}  // namespace

const Kernel kSsse3Kernel{"ssse3", one_ssse3, four_ssse3};
const Kernel kAvx2Kernel{"avx2", one_avx2, four_avx2};
const Kernel kGfniKernel{"gfni", one_gfni, four_gfni};

}  // namespace sluice::fec

#endif
