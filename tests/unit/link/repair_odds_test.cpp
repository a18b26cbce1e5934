#include "proto/link/repair_odds.h"

#include <cmath>

#include <gtest/gtest.h>

#include "sim/xoshiro.h"

namespace sluice::link {
namespace {

/// All outcomes of every packet in flight, one by one.
double enumerated(const OpenWindow& window, unsigned repairs = 0) {
  struct Group {
    unsigned packets;
    double loss;
  };

  const Group groups[] = {
      {window.parts_by_copies[1] + window.equations_in_flight + repairs, window.loss},
      {window.parts_by_copies[2], std::pow(window.loss, 2)},
      {window.parts_by_copies[3], std::pow(window.loss, 3)},
  };
  const unsigned packets = groups[0].packets + groups[1].packets + groups[2].packets;
  double miss = 0;
  for (unsigned outcome = 0; outcome < 1U << packets; ++outcome) {
    double chance = 1;
    int lost = 0;
    unsigned packet = 0;
    for (const Group& group : groups) {
      for (unsigned i = 0; i < group.packets; ++i, ++packet) {
        const bool is_lost = (outcome >> packet & 1U) != 0;
        chance *= is_lost ? group.loss : 1 - group.loss;
        if (is_lost) ++lost;
      }
    }
    const int equations = window.equations_in_hand + window.equations_in_flight + int(repairs);
    if (window.parts_by_copies[0] + lost > equations) miss += chance;
  }
  return miss;
}

OpenWindow random_window(sim::Xoshiro& random) {
  OpenWindow window;
  for (auto& parts : window.parts_by_copies) parts = static_cast<std::uint16_t>(random.below(4));
  window.equations_in_hand = static_cast<std::uint16_t>(random.below(4));
  window.equations_in_flight = static_cast<std::uint16_t>(random.below(4));
  constexpr double kLosses[] = {0, 0.005, 0.05, 0.2, 0.5, 1};
  window.loss = kLosses[random.below(std::size(kLosses))];
  return window;
}

TEST(RepairOdds, AreThoseOfAllOutcomesCounted) {
  sim::Xoshiro random{1};
  for (int i = 0; i < 500; ++i) {
    const OpenWindow window = random_window(random);
    EXPECT_NEAR(miss_probability(window), enumerated(window), 1e-9);
  }
}

TEST(RepairOdds, TheSmallestNumberOfRepairsMeetsTheTarget) {
  sim::Xoshiro random{2};
  for (int i = 0; i < 200; ++i) {
    const OpenWindow window = random_window(random);
    constexpr double kTargets[] = {0.02, 0.0025, 0.0002};
    const double target = kTargets[random.below(3)];
    const unsigned most = 4;  // more are too many to enumerate
    const unsigned needed = repairs_needed(window, target, most);
    EXPECT_TRUE(needed == most || enumerated(window, needed) <= target);
    EXPECT_TRUE(needed == 0 || enumerated(window, needed - 1) > target);
  }
}

TEST(RepairOdds, HoldTheirEdges) {
  OpenWindow window;
  window.loss = 0.2;
  EXPECT_EQ(miss_probability(window), 0) << "nothing open";
  EXPECT_EQ(repairs_needed(window, 0.0002), 0);

  window.parts_by_copies[0] = 1;
  EXPECT_EQ(miss_probability(window), 1);
  window.equations_in_hand = 1;
  EXPECT_EQ(miss_probability(window), 0);
  EXPECT_EQ(repairs_needed(window, 0.0002), 0);

  window.parts_by_copies[0] = 256;
  window.equations_in_hand = 0;
  EXPECT_EQ(repairs_needed(window, 0.0002), 255) << "no number will do";
  EXPECT_EQ(repairs_needed(window, 0.0002, 10), 10);
  EXPECT_EQ(repairs_needed(window, 0.0002, 0), 0);

  window.parts_by_copies[0] = 3;
  window.loss = 1;
  EXPECT_EQ(repairs_needed(window, 0.0002, 40), 40) << "nothing gets through";
  window.loss = 0;
  EXPECT_EQ(repairs_needed(window, 0.0002), 3);

  OpenWindow full;
  full.parts_by_copies = {60000, 60000, 60000, 60000};
  full.equations_in_hand = full.equations_in_flight = 60000;
  full.loss = 0.3;
  EXPECT_EQ(miss_probability(full), 0) << "more of everything than is counted";
}

/// The figures of pooling: one lost part alone takes four or five sends to miss one time in a
/// thousand, four together nine or ten.
TEST(RepairOdds, PoolingIsCheap) {
  OpenWindow window;
  window.loss = 0.2;
  window.parts_by_copies[0] = 1;
  EXPECT_EQ(repairs_needed(window, 0.001), 5);
  window.parts_by_copies[0] = 4;
  EXPECT_EQ(repairs_needed(window, 0.001), 10);
  window.parts_by_copies[0] = 40;
  EXPECT_NEAR(repairs_needed(window, 0.001), 62, 2);
}

/// What a window meets on a channel with two states, by trial.
/// The repairs to come leave together, later than the rest.
double tried(const OpenWindow& window, sim::Xoshiro& random, int trials, int repairs = 0) {
  const double leaves = 1 / window.mean_burst;
  const double enters = window.loss / (1 - window.loss) * leaves;
  int misses = 0;
  for (int trial = 0; trial < trials; ++trial) {
    bool bad = random.chance(window.loss);
    int lost = 0;
    for (int i = 0; i < window.parts_by_copies[1] + window.equations_in_flight; ++i) {
      if (bad) ++lost;
      bad = random.chance(bad ? 1 - leaves : enters);
    }
    bad = random.chance(window.loss);
    for (int i = 0; i < repairs; ++i) {
      if (bad) ++lost;
      bad = random.chance(bad ? 1 - leaves : enters);
    }
    for (int i = 0; i < window.parts_by_copies[2]; ++i) {
      if (random.chance(window.loss) && random.chance(window.loss)) ++lost;
    }
    const int equations = window.equations_in_hand + window.equations_in_flight + repairs;
    if (window.parts_by_copies[0] + lost > equations) ++misses;
  }
  return double(misses) / trials;
}

TEST(RepairOdds, AreThoseThatLargeWindowsMeetByTrial) {
  sim::Xoshiro random{3};
  for (const double loss : {0.02, 0.1, 0.2, 0.3}) {
    for (const int parts : {7, 50, 198, 256}) {
      OpenWindow window;
      window.loss = loss;
      window.mean_burst = 1 / (1 - loss);
      window.parts_by_copies = {static_cast<std::uint16_t>(parts / 10),
                                static_cast<std::uint16_t>(parts * 8 / 10),
                                static_cast<std::uint16_t>(parts / 10), 0};
      // About as many as will be missing, so that both outcomes happen.
      window.equations_in_flight =
          static_cast<std::uint16_t>(parts / 10 + int(parts * loss) + int(std::sqrt(parts)) / 3);
      const double expected = miss_probability(window);
      constexpr int kTrials = 20'000;
      const double deviation = std::sqrt(expected * (1 - expected) / kTrials);
      EXPECT_NEAR(tried(window, random, kTrials), expected, 5 * deviation + 1e-4)
          << loss << ", " << parts;
    }
  }
}

/// Repairs in one row are lost as the channel loses them, to the letter.
TEST(RepairOdds, OfRepairsInOneRowAreExact) {
  sim::Xoshiro random{5};
  for (const double burst : {1.0, 1.6, 5.0}) {
    for (const unsigned gone : {1U, 2U, 6U}) {
      OpenWindow window;
      window.loss = 0.15;
      window.mean_burst = std::max(burst, 1 / (1 - window.loss));
      window.parts_by_copies[0] = static_cast<std::uint16_t>(gone);
      for (const double target : {0.3, 0.05}) {
        const int repairs = repairs_needed(window, target);
        constexpr int kTrials = 50'000;
        const double deviation = 5 * std::sqrt(target / kTrials);
        EXPECT_LE(tried(window, random, kTrials, repairs), target + deviation) << burst;
        EXPECT_GE(tried(window, random, kTrials, repairs - 1), target - deviation) << burst;
      }
    }
  }
}

TEST(RepairOdds, ThePriceDecidesHowManyRepairsAreWorthIt) {
  sim::Xoshiro random{6};
  for (int i = 0; i < 60; ++i) {
    const OpenWindow window = random_window(random);
    for (const double price : {0.1, 0.003, 0.0001}) {
      constexpr unsigned kMost = 2;
      const RepairChoice choice = repairs_worth(window, price, kMost);
      EXPECT_NEAR(choice.miss, enumerated(window, choice.repairs), 1e-9);
      if (choice.miss > 0.5) continue;  // not given up while there is any hope
      for (unsigned other = 0; other <= kMost; ++other) {
        const double miss = enumerated(window, other);
        if (miss > 0.5) continue;
        EXPECT_LE(choice.miss + price * choice.repairs, miss + price * other + 1e-9);
      }
    }
  }
}

/// The beta-binomial is a model of bursts, not their law: held to a factor of 2 around one in ten
/// and of 4 around one in a thousand.
TEST(RepairOdds, KnowBursts) {
  sim::Xoshiro random{4};
  for (const double loss : {0.05, 0.1, 0.2}) {
    for (const int parts : {7, 20, 50, 150}) {
      for (const double target : {0.1, 0.001}) {
        OpenWindow window;
        window.loss = loss;
        window.mean_burst = 5;
        window.parts_by_copies[1] = static_cast<std::uint16_t>(parts);
        const int repairs = repairs_needed(window, target);
        const double met = tried(window, random, 50'000, repairs);
        EXPECT_LE(met, target * (target < 0.01 ? 4 : 2)) << loss << ", " << parts;
        OpenWindow without = window;
        without.mean_burst = 1;
        without.equations_in_flight = static_cast<std::uint16_t>(repairs);
        EXPECT_LT(miss_probability(without), met + 1e-4) << "bursts make it worse";
      }
    }
  }
}

TEST(RepairOdds, TheVarianceOfBurstsGrowsWithTheRowToItsLimit) {
  EXPECT_EQ(burst_variance(0.2, 1, 100), 1);
  EXPECT_EQ(burst_variance(0.2, 1.25, 100), 1) << "as long as chance makes them";
  EXPECT_NEAR(burst_variance(0.1, 5, 1), 1, 1e-9);
  double before = 1;
  for (const std::size_t packets : {2U, 5U, 20U, 100U, 1000U}) {
    const double variance = burst_variance(0.1, 5, packets);
    EXPECT_GT(variance, before);
    before = variance;
  }
  EXPECT_NEAR(before, 8, 0.1);  // 2 x 5 x 0.9 - 1
}

}  // namespace
}  // namespace sluice::link
