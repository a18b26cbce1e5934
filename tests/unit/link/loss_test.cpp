#include "proto/link/loss.h"

#include <vector>

#include <gtest/gtest.h>

namespace sluice::link {
namespace {

using std::chrono::milliseconds;

Instant at_ms(std::int64_t ms) { return Instant{milliseconds{ms}}; }

wire::Feedback feedback_of(std::vector<wire::AckRange> ranges, Duration age = Duration{0},
                           std::uint16_t number = 0) {
  wire::Feedback feedback;
  feedback.number = number;
  feedback.age = age;
  for (const wire::AckRange& range : ranges) EXPECT_TRUE(feedback.add_range(range));
  return feedback;
}

/// Packet n was sent at n ms and carries part n.
struct Sender {
  explicit Sender(std::uint32_t packets) {
    for (std::uint32_t i = 0; i < packets; ++i) send(at_ms(i));
  }

  void send(Instant now, bool asks = true) {
    sent.add_item({.first = static_cast<std::uint32_t>(sent.next_number().value)});
    sent.commit(now, 1000, asks);
  }

  Status<> feed(Instant now, const wire::Feedback& feedback) {
    return loss.handle_feedback(now, feedback, sent, rtt);
  }

  std::vector<std::uint32_t> lost() const {
    std::vector<std::uint32_t> parts;
    for (const SentItem& item : loss.lost()) parts.push_back(item.first);
    return parts;
  }

