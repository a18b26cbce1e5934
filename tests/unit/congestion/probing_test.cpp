#include "proto/congestion/probing.h"

#include <cstdint>
#include <optional>

#include <gtest/gtest.h>

namespace sluice::congestion {
namespace {

constexpr std::uint32_t kBytes = 1200;

struct Path {
  Probing probing{Instant{}};
  ProbeConditions conditions;
  std::uint64_t number = 0;

  Path() {
    conditions.estimate = 1e6;
    conditions.useful = 2e6;
    conditions.srtt = std::chrono::milliseconds{100};
    conditions.calm = true;
  }

  std::optional<double> update(std::int64_t after_ms) {
    conditions.now += std::chrono::milliseconds{after_ms};
    return probing.update(conditions);
  }

  /// Sends the whole probe at its rate; it arrives at `share` of that, `lost` of its packets not.
  std::optional<double> answer(double share, int lost = 0) {
    const std::optional<ProbeWish> wish = probing.wish();
    if (!wish) return std::nullopt;
    const double gap_us = kBytes * 8e6 / static_cast<double>(wish->bits_per_s);
    int sent = 0;
    for (; probing.wish(); ++sent) {
      const Instant at = conditions.now + Duration{static_cast<std::int64_t>(sent * gap_us)};
      probing.on_sent(at, kBytes, wish->id);
    }
    for (int i = 0; i < sent; ++i) {
      PacketResult result{.number = {number++}, .bytes = kBytes, .probe = wish->id};
      result.sent_at = conditions.now + Duration{static_cast<std::int64_t>(i * gap_us)};
      result.arrival = Duration{static_cast<std::int64_t>(i * gap_us / share)};
      result.lost = i >= 1 && i <= lost;
      if (result.lost) result.arrival.reset();
      probing.add(result, result.arrival.has_value());
    }
    return update(200);
  }
};

TEST(Probing, AsksForTwiceTheEstimateAtTheStart) {
  Path path;
  EXPECT_FALSE(path.probing.wish());
  EXPECT_FALSE(path.update(10));
  const std::optional<ProbeWish> wish = path.probing.wish();
  ASSERT_TRUE(wish);
  EXPECT_EQ(wish->bits_per_s, 2'000'000U);
  EXPECT_GE(wish->bytes, 5 * kBytes);
  EXPECT_NE(wish->id, kNoProbe);
}

TEST(Probing, ASuccessProvesTheRateAndGoesOn) {
  Path path;
  path.update(10);
  const std::optional<double> proved = path.answer(1.0);
  ASSERT_TRUE(proved);
  EXPECT_NEAR(*proved, 1.9e6, 1e4);
  path.conditions.estimate = *proved;
  path.update(110);
  ASSERT_TRUE(path.probing.wish());
  EXPECT_NEAR(static_cast<double>(path.probing.wish()->bits_per_s), 3.8e6, 1e4);
}

TEST(Probing, TheNextComesLaterAlsoWithoutARoundTrip) {
  Path path;
  path.conditions.srtt = Duration{0};
  path.update(10);
  ASSERT_TRUE(path.answer(1.0));
  EXPECT_GT(path.probing.next_deadline(), path.conditions.now) << "or its owner would spin";
}

TEST(Probing, StopsAtTwiceWhatIsUseful) {
  Path path;
  path.conditions.estimate = 3.9e6;
  for (int i = 0; i < 100; ++i) path.update(100);
  EXPECT_FALSE(path.probing.wish());
  path.probing.want_more(6e6);
  for (int i = 0; i < 20 && !path.probing.wish(); ++i) path.update(100);
  EXPECT_TRUE(path.probing.wish()) << "more is wanted now";
}

TEST(Probing, WhatArrivesSlowlyProvesNothingAndIsTriedLower) {
  Path path;
  path.update(10);
  EXPECT_FALSE(path.answer(0.7));
  path.update(400);
  EXPECT_FALSE(path.probing.wish());
  path.update(200);
  ASSERT_TRUE(path.probing.wish());
  EXPECT_NEAR(static_cast<double>(path.probing.wish()->bits_per_s), 0.9 * 1.4e6, 2e4);
}

TEST(Probing, AfterFailuresItWaitsLongerAndLonger) {
  Path path;
  path.update(10);
  std::int64_t before_ms = 0;
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(path.answer(0.5));
    std::int64_t waited_ms = 0;
    while (!path.probing.wish() && waited_ms < 60'000) {
      path.update(100);
      waited_ms += 100;
    }
    ASSERT_TRUE(path.probing.wish());
    EXPECT_GE(waited_ms, before_ms);
    before_ms = waited_ms;
  }
  EXPECT_GE(before_ms, 9'000);
}

TEST(Probing, LossThatThePathAlwaysHasDoesNotFailAProbe) {
  Path clean, lossy;
  clean.update(10);
  lossy.update(10);
  lossy.conditions.floor = 0.2;
  clean.conditions.floor = 0;
  EXPECT_FALSE(clean.answer(1.0, 2)) << "a third lost where nothing was";
  EXPECT_TRUE(lossy.answer(1.0, 1));
}

TEST(Probing, MakesNoneUnderAQueueOrWhereTrainsShowNoRoom) {
  Path queue;
  queue.conditions.calm = false;
  for (int i = 0; i < 100; ++i) queue.update(100);
  EXPECT_FALSE(queue.probing.wish());
  Path full;
  full.conditions.capacity = 1.1e6;
  for (int i = 0; i < 100; ++i) full.update(100);
  EXPECT_FALSE(full.probing.wish());
  full.conditions.capacity = 1.5e6;
  for (int i = 0; i < 20 && !full.probing.wish(); ++i) full.update(100);
  ASSERT_TRUE(full.probing.wish());
  EXPECT_LE(full.probing.wish()->bits_per_s, 1'500'000U);
}

TEST(Probing, WaitsTwoSecondsAfterAFall) {
  Path path;
  path.conditions.now = instant_from_us(10'000'000);
  path.conditions.fell_at = path.conditions.now;
  path.update(0);
  path.update(1'900);
  EXPECT_FALSE(path.probing.wish());
  path.update(200);
  EXPECT_TRUE(path.probing.wish());
}

TEST(Probing, AWishThatNobodyServesLapses) {
  Path path;
  path.update(10);
  ASSERT_TRUE(path.probing.wish());
  path.update(600);
  EXPECT_FALSE(path.probing.wish());
  EXPECT_GT(path.probing.next_deadline(), path.conditions.now);
}

}  // namespace
}  // namespace sluice::congestion
