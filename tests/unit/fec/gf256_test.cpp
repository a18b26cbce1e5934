#include "proto/fec/gf256.h"

#include <vector>

#include <gtest/gtest.h>

#include "proto/fec/gf256_kernels.h"
#include "tests/unit/fec/coded_track.h"

namespace sluice::fec {
namespace {

/// Some vectors' worth past every boundary that a kernel has.
constexpr std::size_t kBytesMax = 1300;

// P-REPAIR-02
TEST(Gf256, MultipliesAsThePolynomialSays) {
  for (unsigned a = 0; a < 256; ++a) {
    for (unsigned b = 0; b < 256; ++b) {
      const auto x = static_cast<std::uint8_t>(a), y = static_cast<std::uint8_t>(b);
      ASSERT_EQ(multiply(x, y), slow_multiply(a, b)) << a << " * " << b;
    }
  }
}

TEST(Gf256, InversesGiveOne) {
  for (unsigned a = 1; a < 256; ++a) {
    const auto x = static_cast<std::uint8_t>(a);
    EXPECT_EQ(multiply(x, inverse(x)), 1) << a;
  }
}

class Kernels : public testing::TestWithParam<std::size_t> {
 protected:
  const Kernel& kernel() const { return kernels()[GetParam()]; }
};

/// destination += factor * source by the byte.
std::vector<std::byte> expected_sum(Bytes destination, Bytes source, std::uint8_t factor) {
  std::vector<std::byte> sum(destination.begin(), destination.end());
  for (std::size_t i = 0; i < source.size(); ++i)
    sum[i] ^= std::byte{slow_multiply(factor, to_u8(source[i]))};
  return sum;
}

TEST_P(Kernels, OneAddsWhatTheDefinitionSaysAtEverySize) {
  sim::Xoshiro random{1};
  for (std::size_t size = 0; size <= kBytesMax; ++size) {
    const std::size_t to = random.below(32), from = random.below(32);
    std::vector<std::byte> memory = random_bytes(random, size + 64);
    const std::vector<std::byte> before = memory;
    const std::vector<std::byte> source = random_bytes(random, size + 64);
    const auto factor = static_cast<std::uint8_t>(random.below(256));
    const Bytes added = Bytes{source}.subspan(from, size);
    kernel().one(std::span{memory}.subspan(to, size), added, factor);

    std::vector<std::byte> expected = before;
    const auto sum = expected_sum(Bytes{before}.subspan(to, size), added, factor);
    std::copy(sum.begin(), sum.end(), expected.begin() + static_cast<std::ptrdiff_t>(to));
    ASSERT_EQ(memory, expected) << size << " bytes, times " << int{factor} << ", at " << to;
  }
}

TEST_P(Kernels, OneKnowsEveryFactor) {
  sim::Xoshiro random{2};
  for (const std::size_t size : {15U, 16U, 31U, 32U, 47U, 300U}) {
    const std::vector<std::byte> source = random_bytes(random, size);
    for (unsigned factor = 0; factor < 256; ++factor) {
      std::vector<std::byte> memory = random_bytes(random, size);
      const auto expected = expected_sum(memory, source, static_cast<std::uint8_t>(factor));
      kernel().one(memory, source, static_cast<std::uint8_t>(factor));
      ASSERT_EQ(memory, expected) << size << " bytes, times " << factor;
    }
  }
}

TEST_P(Kernels, FourAddsFourOnesAtEverySizeAndNothingBesides) {
  sim::Xoshiro random{3};
  for (std::size_t size = 0; size <= kBytesMax; ++size) {
    std::vector<std::vector<std::byte>> sources;
    std::vector<Term> terms;
    const std::size_t to = random.below(32);
    std::vector<std::byte> memory = random_bytes(random, size + 64);
    std::vector<std::byte> expected = memory;
    const auto begin = expected.begin() + static_cast<std::ptrdiff_t>(to);
    for (std::size_t i = 0; i < kTermsPerWalk; ++i)
      sources.push_back(random_bytes(random, size + 64));
    for (const auto& source : sources) {
      terms.push_back({Bytes{source}.subspan(random.below(64), size),
                       static_cast<std::uint8_t>(random.below(256))});
    }
    for (const Term& term : terms) {
      const auto sum = expected_sum(Bytes{expected}.subspan(to, size), term.source, term.factor);
      std::copy(sum.begin(), sum.end(), begin);
    }
    kernel().four(std::span{memory}.subspan(to, size), std::span<const Term, kTermsPerWalk>{terms});
    ASSERT_EQ(memory, expected) << size << " bytes at " << to;
  }
}

TEST_P(Kernels, OneScalesInPlace) {
  sim::Xoshiro random{4};
  for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 31U, 32U, 33U, 63U, 65U, 1185U}) {
    std::vector<std::byte> memory = random_bytes(random, size);
    const auto factor = static_cast<std::uint8_t>(random.below(256));
    const auto expected = expected_sum(memory, memory, factor);
    kernel().one(memory, memory, factor);
    ASSERT_EQ(memory, expected) << size;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Kernels, testing::Range(std::size_t{0}, kernels().size()),
                         [](const auto& kernel) {
                           return std::string{kernels()[kernel.param].name};
                         });

TEST(MulAdd, UsesTheFastestKernelThatThisProcessorHas) {
  EXPECT_EQ(kernels().front().name, "scalar");
  EXPECT_EQ(kernel_name(), kernels().back().name);
#if defined(__x86_64__)
  EXPECT_EQ(kernel_name() == "gfni" || kernel_name() == "avx2",
            __builtin_cpu_supports("avx2") != 0);
#endif
}

TEST(MulAdd, TakesSourcesOfDifferentLengthsAsPaddedWithZeros) {
  sim::Xoshiro random{6};
  for (std::size_t count = 0; count <= 9; ++count) {
    std::vector<std::vector<std::byte>> sources;
    for (std::size_t i = 0; i < count; ++i)
      sources.push_back(random_bytes(random, random.below(200)));
    std::vector<Term> terms;
    std::vector<std::byte> memory = random_bytes(random, 200);
    std::vector<std::byte> expected = memory;
    for (const auto& source : sources) {
      terms.push_back({source, static_cast<std::uint8_t>(random.below(256))});
      expected = expected_sum(expected, source, terms.back().factor);
    }
    mul_add(memory, terms);
    ASSERT_EQ(memory, expected) << count << " terms";
  }
}

TEST(MulAdd, ScalesBytes) {
  sim::Xoshiro random{7};
  const std::vector<std::byte> bytes = random_bytes(random, 100);
  for (const std::uint8_t factor : std::initializer_list<std::uint8_t>{0, 1, 2, 77, 255}) {
    std::vector<std::byte> scaled = bytes;
    scale(scaled, factor);
    EXPECT_EQ(scaled, expected_sum(std::vector<std::byte>(100), bytes, factor)) << int{factor};
  }
}

}  // namespace
}  // namespace sluice::fec