  SentPackets sent;
  RttEstimator rtt;
  LossDetector loss;
};

using Parts = std::vector<std::uint32_t>;

TEST(SentPackets, KeepsContentsUntilSettledAndForgetsFromTheFront) {
  SentPackets sent;
  EXPECT_TRUE(sent.empty());
  EXPECT_FALSE(sent.oldest_open());
  for (std::uint32_t i = 0; i < 100; ++i) {
    sent.add_item({.first = i});
    sent.add_item({.first = 1000 + i});
    sent.commit(at_ms(i), 500, true);
  }
  EXPECT_EQ(sent.next_number(), PacketNumber{100});
  EXPECT_EQ(sent.item(sent.at({42}), 1).first, 1042U);
  sent.at({1}).state = SentPacket::State::kAcknowledged;
  sent.drop_settled(at_ms(100));
  EXPECT_EQ(sent.begin(), PacketNumber{0}) << "the front is open";
  sent.at({0}).state = SentPacket::State::kLost;
  EXPECT_EQ(sent.oldest_open(), PacketNumber{2});
  sent.drop_settled(at_ms(100));
  EXPECT_EQ(sent.begin(), PacketNumber{2});
  EXPECT_EQ(sent.item(sent.at({42}), 0).first, 42U);
}

TEST(SentPackets, AFeedbackOnlyPacketDoesNotHoldTheRing) {
  SentPackets sent;
  sent.commit(at_ms(0), 60, false);
  sent.drop_settled(at_ms(100));
  EXPECT_FALSE(sent.empty()) << "its sending time may still be of use";
  sent.drop_settled(at_ms(1'000));
  EXPECT_TRUE(sent.empty());
}

TEST(SentPackets, HasRoomForAsManyAsTheLimitSays) {
  SentPackets sent;
  std::size_t packets = 0;
  for (; sent.has_room(); ++packets) {
    sent.add_item({});
    sent.commit(at_ms(0), 1, true);
  }
  EXPECT_EQ(packets, kSentPacketsMax);
}

TEST(SentPackets, RemembersTheNumbersItSkipped) {  // P-DATA-05
  SentPackets sent;
  for (int i = 0; i < 5; ++i) sent.commit(at_ms(0), 1, true);
  sent.skip_number(at_ms(0));
  sent.commit(at_ms(0), 1, true);
  EXPECT_TRUE(sent.any_skipped({0}, {5}));
  EXPECT_TRUE(sent.any_skipped({5}, {6}));
  EXPECT_FALSE(sent.any_skipped({0}, {4}));
  EXPECT_FALSE(sent.any_skipped({6}, {6}));
  EXPECT_EQ(sent.skipped_between({4}, {6}), 1U);
  EXPECT_EQ(sent.skipped_between({5}, {6}), 0U);
}

TEST(LossDetector, ThreeHigherNumbersMakeALoss) {  // P-LOSS-01

  struct Row {
    std::vector<wire::AckRange> ranges;
    Parts lost;
  };

  const std::vector<Row> rows{
      {{{{0}, {9}}}, {}},
      {{{{1}, {2}}}, {}},
      {{{{1}, {3}}}, {0}},
      {{{{3}, {3}}}, {0}},
      {{{{4}, {4}}}, {0, 1}},
      {{{{9}, {9}}, {{0}, {5}}}, {6}},
      {{{{9}, {9}}, {{2}, {2}}, {{0}, {0}}}, {1, 3, 4, 5, 6}},
  };
  for (const Row& row : rows) {
    Sender s{10};
    // Long before any time could have passed for the second rule.
    ASSERT_TRUE(s.feed(at_ms(10), feedback_of(row.ranges)));
    EXPECT_EQ(s.lost(), row.lost);
  }
}

TEST(LossDetector, CountsOnceWhatWasTakenForLostAndCameAfterAll) {
  Sender sender{20};
  ASSERT_TRUE(sender.feed(at_ms(30), feedback_of({{{6}, {6}}, {{0}, {1}}})));
  ASSERT_EQ(sender.lost(), (Parts{2, 3}));
  EXPECT_EQ(sender.loss.late_total(), 0U);
  for (int again = 0; again < 2; ++again) {
    ASSERT_TRUE(sender.feed(at_ms(31), feedback_of({{{5}, {7}}, {{3}, {3}}, {{0}, {1}}})));
    EXPECT_EQ(sender.loss.late_total(), 1U);
  }
  ASSERT_TRUE(sender.feed(at_ms(32), feedback_of({{{5}, {8}}})));
  ASSERT_TRUE(sender.feed(at_ms(33), feedback_of({{{0}, {9}}})));
  EXPECT_EQ(sender.loss.late_total(), 1U) << "2 lay below all that was told of since";
}

// Every second packet is 20 ms late: the first goes again for nothing, the others are waited for.
TEST(LossDetector, WaitsForWhatComesAfterAll) {  // P-LOSS-01
  Sender sender{0};
  std::vector<std::uint64_t> told;
  std::uint16_t number = 0;
  for (std::uint64_t i = 0; i < 400; ++i) {  // 5 ms apart, 50 ms to there and to us
    const Instant sent_at = at_ms(static_cast<std::int64_t>(i) * 5);
    sender.send(sent_at);
    std::vector<wire::AckRange> ranges;
    for (std::uint64_t n = i + 1; n-- > (i > 30 ? i - 30 : 0);) {
      const bool there = n % 8 != 4 || n + 4 <= i;
      if (!there) continue;
      if (!ranges.empty() && ranges.back().first.value == n + 1) {
        ranges.back().first = {n};
      } else {
        ranges.push_back({{n}, {n}});
      }
    }
    ASSERT_TRUE(sender.feed(sent_at, feedback_of(ranges, Duration{0}, number++)));
  }
  EXPECT_GE(sender.loss.late_total(), 1U);
  EXPECT_LE(sender.loss.late_total(), 2U);
}

TEST(LossDetector, DoesNotWaitWhereMostOfWhatIsLostIsLost) {  // P-LOSS-01
  LatePackets late;
  const auto lose = [&](std::uint64_t n, bool comes) {
    const PacketNumber there{comes ? n : n - 2};
    late.on_lost(at_ms(0), {n});
    late.on_feedback(at_ms(12), feedback_of({{{n + 2}, {n + 5}}, {there, there}}));
  };
  EXPECT_EQ(late.window(), Duration{0});
  lose(100, true);
  EXPECT_EQ(late.window(), milliseconds{12});
  lose(200, false);
  lose(300, false);
  EXPECT_EQ(late.window(), Duration{0});
  for (std::uint64_t i = 4; i < 24; ++i) lose(i * 100, true);
  EXPECT_EQ(late.window(), milliseconds{12});
  EXPECT_EQ(late.total(), 21U);
}

TEST(LossDetector, ASkippedNumberIsNoneOfTheThree) {  // P-LOSS-01, P-DATA-05
  Sender s{2};
  s.sent.skip_number(at_ms(2));
  s.send(at_ms(2));
  s.send(at_ms(2));
  ASSERT_TRUE(s.feed(at_ms(3), feedback_of({{{3}, {3}}, {{0}, {0}}})));
  EXPECT_EQ(s.lost(), Parts{});
  ASSERT_TRUE(s.feed(at_ms(3), feedback_of({{{3}, {4}}, {{0}, {0}}})));
  EXPECT_EQ(s.lost(), Parts{}) << "4 is two packets after 1";
  s.send(at_ms(3));
  ASSERT_TRUE(s.feed(at_ms(4), feedback_of({{{3}, {5}}, {{0}, {0}}})));
  EXPECT_EQ(s.lost(), Parts{1});
}

TEST(LossDetector, TimeMakesALossOfATail) {  // P-LOSS-01
  Sender s{3};                               // sent at 0, 1, 2 ms
  s.rtt.sample(at_ms(0), milliseconds{40});
  for (int i = 0; i < 30; ++i) s.rtt.sample(at_ms(0), milliseconds{40});
  // srtt / 8 = 5 ms. Highest sent at 0: one sent at 1 ms is overdue when the age is 6 ms.
  ASSERT_TRUE(s.feed(at_ms(45), feedback_of({{{0}, {0}}}, milliseconds{5}, 0)));
  EXPECT_EQ(s.lost(), Parts{});
  ASSERT_TRUE(s.feed(at_ms(46), feedback_of({{{0}, {0}}}, milliseconds{6}, 1)));
  EXPECT_EQ(s.lost(), Parts{1});
  ASSERT_TRUE(s.feed(at_ms(56), feedback_of({{{0}, {0}}}, milliseconds{16}, 2)));
  EXPECT_EQ(s.lost(), Parts{2});
  EXPECT_TRUE(s.sent.empty());
}

// At 1.5 Mbit/s the second packet of a run comes 6 ms after the first.
TEST(LossDetector, WhatFollowsInARunHasItsTimeInTheBottleneck) {  // P-LOSS-01
  for (const bool slow : {false, true}) {
    Sender sender{1};
    for (int i = 0; i < 3; ++i) sender.send(at_ms(100));
    sender.rtt.sample(at_ms(50), milliseconds{40});
    for (int i = 0; i < 30; ++i) sender.rtt.sample(at_ms(60), milliseconds{40});
    const Duration packet_time = slow ? Duration{6'400} : Duration{0};
    const wire::Feedback feedback = feedback_of({{{0}, {1}}}, milliseconds{8});
    ASSERT_TRUE(
        sender.loss.handle_feedback(at_ms(148), feedback, sender.sent, sender.rtt, {packet_time}));
    EXPECT_EQ(sender.lost(), slow ? Parts{} : (Parts{2, 3})) << slow;
    const wire::Feedback later = feedback_of({{{0}, {1}}}, milliseconds{30}, 1);
    ASSERT_TRUE(
        sender.loss.handle_feedback(at_ms(170), later, sender.sent, sender.rtt, {packet_time}));
    EXPECT_EQ(sender.lost(), slow ? (Parts{2, 3}) : Parts{}) << slow;
  }
}

TEST(LossDetector, MeasuresTheRoundTripWithoutTheAge) {
  Sender s{3};
  ASSERT_TRUE(s.feed(at_ms(50), feedback_of({{{0}, {1}}}, milliseconds{9})));
  EXPECT_EQ(s.rtt.latest(), milliseconds{40});
  ASSERT_TRUE(s.feed(at_ms(90), feedback_of({{{0}, {1}}}, milliseconds{10}, 1)));
  EXPECT_EQ(s.rtt.latest(), milliseconds{40}) << "no new packet, no new sample";
}

TEST(LossDetector, RefusesFeedbackOfUnsentAndSkippedNumbersWhole) {  // P-FEEDBACK-05
  Sender s{4};
  s.sent.skip_number(at_ms(4));
  s.send(at_ms(5));
  for (const auto& ranges : std::vector<std::vector<wire::AckRange>>{
           {{{6}, {6}}}, {{{0}, {6}}}, {{{4}, {4}}}, {{{0}, {5}}}}) {
    const auto status = s.feed(at_ms(9), feedback_of(ranges));
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error(), DropReason::kFeedbackOfUnsent);
    EXPECT_EQ(s.sent.oldest_open(), PacketNumber{0}) << "nothing of it was believed";
  }
  EXPECT_TRUE(s.feed(at_ms(9), feedback_of({{{5}, {5}}, {{0}, {3}}})));
  const auto late = s.feed(at_ms(9), feedback_of({{{0}, {5}}}));
  EXPECT_FALSE(late) << "also when the skipped number has left the ring";
}

TEST(LossDetector, OldFeedbackStillAcknowledgesButIsNotTheNewest) {
  Sender s{6};
  ASSERT_TRUE(s.feed(at_ms(10), feedback_of({{{0}, {1}}}, Duration{0}, 8)));
  EXPECT_TRUE(s.loss.newest());
  ASSERT_TRUE(s.feed(at_ms(10), feedback_of({{{0}, {2}}}, Duration{0}, 7)));
  EXPECT_FALSE(s.loss.newest());
  EXPECT_EQ(s.sent.oldest_open(), PacketNumber{3});
  ASSERT_TRUE(s.feed(at_ms(10), feedback_of({{{0}, {2}}}, Duration{0}, 9)));
  EXPECT_TRUE(s.loss.newest());
}

TEST(LossDetector, ProbesAfterSilenceAndDoublesUpToTwoSeconds) {  // P-LOSS-02
  Sender s{2};
  s.rtt.sample(at_ms(0), milliseconds{100});
  const Duration pto = s.rtt.pto();
  EXPECT_EQ(pto, milliseconds{100 + 200 + 50});
  EXPECT_EQ(s.loss.probe_deadline(s.sent, s.rtt), at_ms(0) + pto);
  Instant now = at_ms(0) + pto;
  s.loss.on_probe(now, s.sent);
  EXPECT_EQ(s.lost(), Parts{0}) << "what is oldest and open";
  EXPECT_EQ(s.loss.probe_deadline(s.sent, s.rtt), now + 2 * pto);
  for (int i = 0; i < 20; ++i) {
    s.send(now);
    s.loss.on_probe(now, s.sent);
  }
  EXPECT_EQ(s.loss.probe_deadline(s.sent, s.rtt), now + kPtoMax);
  s.send(now);
  ASSERT_TRUE(s.feed(now, feedback_of({{{21}, {21}}})));
  EXPECT_EQ(s.loss.probe_deadline(s.sent, s.rtt), now + s.rtt.pto()) << "heard again";
  ASSERT_TRUE(s.feed(now, feedback_of({{{20}, {22}}})));
  EXPECT_EQ(s.loss.probe_deadline(s.sent, s.rtt), kNever) << "nothing is open";
}

TEST(LossDetector, AProbeSettlesWhatItSendsAgain) {  // P-LOSS-02
  Sender s{2};
  s.loss.on_probe(at_ms(500), s.sent);
  EXPECT_EQ(s.lost(), Parts{0});
  s.loss.on_probe(at_ms(900), s.sent);
  EXPECT_EQ(s.lost(), Parts{1}) << "the next probe carries something else";
  ASSERT_TRUE(s.feed(at_ms(950), feedback_of({{{0}, {1}}})));
  EXPECT_EQ(s.lost(), Parts{}) << "and nothing is lost twice";
}

TEST(LossDetector, GivesTheOldestUpWhenThereIsNoRoom) {
  Sender s{static_cast<std::uint32_t>(kSentPacketsMax)};
  EXPECT_FALSE(s.sent.has_room());
  s.loss.make_room(at_ms(9'000), s.sent);
  EXPECT_EQ(s.lost(), Parts{0});
  EXPECT_TRUE(s.sent.has_room());
  EXPECT_EQ(s.loss.meter().lost_total(), 1U);
}

TEST(LossMeter, RemembersTwoSeconds) {
  LossMeter meter;
  EXPECT_EQ(meter.ratio(), 0.0);
  meter.add(at_ms(0), 80, 20);
  EXPECT_DOUBLE_EQ(meter.ratio(), 0.2);
  meter.add(at_ms(1'900), 100, 0);
  EXPECT_DOUBLE_EQ(meter.ratio(), 0.1);
  meter.add(at_ms(2'100), 0, 0);
  EXPECT_DOUBLE_EQ(meter.ratio(), 0.0);
  meter.add(at_ms(100'000), 1, 1);
  EXPECT_DOUBLE_EQ(meter.ratio(), 0.5);
  EXPECT_EQ(meter.lost_total(), 21U);
}

// Packets 8 and 9 met a full queue.
TEST(LossDetector, OnlyPacketsThatTellOfThePathAreInTheEstimate) {
  const LossContext contexts[] = {{}, {.full_until = at_ms(9)}, {.full_until = at_ms(7)}};
  const double expected[] = {2.0 / 20, 0, 2.0 / 12};
  for (std::size_t i = 0; i < std::size(contexts); ++i) {
    Sender sender{20};
    ASSERT_TRUE(sender.loss.handle_feedback(at_ms(40), feedback_of({{{10}, {19}}, {{0}, {7}}}),
                                            sender.sent, sender.rtt, contexts[i]));
    EXPECT_EQ(sender.lost(), (Parts{8, 9})) << "they go again whatever it means, " << i;
    EXPECT_EQ(sender.loss.meter().lost_total(), 2U);
    EXPECT_DOUBLE_EQ(sender.loss.estimate().loss(at_ms(40)), expected[i]) << i;
  }
}

TEST(LossEstimate, WhatArrivedAfterAllWasNotLost) {
  LossEstimate estimate;
  estimate.add(at_ms(0), 100, 0, 0);
  estimate.add(at_ms(10), 8, 2, 1);
  EXPECT_GT(estimate.loss(at_ms(10)), 0.01);
  estimate.take_back(1);
  EXPECT_NEAR(estimate.loss(at_ms(10)), 1.0 / 110, 0.001);
  estimate.take_back(1);
  EXPECT_EQ(estimate.loss(at_ms(11)), 0) << "a clean link plans no repairs";
  estimate.take_back(100);
  EXPECT_EQ(estimate.loss(at_ms(11)), 0);
}

TEST(LossDetector, WhatWentToAnOldAddressGoesAgainAndIsNoLossOfThePath) {  // P-DATA-06
  Sender sender{10};
  ASSERT_TRUE(sender.feed(at_ms(20), feedback_of({{{0}, {3}}})));
  sender.loss.on_path_moved(at_ms(30), sender.sent);
  EXPECT_EQ(sender.lost(), (Parts{4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(sender.loss.meter().lost_total(), 0U);
  EXPECT_EQ(sender.loss.probe_deadline(sender.sent, sender.rtt), kNever) << "nothing is open";
  sender.loss.on_path_moved(at_ms(31), sender.sent);
  EXPECT_TRUE(sender.lost().empty());
}

}  // namespace
}  // namespace sluice::link
