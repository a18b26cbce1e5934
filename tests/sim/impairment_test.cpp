#include "sim/impairment.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include <gtest/gtest.h>

namespace sluice::sim {
namespace {

using std::chrono::milliseconds;

constexpr Instant at_ms(std::int64_t ms) { return Instant{milliseconds{ms}}; }

std::vector<std::byte> datagram(std::size_t size) { return std::vector<std::byte>(size); }

/// Whether each of `count` datagrams, one per millisecond, arrived at least once.
std::vector<bool> arrivals(Impairment& impairment, int count) {
  std::vector<bool> result;
  const std::vector<std::byte> sent = datagram(100);
  for (int i = 0; i < count; ++i) {
    result.push_back(!impairment.offer(at_ms(i), sent).empty());
  }
  return result;
}

double share_lost(const std::vector<bool>& arrived) {
  const auto lost = std::count(arrived.begin(), arrived.end(), false);
  return static_cast<double>(lost) / static_cast<double>(arrived.size());
}

TEST(Impairment, PassesEverythingAtOnceAndUnchangedByDefault) {
  Impairment impairment{{}, 1};
  const auto sent = datagram(9);
  for (int i = 0; i < 1000; ++i) {
    const auto deliveries = impairment.offer(at_ms(i), sent);
    ASSERT_EQ(deliveries.size(), 1U);
    EXPECT_EQ(deliveries[0].at, at_ms(i));
    EXPECT_EQ(deliveries[0].bytes, sent);
  }
  EXPECT_EQ(impairment.counters().lost(), 0U);
}

// Bounds are five standard deviations of the binomial at 100,000 datagrams.
TEST(Impairment, LosesTheShareItIsToldAtEverySeed) {
  for (const double loss : {0.0, 0.01, 0.05, 0.2, 1.0}) {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
      Impairment impairment{{.loss = loss}, seed};
      const double bound = 5 * std::sqrt(loss * (1 - loss) / 100'000);
      EXPECT_NEAR(share_lost(arrivals(impairment, 100'000)), loss, bound) << "seed " << seed;
    }
  }
}

TEST(Impairment, LosesInBurstsOfTheMeanLengthAndTheShareTold) {
  for (const double burst_length : {1.0, 4.0, 20.0}) {
    Impairment impairment{{.burst = {.loss = 0.05, .burst_datagrams = burst_length}}, 7};
    const std::vector<bool> arrived = arrivals(impairment, 400'000);
    int lost = 0, bursts = 0;
    bool before = true;
    for (const bool now : arrived) {
      lost += now ? 0 : 1;
      bursts += before && !now ? 1 : 0;
      before = now;
    }
    EXPECT_NEAR(static_cast<double>(lost) / bursts, burst_length, 0.08 * burst_length);
    EXPECT_NEAR(share_lost(arrived), 0.05, 0.006);
  }
}

TEST(Impairment, ARandomLossOfFivePerCentIsNotBursty) {
  Impairment impairment{{.loss = 0.05}, 11};
  const std::vector<bool> arrived = arrivals(impairment, 100'000);
  int pairs = 0;
  for (std::size_t i = 1; i < arrived.size(); ++i) pairs += !arrived[i] && !arrived[i - 1] ? 1 : 0;
  EXPECT_NEAR(pairs, 250, 80);  // 0.05 squared
}

TEST(Impairment, SwitchingOneFaultOnDoesNotChangeWhichDatagramsAnotherTakes) {
  Impairment plain{{.loss = 0.1}, 5};
  Impairment busy{{.jitter = milliseconds{5}, .loss = 0.1, .duplicate = 0.3, .bit_flip = 0.5}, 5};
  EXPECT_EQ(arrivals(plain, 5000), arrivals(busy, 5000));
}

TEST(Impairment, DelaysByLatencyAndJitter) {
  Impairment impairment{{.latency = milliseconds{50}, .jitter = milliseconds{20}}, 3};
  Duration longest{0}, shortest = std::chrono::seconds{1};
  for (int i = 0; i < 10'000; ++i) {
    const Instant sent = at_ms(i * 30);  // further apart than the jitter: none waits for another
    const auto deliveries = impairment.offer(sent, datagram(100));
    longest = std::max(longest, deliveries.at(0).at - sent);
    shortest = std::min(shortest, deliveries.at(0).at - sent);
  }
  EXPECT_LE(longest, milliseconds{70});
  EXPECT_GT(longest, milliseconds{69});
  EXPECT_GE(shortest, milliseconds{50});
  EXPECT_LT(shortest, milliseconds{51});
}

TEST(Impairment, JitterAloneKeepsTheOrder) {
  Impairment impairment{{.jitter = milliseconds{20}}, 3};
  Instant before = kLongAgo;
  for (int i = 0; i < 10'000; ++i) {
    const auto deliveries = impairment.offer(at_ms(i), datagram(100));
    EXPECT_GE(deliveries.at(0).at, before);
    EXPECT_LE(deliveries.at(0).at - at_ms(i), milliseconds{20});
    before = deliveries.at(0).at;
  }
}

TEST(Impairment, ReordersTheShareToldByTheTimeTold) {
  Impairment impairment{{.reorder = 0.1, .reorder_by = milliseconds{25}}, 3};
  int held_back = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto deliveries = impairment.offer(at_ms(i), datagram(100));
    const Duration delay = deliveries.at(0).at - at_ms(i);
    EXPECT_TRUE(delay == Duration{0} || delay == milliseconds{25});
    held_back += delay > Duration{0} ? 1 : 0;
  }
  EXPECT_NEAR(held_back, 1000, 150);
  EXPECT_EQ(impairment.counters().reordered, static_cast<std::uint64_t>(held_back));
}

TEST(Impairment, DuplicatesTheShareTold) {
  Impairment impairment{{.duplicate = 0.02}, 3};
  std::size_t delivered = 0;
  for (int i = 0; i < 100'000; ++i) delivered += impairment.offer(at_ms(i), datagram(10)).size();
  EXPECT_NEAR(static_cast<double>(delivered), 102'000, 225);
}

TEST(Impairment, FlipsExactlyOneBitInTheShareTold) {
  Impairment impairment{{.bit_flip = 0.25}, 3};
  int changed = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto deliveries = impairment.offer(at_ms(i), datagram(50));
    int ones = 0;
    for (const std::byte b : deliveries.at(0).bytes) ones += std::popcount(to_u8(b));
    EXPECT_LE(ones, 1);
    changed += ones;
  }
  EXPECT_NEAR(changed, 2500, 220);
  EXPECT_TRUE(impairment.offer(at_ms(10'000), {}).at(0).bytes.empty());  // nothing to flip
}

TEST(Impairment, PassesNoMoreThanItsRate) {
  // 10 Mbit/s offered for 10 s into 1 Mbit/s: 1000 datagrams of 125 bytes a second get through.
  Impairment impairment{{.rate_bits_per_s = 1'000'000, .queue = milliseconds{100}}, 3};
  std::size_t delivered = 0;
  for (int i = 0; i < 100'000; ++i) {
    const Instant now{std::chrono::microseconds{i * 100}};
    for (const Delivery& delivery : impairment.offer(now, datagram(125))) {
      delivered += delivery.at <= at_ms(10'000) ? 1U : 0U;
    }
  }
  EXPECT_NEAR(static_cast<double>(delivered), 10'000, 2);
  EXPECT_EQ(impairment.counters().lost(), impairment.counters().lost_queue);
}

TEST(Impairment, QueuesUpToItsLimitAndThenDropsTheTail) {
  // 1250 bytes at 1 Mbit/s are 10 ms: the queue of 50 ms holds five behind the one being sent.
  Impairment impairment{{.rate_bits_per_s = 1'000'000, .queue = milliseconds{50}}, 3};
  for (int i = 0; i < 6; ++i) {
    const auto deliveries = impairment.offer(at_ms(0), datagram(1250));
    ASSERT_EQ(deliveries.size(), 1U) << i;
    EXPECT_EQ(deliveries[0].at, at_ms(10 * (i + 1)));
  }
  EXPECT_TRUE(impairment.offer(at_ms(0), datagram(1250)).empty());
  EXPECT_EQ(impairment.counters().lost_queue, 1U);
  EXPECT_EQ(impairment.offer(at_ms(10), datagram(1250)).size(), 1U);  // one has left
}

TEST(Impairment, WhatWaitsWhileTheRateChangesLeavesAtTheNewRate) {
  // 2500 bytes: 20 ms at 1 Mbit/s. The rate halves after 15 ms, so the last quarter takes 10 ms.
  Impairment impairment{{.rate_bits_per_s = 1'000'000,
                         .rate_steps = {{at_ms(15), 500'000}, {at_ms(100), 2'000'000}},
                         .queue = milliseconds{50}},
                        3};
  EXPECT_EQ(impairment.queue_delay(at_ms(0)), Duration{0});
  EXPECT_EQ(impairment.offer(at_ms(0), datagram(2500)).at(0).at, at_ms(25));
  EXPECT_EQ(impairment.queue_delay(at_ms(5)), milliseconds{20});
  EXPECT_EQ(impairment.queue_delay(at_ms(25)), Duration{0});
  EXPECT_EQ(impairment.offer(at_ms(100), datagram(2500)).at(0).at, at_ms(110));
}

TEST(Impairment, LosesAllInAnOutageAndNothingAtItsEnd) {
  Impairment impairment{{.outages = {{at_ms(10), at_ms(20)}, {at_ms(40), at_ms(41)}}}, 3};
  const std::vector<bool> arrived = arrivals(impairment, 50);
  for (std::size_t ms = 0; ms < arrived.size(); ++ms) {
    EXPECT_EQ(arrived[ms], !((ms >= 10 && ms < 20) || ms == 40)) << ms;
  }
  EXPECT_EQ(impairment.counters().lost_outage, 11U);
}

TEST(Impairment, DropsWhatIsLargerThanItsMtu) {
  Impairment impairment{{.mtu_bytes = 1232}, 3};
  EXPECT_EQ(impairment.offer(at_ms(0), datagram(1232)).size(), 1U);
  EXPECT_TRUE(impairment.offer(at_ms(0), datagram(1233)).empty());
  EXPECT_EQ(impairment.counters().lost_mtu, 1U);
}

TEST(Impairment, CountsItsAddressChanges) {
  const Impairment impairment{{.address_changes = {at_ms(10), at_ms(20)}}, 3};
  EXPECT_EQ(impairment.address_changes_by(at_ms(9)), 0U);
  EXPECT_EQ(impairment.address_changes_by(at_ms(10)), 1U);
  EXPECT_EQ(impairment.address_changes_by(at_ms(20)), 2U);
}

TEST(Impairment, CountsAddUp) {
  Impairment impairment{{.loss = 0.1, .burst = {0.1, 3}, .duplicate = 0.1}, 3};
  arrivals(impairment, 10'000);
  const ImpairmentCounters& c = impairment.counters();
  EXPECT_EQ(c.offered, 10'000U);
  EXPECT_EQ(c.offered - c.lost() + c.duplicated, c.delivered);
  EXPECT_EQ(c.bytes_delivered, c.delivered * 100);
}

}  // namespace
}  // namespace sluice::sim
