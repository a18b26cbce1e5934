#include "bench/fanout/oldest_open.h"

#include <gtest/gtest.h>

namespace sluice::bench {
namespace {

using std::chrono::milliseconds;

constexpr Instant kStart = instant_from_us(1'000'000);
constexpr Duration kPatience = milliseconds{120};

TEST(OldestOpen, IsBehindAllThatCameInOrder) {
  OldestOpen open{kPatience};
  for (std::uint32_t i = 0; i < 5000; ++i) {  // twice around
    open.arrived(Seq{i}, kStart);
    EXPECT_EQ(open.value(), Seq{i + 1});
  }
}

TEST(OldestOpen, StaysAtAGapUntilItIsFilled) {
  OldestOpen open{kPatience};
  for (const std::uint32_t part : {7U, 9U, 10U}) open.arrived(Seq{part}, kStart);
  EXPECT_EQ(open.value(), Seq{8});
  open.arrived(Seq{8}, kStart + kPatience);
  EXPECT_EQ(open.value(), Seq{11});
}

TEST(OldestOpen, GivesAGapUpWhenItsTimeIsOver) {
  OldestOpen open{kPatience};
  for (const std::uint32_t part : {0U, 2U, 4U}) open.arrived(Seq{part}, kStart);
  open.arrived(Seq{5}, kStart + kPatience);
  EXPECT_EQ(open.value(), Seq{1});
  open.arrived(Seq{6}, kStart + kPatience + milliseconds{1});
  EXPECT_EQ(open.value(), Seq{3}) << "the next gap begins to count now";
  open.arrived(Seq{1}, kStart + kPatience + milliseconds{2});
  EXPECT_EQ(open.value(), Seq{3}) << "too late";
}

TEST(OldestOpen, GoesOnBehindAnOutageAndOverTheWrap) {
  OldestOpen open{kPatience};
  open.arrived(Seq{Seq::kModulus - 1}, kStart);
  EXPECT_EQ(open.value(), Seq{0});
  open.arrived(Seq{4000}, kStart);
  EXPECT_EQ(open.value(), Seq{4001});
}

}  // namespace
}  // namespace sluice::bench
