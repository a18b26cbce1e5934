#include "relay/stream/playout_base.h"

#include <gtest/gtest.h>

namespace sluice::relay {
namespace {

Instant at(std::int64_t ms) { return instant_from_us(5'000'000 + ms * 1000); }

// P-TIME-01
TEST(PlayoutBase, IsTheShortestPathSeen) {
  PlayoutBase base;
  base.add(at(50), 0);
  base.add(at(130), 100);
  base.add(at(290), 200);
  EXPECT_EQ(base.expected(300), at(330));
}

TEST(PlayoutBase, FollowsALongerPathWithinTenSeconds) {
  PlayoutBase base;
  for (std::int64_t dts = 0; dts < 3000; dts += 100) base.add(at(dts + 20), dts);
  for (std::int64_t dts = 3000; dts < 16000; dts += 100) base.add(at(dts + 60), dts);
  EXPECT_EQ(base.expected(16000), at(16060));
}

TEST(PlayoutBase, UnrollsAcrossTheWrapOf24Bits) {
  PlayoutBase base;
  const std::int64_t last = 0xFFFFFF;
  base.add(at(0), base.unroll(0xFFFFFF));
  EXPECT_EQ(base.unroll(0), last + 1);
  EXPECT_EQ(base.unroll(33), last + 34);
  EXPECT_EQ(base.unroll(0xFFFFFE), last - 1);
}

TEST(PlayoutBase, StartsAnewWhenTimestampsJumpByMoreThanTenSeconds) {
  PlayoutBase base;
  base.add(at(0), 1000);
  base.add(at(40), 3'600'000);
  EXPECT_EQ(base.expected(3'600'040), at(80));
  base.add(at(80), 5);
  EXPECT_EQ(base.expected(45), at(120));
}

}  // namespace
}  // namespace sluice::relay
