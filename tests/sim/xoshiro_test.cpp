#include "sim/xoshiro.h"

#include <gtest/gtest.h>

namespace sluice::sim {
namespace {

TEST(Xoshiro, GivesTheSameNumbersForTheSameSeedOnly) {
  Xoshiro a{1}, b{1}, c{2};
  int same_as_other_seed = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t value = a.next();
    EXPECT_EQ(value, b.next());
    same_as_other_seed += value == c.next() ? 1 : 0;
  }
  EXPECT_EQ(same_as_other_seed, 0);
}

// Computed once with the authors' reference code: a changed constant would change every simulation.
TEST(Xoshiro, FollowsThePublishedAlgorithm) {
  Xoshiro rng{0};
  EXPECT_EQ(rng.next(), 0x99EC5F36CB75F2B4U);
  EXPECT_EQ(rng.next(), 0xBF6E1F784956452AU);
}

TEST(Xoshiro, ChanceIsNeverAtZeroAndAlwaysAtOne) {
  Xoshiro rng{3};
  for (int i = 0; i < 10'000; ++i) {
    EXPECT_FALSE(rng.chance(0));
    EXPECT_TRUE(rng.chance(1));
  }
}

TEST(Xoshiro, UnitFillsTheRangeEvenly) {
  Xoshiro rng{4};
  std::array<int, 10> buckets{};
  for (int i = 0; i < 100'000; ++i) ++buckets[static_cast<std::size_t>(rng.unit() * 10)];
  for (const int bucket : buckets) EXPECT_NEAR(bucket, 10'000, 500);  // 5 standard deviations
}

TEST(Xoshiro, ServesAsARandomSource) {
  Xoshiro rng{5}, same{5};
  const RandomSource source = rng.source(), same_source = same.source();
  const std::uint64_t first = source.u64();
  EXPECT_EQ(first, same_source.u64());
  EXPECT_NE(first, source.u64());
}

}  // namespace
}  // namespace sluice::sim
