#include "sim/quantity.h"

#include <gtest/gtest.h>

namespace sluice::sim {
namespace {

TEST(Quantity, SharesRatesAndTimesAreReadAsPeopleWriteThem) {
  EXPECT_DOUBLE_EQ(*parse_share("5%"), 0.05);
  EXPECT_DOUBLE_EQ(*parse_share("0.05"), 0.05);
  EXPECT_DOUBLE_EQ(*parse_share("1"), 1);
  EXPECT_DOUBLE_EQ(*parse_rate("800k"), 800e3);
  EXPECT_DOUBLE_EQ(*parse_rate("0.8M"), 800e3);
  EXPECT_DOUBLE_EQ(*parse_rate("12"), 12);
  EXPECT_EQ(*parse_milliseconds("1.5"), Duration{1500});
}

TEST(Quantity, AnythingElseIsNone) {
  for (const char* text : {"", "x", "1x", "-1", "nan", "1e999"}) {
    EXPECT_FALSE(parse_number(text).has_value()) << text;
    EXPECT_FALSE(parse_rate(text).has_value()) << text;
  }
  EXPECT_FALSE(parse_share("1.01").has_value());
  EXPECT_FALSE(parse_share("101%").has_value());
  EXPECT_FALSE(parse_milliseconds("3600001").has_value());
}

}  // namespace
}  // namespace sluice::sim
