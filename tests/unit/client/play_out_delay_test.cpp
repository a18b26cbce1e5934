#include "client/play_out_delay.h"

#include <gtest/gtest.h>

namespace sluice::client {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart{seconds{1000}};

Instant at_ms(std::int64_t ms) { return kStart + milliseconds{ms}; }

/// A path that is the same for a while: 200 parts and 80 frames a second.
struct Path {
  int rtt_ms = 20;
  int jitter_ms = 0;
  double loss = 0;
};

/// Feeds `delay` from `from_ms` for `for_ms`; returns when that ended.
std::int64_t feed(PlayOutDelay& delay, const Path& path, std::int64_t from_ms,
                  std::int64_t for_ms) {
  delay.set_round_trip(milliseconds{path.rtt_ms});
  double lost = 0;
  for (std::int64_t ms = from_ms; ms < from_ms + for_ms; ms += 5) {
    lost += path.loss;
    const auto missing = static_cast<std::uint32_t>(lost);
    lost -= missing;
    if (missing == 0) delay.on_parts(at_ms(ms), 1, 0);
    if (missing != 0) delay.on_parts(at_ms(ms), 0, missing);
    if (ms % 25 < 10) delay.on_frame(at_ms(ms), milliseconds{ms % 3 * path.jitter_ms / 2});
    delay.update(at_ms(ms));
  }
  return from_ms + for_ms;
}

TEST(PlayOutDelay, IsWhatThePathAsksFor) {
  const struct {
    Path path;
    std::uint32_t rounds;
    int expected_ms;
  } table[] = {
      {{20, 0, 0}, 0, 15},         // the floor
      {{20, 10, 0}, 0, 15},        // jitter and guard are within it
      {{20, 20, 0}, 0, 25},        // jitter + 5
      {{500, 0, 0}, 0, 15},        // nothing to recover: the round trip does not matter
      {{20, 0, 0.0004}, 0, 15},    // one in 12 s
      {{20, 0, 0.01}, 1, 35 + 5},  // 1 (20 + 15) + 5
      {{100, 0, 0.01}, 1, 120},    //
      {{100, 0, 0.09}, 1, 120},    //
      {{100, 0, 0.2}, 2, 235},     // 2 (100 + 15) + 5
      {{100, 20, 0.2}, 2, 255},    //
      {{200, 20, 0.2}, 2, 455},    //
      {{400, 20, 0.2}, 2, 500},    // the ceiling
      {{20, 2000, 0}, 0, 500},     //
  };

  for (const auto& row : table) {
    PlayOutDelay delay{{}};
    const auto ended = feed(delay, row.path, 0, 20'000);
    EXPECT_EQ(delay.rounds(), row.rounds) << row.expected_ms;
    EXPECT_EQ(delay.value(), milliseconds{row.expected_ms}) << ended;
  }
}

TEST(PlayOutDelay, BeginsAtWhatACleanPathNeeds) {
  EXPECT_EQ(PlayOutDelay{{}}.value(), milliseconds{30});
}

TEST(PlayOutDelay, GrowsAtOnceWithJitter) {
  PlayOutDelay delay{{}};
  auto now = feed(delay, {20, 0, 0}, 0, 20'000);
  EXPECT_EQ(delay.value(), milliseconds{15});
  delay.on_frame(at_ms(now), milliseconds{90});
  delay.update(at_ms(now));
  EXPECT_EQ(delay.value(), milliseconds{95});
}

// The second lost part within 10 s makes a path lossy; heavy loss shows within half a second.
TEST(PlayOutDelay, GrowsAtOnceWithLoss) {
  PlayOutDelay delay{{}};
  auto now = feed(delay, {100, 0, 0}, 0, 20'000);
  delay.on_parts(at_ms(now), 1, 1);
  delay.update(at_ms(now));
  EXPECT_EQ(delay.value(), milliseconds{15});
  delay.on_parts(at_ms(now), 1, 2);
  delay.update(at_ms(now));
  EXPECT_EQ(delay.value(), milliseconds{120});
  feed(delay, {100, 0, 0.2}, now, 1'000);
  EXPECT_EQ(delay.value(), milliseconds{235});
}

TEST(PlayOutDelay, ShrinksTwoMillisecondsASecond) {
  PlayOutDelay delay{{}};
  auto now = feed(delay, {100, 0, 0.2}, 0, 20'000);
  ASSERT_EQ(delay.value(), milliseconds{235});
  now = feed(delay, {100, 0, 0}, now, 12'000);
  const Duration before = delay.value();
  now = feed(delay, {100, 0, 0}, now, 20'000);
  EXPECT_NEAR(static_cast<double>(to_us(before - delay.value())), 40'000, 200);
  feed(delay, {100, 0, 0}, now, 120'000);
  EXPECT_EQ(delay.value(), milliseconds{15});
}

// Turns may follow each other faster than one microsecond is shrunk.
TEST(PlayOutDelay, ShrinksHoweverOftenItIsAsked) {
  PlayOutDelay delay{{}};
  for (std::int64_t us = 0; us < 2'000'000; us += 130) delay.update(kStart + microseconds{us});
  EXPECT_NEAR(static_cast<double>(to_us(delay.value())), 26'000, 10);
}

TEST(PlayOutDelay, KeepsToTheUsersBounds) {
  const struct {
    int min_ms, max_ms;
    Path path;
    int expected_ms;
  } table[] = {
      {40, 300, {20, 0, 0}, 40},   {40, 300, {200, 0, 0.2}, 300}, {0, 300, {20, 0, 0}, 15},
      {60, 60, {20, 0, 0}, 60},    {60, 60, {200, 50, 0.3}, 60},  {0, 0, {20, 0, 0}, 0},
      {5, 10, {20, 100, 0.2}, 10},
  };

  for (const auto& row : table) {
    PlayOutDelay delay{{milliseconds{row.min_ms}, milliseconds{row.max_ms}}};
    feed(delay, row.path, 0, 20'000);
    EXPECT_EQ(delay.value(), milliseconds{row.expected_ms});
  }
}

TEST(PlayOutDelay, WhatWasOvertakenOrSkippedIsNoLoss) {
  PlayOutDelay delay{{}};
  for (std::int64_t ms = 0; ms < 20'000; ms += 5) {
    const bool reordered = ms % 50 == 0;
    delay.on_parts(at_ms(ms), 1, reordered ? 1 : 0);
    if (reordered) delay.on_found(at_ms(ms + 2), 1);
    delay.update(at_ms(ms + 2));
  }
  EXPECT_EQ(delay.rounds(), 0U);
  EXPECT_EQ(delay.value(), milliseconds{15});
}

// What the pusher loses on its way to the relay comes after the pusher's round trip, not ours.
TEST(PlayOutDelay, LeavesTimeForTheRoundsThatAreSeen) {
  PlayOutDelay delay{{}};
  auto now = feed(delay, {20, 0, 0.05}, 0, 5'000);
  EXPECT_EQ(delay.value(), milliseconds{40});
  for (int i = 0; i < 7; ++i) delay.on_recovered(at_ms(now), milliseconds{130});
  now = feed(delay, {20, 0, 0.05}, now, 100);
  EXPECT_EQ(delay.value(), milliseconds{40});  // seven are chance
  for (int i = 0; i < 5; ++i) delay.on_recovered(at_ms(now), milliseconds{400});
  now = feed(delay, {20, 0, 0.05}, now, 100);
  EXPECT_EQ(delay.value(), milliseconds{135});  // the median; a second round does not count
  feed(delay, {20, 0, 0}, now, 120'000);
  EXPECT_EQ(delay.value(), milliseconds{15});
}

}  // namespace
}  // namespace sluice::client
