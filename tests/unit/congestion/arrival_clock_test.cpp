#include "proto/congestion/arrival_clock.h"

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::congestion {
namespace {

/// A receiver that fills receive times as P-FEEDBACK-02 says: cut to whole units from the highest
/// down, the rest carried on.
struct Receiver {
  std::vector<std::int64_t> arrivals_us;  // by number

  void tell(ArrivalClock& clock, std::uint64_t lowest, std::uint64_t highest, Duration way_back) {
    const Duration age{40};
    clock.begin(instant_from_us(arrivals_us[highest]) + age + way_back, age, {highest});
    std::int64_t carry = 0;
    for (std::uint64_t n = highest; n > lowest; --n) {
      carry += arrivals_us[n] - arrivals_us[n - 1];
      const std::int64_t units = carry / ArrivalClock::kUnit.count();
      carry -= units * ArrivalClock::kUnit.count();
      clock.add({n - 1}, static_cast<std::int32_t>(units));
    }
    clock.finish();
  }
};

Receiver every(std::int64_t gap_us, std::uint64_t packets) {
  Receiver receiver;
  for (std::uint64_t n = 0; n < packets; ++n) {
    receiver.arrivals_us.push_back(static_cast<std::int64_t>(n) * gap_us + 7'777);
  }
  return receiver;
}

TEST(ArrivalClock, KnowsNothingBeforeTheFirstFeedback) {
  const ArrivalClock clock;
  EXPECT_FALSE(clock.arrival_of({0}).has_value());
  EXPECT_FALSE(clock.arrival_of({UINT64_MAX}).has_value());
}

TEST(ArrivalClock, TellsDifferencesWithinAGrain) {
  Receiver receiver = every(1'330, 50);
  ArrivalClock clock;
  receiver.tell(clock, 0, 49, Duration{20'000});
  for (std::uint64_t n = 0; n < 49; ++n) {
    const std::int64_t told =
        *clock.arrival_of({n + 1}) / Duration{1} - *clock.arrival_of({n}) / Duration{1};
    EXPECT_LE(std::abs(told - 1'330), 250) << n;
  }
}

TEST(ArrivalClock, DriftsLessThanTheClocksOfTwoMachinesMay) {
  // An hour of 30 feedbacks a second. Each cut would cost 125 us if it were not allowed for: 13 s.
  // Gaps that are all the same are the worst case, as every cut is then the same.
  constexpr std::uint64_t kStep = 5;
  constexpr std::uint64_t kPackets = 540'000;
  Receiver receiver = every(6'687, kPackets);
  ArrivalClock clock;
  std::uint64_t lowest = 0;
  std::int64_t worst_us = 0;
  std::optional<std::int64_t> first;
  for (std::uint64_t highest = kStep; highest < kPackets; highest += kStep) {
    receiver.tell(clock, lowest, highest, Duration{20'000 + static_cast<int>(highest % 7) * 1'000});
    lowest = highest - kStep;
    const std::int64_t off = clock.arrival_of({highest})->count() - receiver.arrivals_us[highest];
    if (!first) first = off;
    worst_us = std::max(worst_us, std::abs(off - *first));
  }
  EXPECT_LT(worst_us, 3'600 * 300);  // 300 us a second: no queue grows so slowly
}

TEST(ArrivalClock, GoesOnByAgeWhereFeedbacksDoNotOverlap) {
  Receiver receiver = every(10'000, 400);
  ArrivalClock clock;
  receiver.tell(clock, 0, 40, Duration{20'000});
  receiver.tell(clock, 30, 60, Duration{20'000});
  receiver.tell(clock, 350, 399, Duration{21'000});
  const std::int64_t told = clock.arrival_of({399})->count() - clock.arrival_of({60})->count();
  EXPECT_NEAR(static_cast<double>(told), 339 * 10'000.0, 1'500);
}

TEST(ArrivalClock, AnArrivalOnceToldStays) {
  Receiver receiver = every(10'000, 30);
  ArrivalClock clock;
  receiver.tell(clock, 0, 10, Duration{0});
  const Duration before = *clock.arrival_of({7});
  receiver.arrivals_us[7] += 3'000;
  receiver.tell(clock, 0, 20, Duration{0});
  EXPECT_EQ(*clock.arrival_of({7}), before);
}

TEST(ArrivalClock, TakesAnyInputWithoutHarm) {
  ArrivalClock clock;
  clock.add({3}, 4);  // without begin
  clock.finish();
  clock.begin(kLongAgo, Duration{0}, {9});
  clock.add({9}, 1);  // not below
  for (std::uint64_t n = 0; n < 100; ++n) clock.add({8 - n}, INT32_MIN);
  clock.finish();
  clock.begin(kNever, Duration{0}, {UINT64_MAX});
  clock.add({1}, INT32_MAX);
  clock.finish();
  EXPECT_FALSE(clock.arrival_of({UINT64_MAX}).has_value());
}

}  // namespace
}  // namespace sluice::congestion
