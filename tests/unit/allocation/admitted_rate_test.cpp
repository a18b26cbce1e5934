#include "relay/allocation/admitted_rate.h"

#include <random>

#include <gtest/gtest.h>

#include "relay/allocation/allocate.h"

namespace sluice::relay {
namespace {

using namespace std::chrono_literals;

const Instant kStart{1h};

TEST(AdmittedRate, FallsAtOnceWhenThePathDoesNotCarryWhatIsSpent) {
  AdmittedRate rate{2'000'000};
  EXPECT_EQ(rate.update(kStart, 1'500'000, 1'900'000), 1'500'000U);
}

TEST(AdmittedRate, StaysWhenThePathFallsAboveWhatIsSpent) {
  AdmittedRate rate{2'000'000};
  EXPECT_EQ(rate.update(kStart, 1'500'000, 1'400'000), 2'000'000U);
}

TEST(AdmittedRate, RisesWhenMoreWasProvedForASecond) {
  AdmittedRate rate{1'000'000};
  EXPECT_EQ(rate.update(kStart, 2'300'000, 900'000), 1'000'000U);
  EXPECT_EQ(rate.update(kStart + 500ms, 4'600'000, 900'000), 1'000'000U);
  EXPECT_EQ(rate.update(kStart + 999ms, 2'300'000, 900'000), 1'000'000U);
  EXPECT_EQ(rate.update(kStart + 1s, 2'300'000, 900'000), 2'000'000U) << "the least of the second";
}

TEST(AdmittedRate, AProofThatBreaksOffBeginsAgain) {
  AdmittedRate rate{1'000'000};
  rate.update(kStart, 2'300'000, 900'000);
  rate.update(kStart + 900ms, 1'000'000, 900'000);
  rate.update(kStart + 1s, 2'300'000, 900'000);
  EXPECT_EQ(rate.update(kStart + 1900ms, 2'300'000, 900'000), 1'000'000U);
  EXPECT_EQ(rate.update(kStart + 2s, 2'300'000, 900'000), 2'000'000U);
}

TEST(AdmittedRate, WaitsTwiceAsLongAfterARiseThatHadToBeTakenBack) {
  AdmittedRate rate{1'000'000};
  Instant now = kStart;
  for (Duration expected = 2 * kUpHold; expected <= kUpHoldMax; expected *= 2) {
    rate.note_rise(now);
    rate.update(now + kRiseTrial - 1us, 1'000'000, 1'500'000);
    EXPECT_EQ(rate.hold(), expected);
    now += kRiseTrial;
  }
  rate.note_rise(now);
  rate.update(now, 1'000'000, 1'500'000);
  EXPECT_EQ(rate.hold(), kUpHoldMax);
}

TEST(AdmittedRate, AFallLongAfterTheRiseIsNobodysMistake) {
  AdmittedRate rate{1'000'000};
  rate.note_rise(kStart);
  rate.update(kStart + kRiseTrial, 1'000'000, 1'500'000);
  EXPECT_EQ(rate.hold(), kUpHold);
}

TEST(AdmittedRate, ForgetsMistakesByHalves) {
  AdmittedRate rate{1'000'000};
  for (int i = 0; i < 2; ++i) {
    rate.note_rise(kStart);
    rate.update(kStart, 1'000'000, 1'500'000);
  }
  EXPECT_EQ(rate.hold(), 4 * kUpHold);
  rate.update(kStart + kUpForgive, 1'000'000, 900'000);
  EXPECT_EQ(rate.hold(), 2 * kUpHold);
  rate.update(kStart + 2 * kUpForgive, 1'000'000, 900'000);
  EXPECT_EQ(rate.hold(), kUpHold);
}

/// Switches of one subscription in ten minutes on a path whose estimate is uniform within 20 % of
/// `around`, another every two seconds.
int switches_with_noise(std::uint64_t around, unsigned seed) {
  const std::uint64_t choices[] = {200'000, 700'000, 2'000'000};
  const Wish wish{Standing::kOther, 0, 0, choices};
  std::mt19937_64 random{seed};
  std::uniform_real_distribution<double> noise{0.8, 1.2};
  AdmittedRate rate{around};
  Grant grant;
  std::uint64_t spent = allocate(around, {&wish, 1}, {&grant, 1});
  int switches = 0;
  std::uint64_t path = around;
  for (Duration at{}; at < 10min; at += 100ms) {
    if (at % 2s == Duration{}) path = static_cast<std::uint64_t>(double(around) * noise(random));
    const Instant now = kStart + at;
    Grant next;
    const std::uint64_t cost = allocate(rate.update(now, path, spent), {&wish, 1}, {&next, 1});
    if (next == grant) continue;
    ++switches;
    if (cost > spent) rate.note_rise(now);
    grant = next;
    spent = cost;
  }
  return switches;
}

TEST(AdmittedRate, ANoisyEstimateDoesNotMakeLayersFlap) {
  for (const std::uint64_t around : {200'000U, 700'000U, 2'000'000U}) {
    for (unsigned seed = 1; seed <= 5; ++seed) {
      EXPECT_LT(switches_with_noise(around, seed), 4 * 10) << around << " bits/s, seed " << seed;
    }
  }
}

}  // namespace
}  // namespace sluice::relay
