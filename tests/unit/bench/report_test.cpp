#include <string>

#include <gtest/gtest.h>

#include "bench/report/compare.h"
#include "bench/report/condition.h"
#include "bench/report/median.h"
#include "bench/report/report_file.h"

namespace sluice::bench {
namespace {

TEST(Median, IsTheMiddleOrTheMeanOfTheMiddleTwo) {
  EXPECT_FALSE(median({}).has_value());
  EXPECT_EQ(median({3}), 3);
  EXPECT_EQ(median({9, 1, 2}), 2);
  EXPECT_EQ(median({4, 1, 2, 9}), 3);
}

TEST(FailIf, UnitsAreThoseOfTheFigure) {
  const auto conditions =
      parse_conditions("p99>5ms, loss>0.1%,ratio>=1.3,latency_us_p50<20us,p50<1s");
  ASSERT_TRUE(conditions.has_value());
  ASSERT_EQ(conditions->size(), 5U);
  EXPECT_EQ((*conditions)[0].figure, "latency_us_p99");
  EXPECT_DOUBLE_EQ((*conditions)[0].limit, 5000);
  EXPECT_EQ((*conditions)[1].figure, "loss");
  EXPECT_DOUBLE_EQ((*conditions)[1].limit, 0.001);
  EXPECT_EQ((*conditions)[2].relation, Condition::Relation::kAtLeast);
  EXPECT_DOUBLE_EQ((*conditions)[2].limit, 1.3);
  EXPECT_EQ((*conditions)[3].relation, Condition::Relation::kBelow);
  EXPECT_DOUBLE_EQ((*conditions)[4].limit, 1e6);
}

TEST(FailIf, NothingIsNoCondition) {
  EXPECT_TRUE(parse_conditions("")->empty());
  EXPECT_TRUE(parse_conditions("  ")->empty());
}

TEST(FailIf, WhatCannotBeReadIsNamed) {
  const std::pair<const char*, const char*> table[] = {
      {"p99", "'p99': wants > or <"},       {"p99>", "'p99>': has no number"},
      {">5ms", "'>5ms': names no figure"},  {"p99>5", "'p99>5': a time wants"},
      {"p99>5kg", "'p99>5kg': has a unit"}, {"ratio>1ms", "'ratio>1ms': a figure that is no time"},
      {"P 9>1ms", "'P 9>1ms': names no"},   {"ratio>nan", "'ratio>nan': has no number"},
      {"p99>5ms,", "'': wants > or <"},     {"p99>5ms,oops", "'oops': wants > or <"},
  };
  for (const auto& [text, error] : table) {
    const auto conditions = parse_conditions(text);
    ASSERT_FALSE(conditions.has_value()) << text;
    EXPECT_EQ(conditions.error().message.find(error), 0U) << conditions.error().message;
  }
}

std::vector<std::string> failures(const char* conditions, const std::string& report) {
  return failures_of(*parse_conditions(conditions), report);
}

TEST(FailIf, HoldsAtItsEdgeAsItSays) {
  const std::string report = R"({"ratio": 1.3, "latency_us_p99": 5000})";
  EXPECT_TRUE(failures("ratio>1.3", report).empty());
  EXPECT_EQ(failures("ratio>=1.3", report).size(), 1U);
  EXPECT_TRUE(failures("ratio<1.3", report).empty());
  EXPECT_EQ(failures("ratio<=1.3", report).size(), 1U);
  EXPECT_TRUE(failures("p99>5ms", report).empty());
  EXPECT_EQ(failures("p99>4.999ms,ratio>1", report).size(), 2U);
}

TEST(FailIf, LossIsOfWhatTheReportCounts) {
  EXPECT_EQ(failures("loss>0.1%", R"({"copies_expected": 1000, "copies_missing": 2})").size(), 1U);
  EXPECT_TRUE(failures("loss>0.2%", R"({"copies_expected": 1000, "copies_missing": 2})").empty());
  EXPECT_EQ(failures("loss>1%", R"({"frames_expected": 50, "frames_received": 49})").size(), 1U);
}

TEST(FailIf, AFigureThatWasNotMeasuredIsNoPass) {
  EXPECT_EQ(failures("p99>5ms", R"({"latency_us_p99": null})").size(), 1U);
  EXPECT_EQ(failures("p99>5ms", "{}").size(), 1U);
  EXPECT_EQ(failures("loss>1%", "{}").size(), 1U);
}

TEST(Compare, PutsFiguresSideBySideWithTheirRatio) {
  const auto figures =
      compare_reports(R"({"aead": "openssl", "a": 2, "list": [1, 9, 4], "only": 1})",
                      R"({"a": 3, "list": [8, 2], "new": 5, "none": null})");
  ASSERT_TRUE(figures.has_value());
  ASSERT_EQ(figures->size(), 4U);
  EXPECT_EQ((*figures)[0].name, "a");
  EXPECT_EQ((*figures)[0].ratio(), 1.5);
  EXPECT_EQ((*figures)[1].a, 4);
  EXPECT_EQ((*figures)[1].b, 5);
  EXPECT_FALSE((*figures)[2].ratio().has_value());
  EXPECT_EQ((*figures)[3].name, "new");
  EXPECT_NE(comparison_table(*figures).find("1.500"), std::string::npos);
}

TEST(Compare, RefusesWhatIsNoReport) {
  EXPECT_FALSE(compare_reports("[]", "{}").has_value());
  EXPECT_FALSE(compare_reports("{}", "nonsense").has_value());
  const std::string gone = "/nonexistent/a.json";
  EXPECT_EQ(run_compare_command({gone, gone, ""}), 2);
  EXPECT_EQ(run_compare_command({gone, gone, "p99"}), 2);
}

TEST(ReportFile, IsLookedAtBeforeTheRun) {
  EXPECT_TRUE(check_report_file("-").has_value());
  EXPECT_TRUE(check_report_file("not-there-yet.json").has_value());
  EXPECT_FALSE(check_report_file("").has_value());
  EXPECT_FALSE(check_report_file("/").has_value());
  EXPECT_FALSE(check_report_file("/nonexistent/report.json").has_value());
}

}  // namespace
}  // namespace sluice::bench
