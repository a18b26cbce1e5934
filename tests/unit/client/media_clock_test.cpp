#include "client/media_clock.h"

#include <cmath>

#include <gtest/gtest.h>

#include "sim/xoshiro.h"

namespace sluice::client {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart{seconds{1000}};

// P-TIME-01: base = min over 10 s of (arrival - dts).
TEST(MediaClock, BaseIsTheShortestWayOfTheLastTenSeconds) {
  MediaClock clock;
  EXPECT_FALSE(clock.running());
  const auto arrive = [&](std::int64_t dts_ms, std::int64_t way_ms) {
    clock.on_arrival(kStart + milliseconds{dts_ms + way_ms}, static_cast<std::uint32_t>(dts_ms));
    return (clock.expected(0) - kStart) / milliseconds{1};
  };
  EXPECT_EQ(arrive(0, 50), 50);
  EXPECT_EQ(arrive(40, 70), 50);  // a later one takes longer: jitter
  EXPECT_EQ(arrive(80, 30), 30);  // a shorter way
  for (int dts = 120; dts < 8'000; dts += 40) EXPECT_EQ(arrive(dts, 45), 30);
  for (int dts = 8'000; dts < 12'000; dts += 40) arrive(dts, 45);
  EXPECT_EQ(arrive(12'000, 45), 45);  // the shorter way is a thing of the past
}

TEST(MediaClock, TimestampsMayWrap) {
  MediaClock clock;
  for (std::int64_t ms = 0; ms < 1000; ms += 20) {
    const auto dts = static_cast<std::uint32_t>(0xFFFFFF00LL + ms);
    clock.on_arrival(kStart + milliseconds{ms + 7}, dts);
    EXPECT_EQ(clock.expected(dts), kStart + milliseconds{ms + 7});
  }
}

TEST(MediaClock, AStepOfTheTimestampsBeginsAnew) {
  for (const std::int64_t step_ms : {-3'600'000, -3'100, 3'100, 3'600'000}) {
    MediaClock clock;
    EXPECT_FALSE(clock.on_arrival(kStart, 5'000'000));
    EXPECT_FALSE(clock.on_arrival(kStart + milliseconds{20}, 5'000'020));
    const auto dts = static_cast<std::uint32_t>(5'000'040 + step_ms);
    EXPECT_TRUE(clock.on_arrival(kStart + milliseconds{40}, dts)) << step_ms;
    EXPECT_EQ(clock.expected(dts), kStart + milliseconds{40});
    EXPECT_FALSE(clock.on_arrival(kStart + milliseconds{60}, dts + 20));
    EXPECT_EQ(clock.expected(dts + 20), kStart + milliseconds{60});
  }
}

TEST(MediaClock, AFullQueueIsNoStep) {
  MediaClock clock;
  clock.on_arrival(kStart, 0);
  EXPECT_FALSE(clock.on_arrival(kStart + milliseconds{2'900 + 40}, 40));
  EXPECT_EQ(clock.expected(0), kStart);
}

// Half an hour of a pusher's clock that is off, with 20 ms of jitter: base stays within a
// millisecond of the shortest path as soon as the slope is known, within three before.
TEST(MediaClock, FollowsAClockThatDrifts) {
  for (const double ppm : {-200.0, 0.0, 200.0}) {
    sim::Xoshiro random{7};
    MediaClock clock;
    double worst_late_us = 0, worst_early_us = 0;
    for (std::int64_t ms = 0; ms < 30 * 60'000; ms += 20) {
      const auto at_us = static_cast<double>(ms) * 1000 * (1 + ppm * 1e-6);
      const Instant shortest = kStart + microseconds{std::llround(at_us)};
      const auto jitter = microseconds{static_cast<std::int64_t>(random.next() % 20'000)};
      clock.on_arrival(shortest + jitter, static_cast<std::uint32_t>(ms));
      if (ms < 500) continue;
      const auto error_us =
          static_cast<double>(to_us(clock.expected(static_cast<std::uint32_t>(ms)) - shortest));
      if (ms < 60'000) {
        EXPECT_LT(std::abs(error_us), 3000) << ppm << " ppm at " << ms;
        continue;
      }
      worst_late_us = std::max(worst_late_us, error_us);
      worst_early_us = std::max(worst_early_us, -error_us);
    }
    EXPECT_LT(worst_late_us, 1000) << ppm;
    EXPECT_LT(worst_early_us, 1000) << ppm;
    EXPECT_NEAR(clock.drift_ppm(), ppm, 15);
  }
}

TEST(MediaClock, ALongerRouteIsNoDrift) {
  MediaClock clock;
  for (std::int64_t ms = 0; ms < 120'000; ms += 20) {
    const std::int64_t way_ms = ms < 60'000 ? 20 : 50;
    clock.on_arrival(kStart + milliseconds{ms + way_ms}, static_cast<std::uint32_t>(ms));
    EXPECT_NEAR(clock.drift_ppm(), 0, 1) << ms;
  }
}

}  // namespace
}  // namespace sluice::client
