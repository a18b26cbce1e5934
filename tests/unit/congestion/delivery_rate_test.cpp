#include "proto/congestion/delivery_rate.h"

#include <cstdint>

#include <gtest/gtest.h>

namespace sluice::congestion {
namespace {

using std::chrono::milliseconds;

TEST(ByteWindow, IsZeroWhenEmpty) {
  const ByteWindow window;
  EXPECT_EQ(window.bits_per_s(milliseconds{500}), 0);
}

TEST(ByteWindow, MeasuresASteadyRateInEachWindow) {
  ByteWindow window;
  for (int i = 0; i < 400; ++i) window.add(Duration{i * 10'000}, 1250);  // 1 Mbit/s
  for (const int ms : {150, 500, 1200}) {
    EXPECT_NEAR(window.bits_per_s(milliseconds{ms}), 1e6, 1e4) << ms;
  }
}

TEST(ByteWindow, TheShortWindowSeesAFallFirst) {
  ByteWindow window;
  std::int64_t now_us = 0;
  for (; now_us < 2'000'000; now_us += 10'000) window.add(Duration{now_us}, 1250);
  for (; now_us < 2'150'000; now_us += 10'000) window.add(Duration{now_us}, 625);
  EXPECT_NEAR(window.bits_per_s(milliseconds{150}), 0.5e6, 1e4);
  EXPECT_NEAR(window.bits_per_s(milliseconds{500}), 0.85e6, 1e4);
}

TEST(ByteWindow, ALeapOfTheClockStartsAnew) {
  ByteWindow window;
  window.add(Duration{0}, 100'000);
  window.add(Duration{60'000'000}, 1250);
  EXPECT_NEAR(window.bits_per_s(milliseconds{500}), 1e6, 1);
  window.add(Duration{-60'000'000}, 2500);
  EXPECT_NEAR(window.bits_per_s(milliseconds{500}), 2e6, 1);
}

TEST(ByteWindow, AnOlderPacketFallsIntoItsOwnBucket) {
  ByteWindow window;
  window.add(Duration{500'000}, 1250);
  window.add(Duration{400'000}, 1250);
  EXPECT_NEAR(window.bits_per_s(milliseconds{20}), 0.5e6, 1);
  EXPECT_NEAR(window.bits_per_s(milliseconds{500}), 2500 * 8 / 0.11, 1);
}

TEST(ByteWindow, ASumDoesNotWrap) {
  ByteWindow window;
  for (int i = 0; i < 4; ++i) window.add(Duration{0}, UINT32_MAX);
  EXPECT_GE(window.bits_per_s(milliseconds{10}), 4e9 * 8 / 0.01);
}

}  // namespace
}  // namespace sluice::congestion
