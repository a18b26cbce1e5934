#include "proto/congestion/loss_floor.h"

#include <cstdint>

#include <gtest/gtest.h>

namespace sluice::congestion {
namespace {

using Verdict = LossFloor::Verdict;

struct Path {
  LossFloor losses;
  std::int64_t now_us = 0;
  std::uint32_t drawn = 0;

  /// A packet each 5 ms, settled 100 ms after its sending; `percent` of them lost, evenly.
  Verdict run(int ms, std::uint32_t percent, bool calm) {
    Verdict verdict = Verdict::kNone;
    for (int i = 0; i < ms; i += 5) {
      drawn += percent;
      const bool lost = drawn >= 100;
      if (lost) drawn -= 100;
      losses.add(instant_from_us(now_us), instant_from_us(now_us - 100'000), lost);
      losses.update(instant_from_us(now_us), calm);
      const Verdict said = losses.verdict(instant_from_us(now_us));
      if (said != Verdict::kNone) verdict = said;
      now_us += 5'000;
    }
    return verdict;
  }

  Instant now() const { return instant_from_us(now_us); }
};

TEST(LossFloor, IsZeroOnACleanPath) {
  Path path;
  EXPECT_EQ(path.run(5'000, 0, true), Verdict::kNone);
  EXPECT_EQ(path.losses.floor(), 0);
  EXPECT_FALSE(path.losses.excess());
}

TEST(LossFloor, FollowsTheLossWhileThePathIsCalm) {
  Path path;
  path.run(20'000, 8, true);
  EXPECT_NEAR(path.losses.floor(), 0.08, 0.01);
  EXPECT_FALSE(path.losses.excess());
  path.run(5'000, 0, true);
  EXPECT_LT(path.losses.floor(), 0.01);
}

// Bursts of five make the loss of a second swing by as much as it is.
TEST(LossFloor, WhatComesInBurstsIsSeldomMoreThanChance) {
  LossFloor losses;
  std::uint64_t lcg = 5;
  bool in_burst = false;
  int excess = 0;
  for (int i = 0; i < 12'000; ++i) {
    lcg = lcg * 6364136223846793005U + 1442695040888963407U;
    const std::uint64_t drawn = (lcg >> 33U) % 1'000;
    in_burst = in_burst ? drawn >= 200 : drawn < 22;
    const Instant now = instant_from_us(i * std::int64_t{5'000});
    losses.add(now, now, in_burst);
    losses.update(now, true);
    excess += i > 4'000 && losses.excess() ? 1 : 0;
  }
  EXPECT_NEAR(losses.floor(), 0.1, 0.06);
  EXPECT_LT(excess, 80);
}

TEST(LossFloor, DoesNotRiseUnderAQueue) {
  Path path;
  path.run(20'000, 20, false);
  EXPECT_EQ(path.losses.floor(), 0);
  EXPECT_TRUE(path.losses.excess());
}

TEST(LossFloor, ATrialThatChangesNothingMakesAFloor) {
  Path path;
  path.run(1'000, 20, false);
  ASSERT_TRUE(path.losses.excess());
  ASSERT_TRUE(path.losses.may_try(path.now()));
  path.losses.begin_trial(path.now());
  EXPECT_FALSE(path.losses.may_try(path.now())) << "one at a time";
  EXPECT_EQ(path.run(2'000, 20, false), Verdict::kFloor);
  EXPECT_NEAR(path.losses.floor(), 0.2, 0.02);
  EXPECT_FALSE(path.losses.excess());
}

TEST(LossFloor, ATrialThatEndsTheLossLeavesTheFloor) {
  Path path;
  path.run(1'000, 20, false);
  path.losses.begin_trial(path.now());
  EXPECT_EQ(path.run(2'000, 2, false), Verdict::kOurs);
  EXPECT_LT(path.losses.floor(), 0.03);
  EXPECT_TRUE(path.losses.may_try(path.now()));
}

TEST(LossFloor, TrialsInVainBecomeRare) {
  Path path;
  path.run(1'000, 20, false);
  std::int64_t gap_us = 0;
  for (int i = 0; i < 3; ++i) {
    path.losses.begin_trial(path.now());
    ASSERT_EQ(path.run(800, 20, false), Verdict::kFloor);
    const std::int64_t from_us = path.now_us;
    while (!path.losses.may_try(path.now())) path.run(100, 20, false);
    EXPECT_GE(path.now_us - from_us, gap_us * 3 / 2);
    gap_us = path.now_us - from_us;
  }
}

TEST(LossFloor, AnIdleSecondForgets) {
  Path path;
  path.run(1'000, 50, false);
  path.now_us += 2'000'000;
  path.losses.update(path.now(), false);
  EXPECT_EQ(path.losses.packets(), 0U);
  EXPECT_EQ(path.losses.loss(), 0);
}

}  // namespace
}  // namespace sluice::congestion
