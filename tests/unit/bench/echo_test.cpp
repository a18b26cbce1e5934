#include "bench/echo.h"

#include <gtest/gtest.h>

namespace sluice::bench {
namespace {

TEST(Latencies, QuantilesAreOfTheSortedValues) {
  const Latencies none, one{{7}}, many{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}};
  EXPECT_EQ(none.quantile(0.5), 0);
  EXPECT_EQ(one.quantile(0), 7);
  EXPECT_EQ(one.quantile(1), 7);
  EXPECT_EQ(many.quantile(0.5), 6);
  EXPECT_EQ(many.quantile(0.99), 10);
}

TEST(EchoReport, IsOneLineOfJson) {
  const EchoReport report{3, 2, {{1, 2}}, {{5, 9.25}}};
  EXPECT_EQ(
      echo_json(report),
      "{\"packets_sent\": 3, \"packets_returned\": 2, \"turnaround_us_p50\": 2.0, "
      "\"turnaround_us_p99\": 2.0, \"round_trip_us_p50\": 9.2, \"round_trip_us_p99\": 9.2}\n");
}

}  // namespace
}  // namespace sluice::bench
