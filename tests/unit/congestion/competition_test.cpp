#include "proto/congestion/competition.h"

#include <cstdint>

#include <gtest/gtest.h>

namespace sluice::congestion {
namespace {

struct Path {
  Competition competition;
  std::int64_t now_us = 0;

  bool run(int ms, int queue_ms, double delivered, double capacity) {
    for (int i = 0; i < ms; i += 20) {
      competition.update(instant_from_us(now_us), Duration{queue_ms * 1000}, delivered, capacity);
      now_us += 20'000;
    }
    return competition.active();
  }
};

TEST(Competition, IsAHighQueueThoughWeSendLittleForThreeSeconds) {
  Path path;
  EXPECT_FALSE(path.run(2'900, 100, 0.4e6, 2e6));
  EXPECT_TRUE(path.run(200, 100, 0.4e6, 2e6));
}

TEST(Competition, IsNotWhatWeFillOurselves) {
  Path path;
  EXPECT_FALSE(path.run(10'000, 100, 1.8e6, 2e6));
}

TEST(Competition, IsNotSeenWhileTheCapacityIsUnknown) {
  Path path;
  EXPECT_FALSE(path.run(10'000, 100, 0.4e6, 0));
}

TEST(Competition, AMomentOfEmptyQueueBeginsTheCountAnew) {
  Path path;
  path.run(2'900, 100, 0.4e6, 2e6);
  path.run(20, 10, 0.4e6, 2e6);
  EXPECT_FALSE(path.run(2'900, 100, 0.4e6, 2e6));
}

TEST(Competition, EndsWithTheQueueOrWhenThePathIsOurs) {
  for (const bool empty : {true, false}) {
    Path path;
    ASSERT_TRUE(path.run(3'200, 100, 0.4e6, 2e6));
    EXPECT_TRUE(path.run(5'000, 100, 1.2e6, 2e6)) << "half of the path does not end it";
    EXPECT_TRUE(path.run(500, empty ? 5 : 100, empty ? 0.4e6 : 1.9e6, 2e6));
    EXPECT_FALSE(path.run(600, empty ? 5 : 100, empty ? 0.4e6 : 1.9e6, 2e6));
  }
}

}  // namespace
}  // namespace sluice::congestion
