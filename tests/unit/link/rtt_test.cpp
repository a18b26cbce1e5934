#include "proto/link/rtt.h"

#include <gtest/gtest.h>

#include "proto/link/arrival_jitter.h"

namespace sluice::link {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Instant at_ms(std::int64_t ms) { return Instant{milliseconds{ms}}; }

TEST(RttEstimator, StartsWithAGuessAndTakesTheFirstSampleWhole) {
  RttEstimator rtt;
  EXPECT_FALSE(rtt.measured());
  EXPECT_EQ(rtt.srtt(), kInitialRtt);
  EXPECT_EQ(rtt.min_owd(), Duration{0}) << "nothing is given up on a guess";
  rtt.sample(at_ms(0), milliseconds{40});
  EXPECT_EQ(rtt.srtt(), milliseconds{40});
  EXPECT_EQ(rtt.rttvar(), milliseconds{20});
  EXPECT_EQ(rtt.min_owd(), milliseconds{20});
}

TEST(RttEstimator, SmoothsAsRfc6298) {
  RttEstimator rtt;
  rtt.sample(at_ms(0), milliseconds{80});
  rtt.sample(at_ms(1), milliseconds{160});
  EXPECT_EQ(rtt.srtt(), milliseconds{90});
  EXPECT_EQ(rtt.rttvar(), milliseconds{50});
  EXPECT_EQ(rtt.latest(), milliseconds{160});
  EXPECT_EQ(rtt.pto(), milliseconds{90 + 200 + 50}) << "P-LOSS-02";
}

TEST(RttEstimator, GuardsAgainstTheVariationThatWasSeenNotTheFirstGuess) {
  RttEstimator rtt;
  EXPECT_EQ(rtt.guard(), kGuardMin);
  rtt.sample(at_ms(0), milliseconds{80});
  EXPECT_EQ(rtt.guard(), kGuardMin);
  rtt.sample(at_ms(1), milliseconds{88});
  EXPECT_EQ(rtt.guard(), kGuardMin + milliseconds{4});
}

TEST(RttEstimator, ForgetsAMinimumAfterTenSeconds) {
  RttEstimator rtt;
  rtt.sample(at_ms(0), milliseconds{10});
  rtt.sample(at_ms(500), milliseconds{30});
  EXPECT_EQ(rtt.min_rtt(), milliseconds{10});
  rtt.sample(at_ms(9'900), milliseconds{30});
  EXPECT_EQ(rtt.min_rtt(), milliseconds{10});
  rtt.sample(at_ms(10'100), milliseconds{50});
  EXPECT_EQ(rtt.min_rtt(), milliseconds{30});
  rtt.sample(at_ms(60'000), milliseconds{70});
  EXPECT_EQ(rtt.min_rtt(), milliseconds{70}) << "after a long silence only the new one counts";
}

TEST(RttEstimator, TakesALieBelowZeroAsZero) {
  RttEstimator rtt;
  rtt.sample(at_ms(0), milliseconds{-5});
  EXPECT_EQ(rtt.latest(), Duration{0});
  EXPECT_EQ(rtt.min_rtt(), Duration{0});
  EXPECT_GE(rtt.pto(), kFeedbackDelayMax);
}

TEST(ArrivalJitter, IsZeroForEvenArrivalsAndGrowsWithUnevenOnes) {
  ArrivalJitter jitter;
  for (std::uint32_t i = 0; i < 100; ++i) jitter.on_frame(at_ms(33 * i), TrackId{1}, 33 * i);
  EXPECT_EQ(jitter.value(), Duration{0});
  for (std::uint32_t i = 100; i < 200; ++i) {
    jitter.on_frame(at_ms(33 * i + (i % 2) * 8), TrackId{1}, 33 * i);
  }
  EXPECT_GT(jitter.value(), milliseconds{6});
  EXPECT_LE(jitter.value(), milliseconds{8});
}

TEST(ArrivalJitter, SurvivesTheWrapOfTheTimestampAndIgnoresOtherTracks) {
  ArrivalJitter jitter;
  for (std::uint32_t i = 0; i < 10; ++i) {
    jitter.on_frame(at_ms(33 * i), TrackId{1}, (0xFFFFF0U + 33 * i) & 0xFFFFFFU);
    jitter.on_frame(at_ms(33 * i + 5), TrackId{2}, 77 * i);
  }
  EXPECT_EQ(jitter.value(), Duration{0});
}

}  // namespace
}  // namespace sluice::link
