#include "proto/congestion/delay_trend.h"

#include <cstdint>

#include <gtest/gtest.h>

namespace sluice::congestion {
namespace {

using Signal = DelayTrend::Signal;

struct Path {
  DelayTrend trend;
  std::int64_t now_us = 0;
  std::int64_t delay_us = 50'000;
  bool sure = false;  // it ever signalled growth that is more than noise

  /// A packet each 10 ms; the delay grows by `per_packet_us` with each. True if it ever signalled.
  bool run(int packets, std::int64_t per_packet_us, std::int64_t jitter_us = 0) {
    bool signalled = false;
    for (int i = 0; i < packets; ++i) {
      const std::int64_t noise = jitter_us * ((i * 7) % 5) / 4;
      trend.add(instant_from_us(now_us), Duration{now_us + delay_us + noise});
      now_us += 10'000;
      delay_us += per_packet_us;
      signalled = signalled || trend.signal() == Signal::kGrowing;
      sure = sure || (trend.signal() == Signal::kGrowing && trend.sure());
    }
    return signalled;
  }
};

TEST(DelayTrend, ASteadyDelayIsNoSignal) {
  Path path;
  EXPECT_FALSE(path.run(500, 0));
  EXPECT_EQ(path.trend.signal(), Signal::kSteady);
  EXPECT_NEAR(path.trend.slope(), 0, 1e-6);
}

TEST(DelayTrend, AQueueThatGrowsIsSeenWithinThirtyGroups) {
  // 0.5 ms in 10 ms: 5 % more is sent than the path carries.
  Path path;
  path.run(100, 0);
  EXPECT_TRUE(path.run(30, 500));
  EXPECT_TRUE(path.sure);
}

// Delays at random within 60 ms lay slopes too, none of which is sure.
TEST(DelayTrend, JitterIsNoSureGrowth) {
  Path path;
  path.run(100, 0);
  std::uint64_t lcg = 7;
  for (int i = 0; i < 5'000; ++i) {
    lcg = lcg * 6364136223846793005U + 1442695040888963407U;
    path.delay_us = 50'000 + static_cast<std::int64_t>((lcg >> 33U) % 60'000);
    path.run(1, 0);
  }
  EXPECT_FALSE(path.sure);
}

TEST(DelayTrend, TheSlopeIsHalfTheGrowthPerTime) {
  Path path;
  path.run(100, 1'000);
  EXPECT_NEAR(path.trend.slope(), 0.05, 0.01);
}

TEST(DelayTrend, AQueueThatEmptiesIsNoGrowth) {
  Path path;
  path.run(60, 1'000);
  path.run(60, -1'000);
  EXPECT_EQ(path.trend.signal(), Signal::kFalling);
  EXPECT_LT(path.trend.slope(), 0);
}

TEST(DelayTrend, OneLeapIsALongerPathAndNoQueue) {
  Path path;
  path.run(100, 0);
  path.delay_us += 300'000;
  EXPECT_FALSE(path.run(100, 0));
}

TEST(DelayTrend, JitterIsNoTrend) {
  Path path;
  EXPECT_FALSE(path.run(1'000, 0, 10'000));
}

TEST(DelayTrend, ATrainDoesNotSeeItself) {
  DelayTrend trend;
  for (int frame = 0; frame < 200; ++frame) {
    const std::int64_t sent_us = frame * 33'333;
    // As many packets as the frame has, each 4 ms behind the one before; frames differ in length.
    for (int i = 0; i < 2 + frame % 5; ++i) {
      trend.add(instant_from_us(sent_us), Duration{sent_us + 50'000 + i * 4'000});
    }
    EXPECT_NE(trend.signal(), Signal::kGrowing) << frame;
  }
}

TEST(DelayTrend, APauseEndsTheLine) {
  Path path;
  path.run(100, 1'000);
  path.now_us += 10'000'000;
  path.delay_us = 50'000;
  path.run(5, 0);
  EXPECT_EQ(path.trend.signal(), Signal::kSteady);
  EXPECT_EQ(path.trend.slope(), 0);
}

TEST(DelayTrend, AnOlderPacketIsLeftOut) {
  Path path;
  path.run(50, 0);
  path.trend.add(instant_from_us(0), Duration{99'000'000});
  EXPECT_FALSE(path.run(50, 0));
}

}  // namespace
}  // namespace sluice::congestion
