#include "proto/congestion/queue_delay.h"

#include <cstdint>

#include <gtest/gtest.h>

namespace sluice::congestion {
namespace {

/// The peer's clock is far from ours: only differences may count.
constexpr std::int64_t kClockUs = -987'654'321;

using std::chrono::milliseconds;

struct Path {
  QueueDelay queue;
  std::int64_t now_us = 5'000'000;

  /// A packet each 10 ms, for `ms`, with this one-way delay.
  void run(std::int64_t ms, std::int64_t delay_us) {
    for (std::int64_t i = 0; i < ms; i += 10) {
      queue.add(instant_from_us(now_us), Duration{now_us + delay_us + kClockUs});
      now_us += 10'000;
    }
  }
};

TEST(QueueDelay, IsZeroBeforeTheFirstPacketAndAtTheFirst) {
  Path path;
  EXPECT_EQ(path.queue.now(), Duration{0});
  EXPECT_FALSE(path.queue.measured());
  path.run(10, 50'000);
  EXPECT_TRUE(path.queue.measured());
  EXPECT_EQ(path.queue.now(), Duration{0});
}

TEST(QueueDelay, IsWhatIsBeyondTheLeast) {
  Path path;
  path.run(1'000, 50'000);
  path.run(200, 130'000);
  EXPECT_EQ(path.queue.now(), Duration{80'000});
  path.run(200, 50'000);
  EXPECT_EQ(path.queue.now(), Duration{0});
}

TEST(QueueDelay, OneLatePacketIsNoQueue) {
  Path path;
  path.run(1'000, 50'000);
  path.run(10, 150'000);
  EXPECT_EQ(path.queue.now(), Duration{0});
  path.run(20, 50'000);
  EXPECT_EQ(path.queue.now(), Duration{0});
}

TEST(QueueDelay, ForgetsTheLeastAfterTenSecondsButNotForAMinute) {
  Path path;
  path.run(1'000, 50'000);
  path.run(8'500, 90'000);
  EXPECT_EQ(path.queue.now(), Duration{40'000});
  path.run(2'000, 90'000);
  EXPECT_EQ(path.queue.now(), Duration{0});
  EXPECT_EQ(path.queue.beyond_minute(), Duration{40'000});
  path.run(60'000, 90'000);
  EXPECT_EQ(path.queue.beyond_minute(), Duration{0});
}

TEST(QueueDelay, ARebaseCountsAnew) {
  Path path;
  path.queue.rebase();
  path.run(1'000, 50'000);
  path.run(500, 350'000);
  path.queue.rebase();
  EXPECT_EQ(path.queue.now(), Duration{0});
  path.run(500, 370'000);
  EXPECT_EQ(path.queue.now(), Duration{20'000});
  EXPECT_EQ(path.queue.beyond_minute(), Duration{320'000});
}

// Arrival times that drift by 4 ms in a second, as they may where packets come in bursts.
TEST(QueueDelay, IsNotLongerThanTheRoundTripGrewBy) {
  QueueDelay bounded, unbounded;
  Instant sent{};
  for (int i = 0; i < 300; ++i, sent += milliseconds{33}) {
    const Duration arrival = sent.time_since_epoch() + milliseconds{50} + Duration{i * 132};
    bounded.add(sent, arrival);
    bounded.add_round_trip(sent, milliseconds{100});
    unbounded.add(sent, arrival);
  }
  EXPECT_GT(unbounded.now(), milliseconds{35});
  EXPECT_LE(bounded.now(), milliseconds{5});
  EXPECT_LE(bounded.beyond_minute(), milliseconds{5});
  // A real queue is in both.
  for (int i = 0; i < 10; ++i, sent += milliseconds{33}) {
    bounded.add(sent, sent.time_since_epoch() + milliseconds{170});
    bounded.add_round_trip(sent, milliseconds{180});
  }
  EXPECT_GT(bounded.now(), milliseconds{75});
}

// Of 60 ms: alone it lifts no least of 150 ms by much, and a queue under it is still seen.
TEST(QueueDelay, JitterIsMeasuredAndNoQueue) {
  Path path;
  path.run(1'000, 50'000);
  EXPECT_EQ(path.queue.jitter(), Duration{0});
  std::uint64_t lcg = 3;
  const auto run_jittered = [&](std::int64_t base_us) {
    std::int64_t highest_us = 0;
    for (int i = 0; i < 200; ++i) {
      lcg = lcg * 6364136223846793005U + 1442695040888963407U;
      path.run(10, base_us + static_cast<std::int64_t>((lcg >> 33U) % 60'000));
      highest_us = std::max(highest_us, path.queue.now().count());
    }
    return highest_us;
  };
  EXPECT_LT(run_jittered(50'000), 40'000);
  EXPECT_NEAR(static_cast<double>(path.queue.jitter().count()), 17'000, 8'000);
  EXPECT_GE(run_jittered(150'000), 100'000);
  path.run(1'000, 50'000);
  EXPECT_EQ(path.queue.jitter(), Duration{0});
}

TEST(QueueDelay, AQueueThatGrowsAndEmptiesIsNoJitter) {
  Path path;
  path.run(1'000, 50'000);
  for (int wave = 0; wave < 5; ++wave) {
    for (std::int64_t ms = 0; ms < 150; ms += 10) path.run(10, 50'000 + ms * 1'000);
    for (std::int64_t ms = 150; ms > 0; ms -= 10) path.run(10, 50'000 + ms * 1'000);
    EXPECT_EQ(path.queue.jitter(), Duration{0});
  }
}

TEST(QueueDelay, APauseLeavesNoOldLeastBehind) {
  Path path;
  path.run(1'000, 50'000);
  path.now_us += 3'600'000'000;
  path.run(100, 90'000);
  EXPECT_EQ(path.queue.now(), Duration{0});
}

}  // namespace
}  // namespace sluice::congestion
