#include "bench/link/miss_bound.h"

#include <cmath>

#include <gtest/gtest.h>

namespace sluice::bench {
namespace {

TEST(UpperBound95, IsTheRuleOfThreeWithoutMisses) {
  for (const std::uint64_t sent : {1U, 10U, 1740U, 216'000U}) {
    const double exact = 1 - std::pow(0.05, 1.0 / static_cast<double>(sent));
    EXPECT_NEAR(upper_bound_95(0, sent), exact, 1e-9) << sent;
  }
}

// Values of the binomial distribution: the chance of at most k misses at the bound is 5 %.
TEST(UpperBound95, IsWhereSoFewMissesHaveAChanceOfFivePerCent) {
  struct Case {
    std::uint64_t missed, sent;
  };

  for (const Case& c : {Case{1, 20}, Case{3, 100}, Case{15, 8700}, Case{185, 216'000}}) {
    const double p = upper_bound_95(c.missed, c.sent);
    const auto n = static_cast<double>(c.sent);
    double chance = 0;
    for (std::uint64_t k = 0; k <= c.missed; ++k) {
      const auto m = static_cast<double>(k);
      chance += std::exp(std::lgamma(n + 1) - std::lgamma(m + 1) - std::lgamma(n - m + 1) +
                         m * std::log(p) + (n - m) * std::log1p(-p));
    }
    EXPECT_NEAR(chance, 0.05, 1e-6) << c.missed << " of " << c.sent;
  }
}

TEST(UpperBound95, IsOneWhenNothingIsKnownOrAllWereMissed) {
  EXPECT_EQ(upper_bound_95(0, 0), 1);
  EXPECT_EQ(upper_bound_95(7, 7), 1);
}

}  // namespace
}  // namespace sluice::bench
