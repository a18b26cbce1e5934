#include "proto/base/result.h"

#include <set>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace sluice {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return Unexpected{DropReason::kMalformed};
  return n / 2;
}

TEST(Result, HoldsAValueOrAReason) {
  EXPECT_EQ(*half(4), 2);
  EXPECT_FALSE(half(3));
  EXPECT_EQ(half(3).error(), DropReason::kMalformed);
}

TEST(Result, MakesAValueInItsPlaceThatNeedNotMove) {
  struct Fixed {
    explicit Fixed(int n) : number(n) {}

    Fixed(const Fixed&) = delete;
    Fixed& operator=(const Fixed&) = delete;
    int number;
  };

  const Result<Fixed> made{std::in_place, 7};
  ASSERT_TRUE(made);
  EXPECT_EQ(made->number, 7);
}

TEST(ResultDeathTest, AbortsWhenTheMissingValueIsRead) {
  EXPECT_DEATH({ static_cast<void>(half(3).value()); }, "CHECK failed");
}

TEST(DropReason, HasOneUniqueNameEach) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < kDropReasonCount; ++i) {
    const auto name = drop_reason_name(static_cast<DropReason>(i));
    EXPECT_NE(name, "unknown");
    EXPECT_TRUE(names.emplace(name).second) << name;
  }
}

}  // namespace
}  // namespace sluice
