#include "client/part_gaps.h"

#include <gtest/gtest.h>

namespace sluice::client {
namespace {

Instant at(std::int64_t ms) { return instant_from_us(ms * 1000); }

TEST(PartGaps, TellsWhatWasJumpedOverAndSinceWhen) {
  for (const std::uint32_t first : {0U, 32767U, 65535U, Seq::kModulus - 3}) {
    PartGaps gaps;
    const Seq seq{first};
    EXPECT_EQ(gaps.on_part(at(0), seq).jumped, 0U);
    EXPECT_EQ(gaps.on_part(at(1), seq + 1).jumped, 0U);
    EXPECT_EQ(gaps.on_part(at(2), seq + 4).jumped, 2U);
    EXPECT_EQ(gaps.on_part(at(3), seq + 6).jumped, 1U);
    const auto second = gaps.on_part(at(9), seq + 3);
    EXPECT_TRUE(second.behind);
    EXPECT_EQ(second.jumped, 0U);
    EXPECT_EQ(second.missing_since, at(2));
    EXPECT_EQ(gaps.on_part(at(9), seq + 5).missing_since, at(3));
    EXPECT_EQ(gaps.on_part(at(9), seq + 7).missing_since, std::nullopt);
  }
}

TEST(PartGaps, WhatCameBeforeTheFirstWasNotMissed) {
  PartGaps gaps;
  gaps.on_part(at(0), Seq{10});
  const auto older = gaps.on_part(at(1), Seq{9});
  EXPECT_TRUE(older.behind);
  EXPECT_EQ(older.missing_since, std::nullopt);
}

TEST(PartGaps, WhatASkipNamesWasNotLost) {
  PartGaps before;
  before.on_part(at(0), Seq{10});
  EXPECT_EQ(before.on_skip(Seq{11}, Seq{13}), 0U);
  EXPECT_EQ(before.on_part(at(1), Seq{15}).jumped, 1U);  // 14 alone

  PartGaps behind;
  behind.on_part(at(0), Seq{10});
  EXPECT_EQ(behind.on_part(at(1), Seq{15}).jumped, 4U);
  EXPECT_EQ(behind.on_skip(Seq{12}, Seq{20}), 3U);
  EXPECT_EQ(behind.on_skip(Seq{20}, Seq{12}), 0U);  // no range
}

TEST(PartGaps, AnOutageCountsAsAFew) {
  PartGaps gaps;
  gaps.on_part(at(0), Seq{0});
  EXPECT_EQ(gaps.on_part(at(1), Seq{33}).jumped, 32U);
  EXPECT_EQ(gaps.on_part(at(2), Seq{5000}).jumped, 32U);
  EXPECT_EQ(gaps.on_part(at(3), Seq{4000}).missing_since, at(2));
}

TEST(PartGaps, RemembersTheNewestOfManyGaps) {
  PartGaps gaps;
  for (std::uint32_t i = 0; i < 200; ++i) gaps.on_part(at(i), Seq{2 * i});
  EXPECT_EQ(gaps.on_part(at(500), Seq{1}).missing_since, std::nullopt);
  EXPECT_EQ(gaps.on_part(at(500), Seq{397}).missing_since, at(199));
  EXPECT_EQ(gaps.on_part(at(500), Seq{273}).missing_since, at(137));
}

}  // namespace
}  // namespace sluice::client
