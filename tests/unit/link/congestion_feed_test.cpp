// What congestion control hears of P-FEEDBACK-01 and P-FEEDBACK-02.
#include "proto/link/congestion_feed.h"

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "proto/link/received_packets.h"

namespace sluice::link {
namespace {

using congestion::PacketResult;

constexpr Duration kWay{50'000};

/// Both ends: the feed on the one, the link's own ReceivedPackets on the other.
struct Leg {
  CongestionFeed feed;
  ReceivedPackets received;
  Instant now = instant_from_us(1'000'000);

  void send(std::uint64_t number, bool arrives, bool asks_feedback = true,
            congestion::ProbeId probe = congestion::kNoProbe) {
    feed.on_sent(now, {number}, 1'000, asks_feedback, probe);
    if (arrives) received.record(now + kWay, {number}, {.asks_feedback = asks_feedback});
    now += Duration{2'000};
  }

  std::vector<PacketResult> tell(bool arrives = true) {
    wire::Feedback feedback;
    EXPECT_TRUE(received.fill(now + kWay, Duration{200'000}, feedback));
    received.on_feedback_sent(now + kWay);
    if (!arrives) return {};
    const auto results = feed.settle(now + kWay * 2, feedback);
    return {results.begin(), results.end()};
  }
};

std::vector<std::uint64_t> numbers(const std::vector<PacketResult>& results, bool lost) {
  std::vector<std::uint64_t> found;
  for (const PacketResult& r : results) {
    if (r.lost == lost) found.push_back(r.number.value);
  }
  return found;
}

using Numbers = std::vector<std::uint64_t>;

TEST(CongestionFeed, SettlesEachPacketOnceWithItsTime) {
  Leg leg;
  for (std::uint64_t n = 0; n < 10; ++n) leg.send(n, true, true, n == 4 ? 7 : 0);
  const std::vector<PacketResult> results = leg.tell();
  ASSERT_EQ(results.size(), 10U);
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(results[i].number.value, i);
    EXPECT_FALSE(results[i].lost);
    EXPECT_EQ(results[i].bytes, 1'000U);
    EXPECT_EQ(results[i].probe, i == 4 ? 7U : 0U);
    ASSERT_TRUE(results[i].arrival);
    const Duration since = *results[i].arrival - *results[0].arrival;
    EXPECT_NEAR(static_cast<double>(since.count()), 2'000.0 * static_cast<double>(i), 250);
  }
  EXPECT_TRUE(leg.tell().empty()) << "a repeated feedback settles nothing";
  EXPECT_EQ(leg.feed.size(), 0U);
}

TEST(CongestionFeed, APacketIsLostWhenOneThreeHigherArrived) {
  Leg leg;
  leg.send(0, true);
  leg.send(1, false);
  leg.send(2, true);
  leg.send(3, true);
  EXPECT_EQ(numbers(leg.tell(), true), Numbers{});
  leg.send(4, true);
  const std::vector<PacketResult> results = leg.tell();
  EXPECT_EQ(numbers(results, true), Numbers{1});
  EXPECT_EQ(numbers(results, false), Numbers{4});
  EXPECT_FALSE(results[0].arrival);
}

TEST(CongestionFeed, WhatWasTakenForLostIsNotToldAgain) {
  Leg leg;
  for (std::uint64_t n = 0; n < 6; ++n) leg.send(n, n != 1);
  EXPECT_EQ(numbers(leg.tell(), true), Numbers{1});
  leg.received.record(leg.now + kWay, {1}, {.asks_feedback = true});
  EXPECT_TRUE(leg.tell().empty());
}

TEST(CongestionFeed, NumbersLeftOutAreNoLosses) {
  Leg leg;
  for (const std::uint64_t n : Numbers{0, 1, 2, 4, 5, 6, 7, 8}) leg.send(n, true);
  EXPECT_EQ(numbers(leg.tell(), true), Numbers{});
}

TEST(CongestionFeed, FeedbackAloneIsNeverLost) {
  Leg leg;
  leg.send(0, true);
  leg.send(1, false, false);
  for (std::uint64_t n = 2; n < 8; ++n) leg.send(n, true);
  EXPECT_EQ(numbers(leg.tell(), true), Numbers{});
  EXPECT_EQ(leg.feed.size(), 0U);
}

TEST(CongestionFeed, TimesOfALostFeedbackComeWithTheNext) {
  Leg leg;
  for (std::uint64_t n = 0; n < 5; ++n) leg.send(n, true);
  leg.tell();
  for (std::uint64_t n = 5; n < 10; ++n) leg.send(n, true);
  leg.tell(false);
  for (std::uint64_t n = 10; n < 15; ++n) leg.send(n, true);
  const std::vector<PacketResult> results = leg.tell();
  ASSERT_EQ(results.size(), 10U);
  for (const PacketResult& result : results) EXPECT_TRUE(result.arrival) << result.number.value;
}

TEST(CongestionFeed, CountsNewMarksOnce) {
  CongestionFeed feed;
  wire::Feedback feedback;
  EXPECT_TRUE(feedback.add_range({{0}, {0}}));
  const auto marks = [&](std::uint16_t number, std::uint32_t ce) {
    feedback.number = number;
    feedback.ce = ce;
    feed.settle(Instant{}, feedback);
    return feed.ce_packets();
  };
  EXPECT_EQ(marks(0xFFFF, 0xFFFFF0), 0U) << "a first total beyond half of the range is no count";
  EXPECT_EQ(marks(0, 0xFFFFF3), 3U);
  EXPECT_EQ(marks(0xFFFF, 0xFFFFF0), 0U) << "an older feedback";
  EXPECT_EQ(marks(1, 2), 15U) << "the total wraps";
  EXPECT_EQ(marks(2, 2), 0U);
}

TEST(CongestionFeed, TakesFeedbackOfWhatWasNeverSent) {
  CongestionFeed feed;
  wire::Feedback feedback;
  EXPECT_TRUE(feed.settle(Instant{}, feedback).empty()) << "no range";
  EXPECT_TRUE(feedback.add_range({{100}, {140}}));
  EXPECT_TRUE(feed.settle(Instant{}, feedback).empty());
  feed.on_sent(Instant{}, {7}, 1, true);
  feed.on_sent(Instant{}, {1'000'000}, 1, true);  // a leap: the one before is forgotten
  EXPECT_EQ(feed.size(), 1U);
}

TEST(CongestionFeed, HoldsNoMoreThanItsLimit) {
  CongestionFeed feed;
  for (std::uint64_t n = 0; n < kSentPacketsMax + 100; ++n) feed.on_sent(Instant{}, {n}, 1, true);
  EXPECT_EQ(feed.size(), kSentPacketsMax);
  wire::Feedback feedback;
  EXPECT_TRUE(feedback.add_range({{0}, {kSentPacketsMax + 99}}));
  EXPECT_EQ(feed.settle(Instant{}, feedback).size(), kSentPacketsMax);
}

}  // namespace
}  // namespace sluice::link
