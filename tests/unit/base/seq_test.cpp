#include "proto/base/seq.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(Seq, ComparesOnTheShorterWayRoundAtEveryEdge) {
  for (const std::uint32_t start : {0U, 1U, 32767U, 65535U, 8388607U, 16777215U}) {
    const Seq a{start};
    EXPECT_EQ((a + 1).distance_from(a), 1);
    EXPECT_EQ((a - 1).distance_from(a), -1);
    EXPECT_TRUE((a + 1).newer_than(a));
    EXPECT_FALSE(a.newer_than(a));
    EXPECT_EQ((a + (Seq::kModulus / 2 - 1)).distance_from(a), 8388607);
    EXPECT_EQ((a + Seq::kModulus / 2).distance_from(a), -8388608);
  }
}

TEST(PacketNumber, ExpandsTheLow24BitsNearestToTheExpected) {
  struct Case {
    std::uint32_t low;
    std::uint64_t expected, full;
  };

  for (const Case& c :
       {Case{0, 0, 0}, Case{5, 0, 5}, Case{0xFFFFFF, 1U << 24U, 0xFFFFFF},
        Case{0, 0xFFFFFF, 1U << 24U}, Case{7, (9ULL << 24U) - 2, (9ULL << 24U) + 7},
        Case{0xFFFFF0, (9ULL << 24U) + 2, (9ULL << 24U) - 16}, Case{0xFFFFFF, 0, 0xFFFFFF}}) {
    EXPECT_EQ(expand_packet_number(c.low, {c.expected}).value, c.full)
        << c.low << " near " << c.expected;
  }
}

TEST(Dts, ExpandsAcrossTheWrapOfBoth24And32Bits) {
  EXPECT_EQ(expand_dts(0x000001, 0x00FFFFFF), 0x01000001U);
  EXPECT_EQ(expand_dts(0xFFFFFF, 0x01000000), 0x00FFFFFFU);
  EXPECT_EQ(expand_dts(0x000005, 0xFFFFFFF0), 5U);
  EXPECT_EQ(expand_dts(0xFFFFF0, 3), 0xFFFFFFF0U);
}

}  // namespace
}  // namespace sluice
