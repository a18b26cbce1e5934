#include "proto/congestion/train_capacity.h"

#include <cstdint>

#include <gtest/gtest.h>

namespace sluice::congestion {
namespace {

constexpr std::uint32_t kBytes = 1200;

struct Path {
  TrainCapacity trains;
  std::uint64_t number = 0;
  std::int64_t now_us = 0;

  /// For `seconds`, a train of `packets` each 33 ms; the bottleneck sends one in `gap_us`.
  void run(int seconds, int packets, std::int64_t gap_us) {
    for (int train = 0; train < seconds * 30; ++train) {
      for (int i = 0; i < packets; ++i) {
        const std::int64_t arrival_us = (now_us + 50'000 + (i + 1) * gap_us) / 250 * 250;
        trains.add({number++}, instant_from_us(now_us), Duration{arrival_us}, kBytes);
      }
      now_us += 33'333;
    }
  }
};

TEST(TrainCapacity, IsUnknownAtFirstAndWithoutTrains) {
  Path path;
  EXPECT_EQ(path.trains.bits_per_s(), 0);
  EXPECT_EQ(path.trains.recent_bits_per_s(), 0);
  path.run(3, 1, 2'400);
  EXPECT_EQ(path.trains.bits_per_s(), 0) << "single packets say nothing";
}

TEST(TrainCapacity, IsTheRateThatTrainsArriveWith) {
  for (const std::int64_t gap_us : {400, 1'000, 2'400, 16'000}) {
    Path path;
    path.run(3, 2, gap_us);
    const double expected = kBytes * 8e6 / static_cast<double>(gap_us);
    EXPECT_NEAR(path.trains.recent_bits_per_s() / expected, 1, 0.05) << gap_us;
    EXPECT_NEAR(path.trains.bits_per_s() / expected, 1, 0.05) << gap_us;
  }
}

TEST(TrainCapacity, KeepsTheLargestForThirtySecondsButKnowsTheNewest) {
  Path path;
  path.run(3, 4, 2'400);  // 4 Mbit/s
  path.run(5, 4, 9'600);  // 1
  EXPECT_NEAR(path.trains.bits_per_s(), 4e6, 2e5);
  EXPECT_NEAR(path.trains.recent_bits_per_s(), 1e6, 5e4);
  path.run(30, 4, 9'600);
  EXPECT_NEAR(path.trains.bits_per_s(), 1e6, 5e4);
}

TEST(TrainCapacity, BegunAnewItKnowsOnlyWhatWasSentSince) {
  Path path;
  path.run(3, 4, 2'400);  // 4 Mbit/s
  path.trains.begin_anew(instant_from_us(path.now_us));
  EXPECT_EQ(path.trains.anew_bits_per_s(), 0);
  path.run(1, 4, 6'400);  // 1.5
  EXPECT_NEAR(path.trains.anew_bits_per_s(), 1.5e6, 7e4);
  EXPECT_NEAR(path.trains.bits_per_s(), 4e6, 2e5) << "the largest of 30 s stays";
}

// Jitter spreads trains that met no bottleneck, each by another time.
TEST(TrainCapacity, TheFastestOfLongTrainsIsNoAccident) {
  Path path;
  for (int second = 0; second < 2; ++second) {
    path.run(1, 6, 12'000);
    path.run(1, 6, 600);
  }
  EXPECT_GE(path.trains.recent_bits_per_s(), 7.5e6) << "half of 16 Mbit/s; all together make 1.5";
}

TEST(TrainCapacity, WhatJitterAddsToATrainDoesNotCount) {
  Path even, noisy;
  noisy.trains.set_noise(Duration{17'000});
  for (Path* path : {&even, &noisy}) path->run(3, 4, 12'000);
  EXPECT_NEAR(even.trains.recent_bits_per_s(), 0.8e6, 0.1e6);
  EXPECT_GT(noisy.trains.recent_bits_per_s(), 3e6);
}

TEST(TrainCapacity, ALossEndsATrain) {
  Path path;
  for (int i = 0; i < 300; ++i) {
    path.trains.add({path.number}, instant_from_us(path.now_us), Duration{path.now_us}, kBytes);
    path.number += 2;  // every other one is lost
  }
  EXPECT_EQ(path.trains.bits_per_s(), 0);
}

TEST(TrainCapacity, FasterThanTheGrainIsAsFastAsTheGrainTells) {
  Path path;
  path.run(3, 4, 0);
  EXPECT_GT(path.trains.bits_per_s(), 1e9);
}

}  // namespace
}  // namespace sluice::congestion
