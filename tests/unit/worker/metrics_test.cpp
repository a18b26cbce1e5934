#include "relay/metrics.h"

#include <gtest/gtest.h>

namespace sluice::relay {
namespace {

TEST(LatencyHistogram, EveryValueLiesBelowItsBucketsBoundAndAboveTheOneBefore) {
  for (std::int64_t us = 0; us < 20'000'000; us = us < 200 ? us + 1 : us + us / 41) {
    const std::size_t bucket = LatencyHistogram::bucket_of(us);
    const auto value = static_cast<std::uint64_t>(us);
    ASSERT_LT(bucket, LatencyHistogram::kBuckets);
    ASSERT_LT(value, LatencyHistogram::upper_bound_us(bucket)) << us;
    if (bucket == 0) continue;
    ASSERT_GE(value, LatencyHistogram::upper_bound_us(bucket - 1)) << us;
  }
}

TEST(LatencyHistogram, NegativeIsCountedInTheFirstBucketAndAddsNothing) {
  LatencyHistogram histogram;
  histogram.record(Duration{-5});
  EXPECT_EQ(histogram.count_in(0), 1U);
  EXPECT_EQ(histogram.sum_us(), 0U);
}

TEST(LatencyHistogram, BeyondTheLastBoundIsTheLastBucket) {
  LatencyHistogram histogram;
  histogram.record(std::chrono::seconds{60});
  EXPECT_EQ(histogram.count_in(LatencyHistogram::kBuckets - 1), 1U);
}

}  // namespace
}  // namespace sluice::relay
