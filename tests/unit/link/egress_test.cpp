#include "proto/link/egress.h"

#include <vector>

#include <gtest/gtest.h>

#include "proto/link/pacer.h"
#include "tests/unit/link/link_pair.h"

namespace sluice::link {
namespace {

using std::chrono::milliseconds;

Instant at_ms(std::int64_t ms) { return Instant{milliseconds{ms}}; }

constexpr TrackId kTrack{3};

TEST(EgressQueue, MergesWhatGoesOn) {
  std::uint64_t bytes = 0;
  EgressQueue queue{bytes};
  const EgressEntry entry{
      .track = kTrack, .part_bytes = 100, .first = Seq{5}, .count = 2, .deadline = at_ms(9)};
  ASSERT_TRUE(queue.push(entry));
  EgressEntry next = entry;
  next.first = Seq{7};
  ASSERT_TRUE(queue.push(next));
  EXPECT_EQ(queue.entries(), 1U);
  EXPECT_EQ(bytes, 400U);
  next.first = Seq{10};  // 9 is missing
  ASSERT_TRUE(queue.push(next));
  next.first = Seq{12};
  next.deadline = at_ms(10);
  ASSERT_TRUE(queue.push(next));
  next.first = Seq{14};
  next.track = TrackId{4};
  ASSERT_TRUE(queue.push(next));
  EXPECT_EQ(queue.entries(), 4U);
  for (int i = 0; i < 4; ++i) queue.pop_part();
  EXPECT_EQ(queue.front().first, Seq{10});
  queue.remove_track(kTrack);
  EXPECT_EQ(queue.entries(), 1U);
  EXPECT_EQ(queue.front().track, TrackId{4});
  EXPECT_EQ(bytes, 200U);
}

TEST(EgressQueue, MergesAcrossTheWrapAndRefusesBeyondItsLimit) {
  std::uint64_t bytes = 0;
  EgressQueue queue{bytes};
  ASSERT_TRUE(queue.push({.track = kTrack, .first = Seq{Seq::kModulus - 1}, .count = 1}));
  ASSERT_TRUE(queue.push({.track = kTrack, .first = Seq{0}, .count = 1}));
  EXPECT_EQ(queue.entries(), 1U);
  for (std::uint32_t i = 1; i < kEgressEntriesMax; ++i) {
    ASSERT_TRUE(queue.push({.track = kTrack, .first = Seq{i * 10}, .count = 1}));
  }
  EXPECT_FALSE(queue.push({.track = kTrack, .first = Seq{5}, .count = 1}));
}

TEST(RetransmitQueue, ServesTheNearestDeadlineAndEqualOnesInTheirOrder) {
  RetransmitQueue queue;
  for (const auto& [seq, ms] :
       std::vector<std::pair<std::uint32_t, int>>{{1, 200}, {2, 20}, {3, 100}, {4, 20}, {5, 20}}) {
    ASSERT_TRUE(queue.push({kTrack, Seq{seq}, at_ms(ms)}));
  }
  std::vector<std::uint32_t> order;
  for (; !queue.empty(); queue.pop_front()) order.push_back(queue.front().seq.value());
  EXPECT_EQ(order, (std::vector<std::uint32_t>{2, 4, 5, 3, 1}));
}

TEST(RetransmitQueue, IsBoundedAndForgetsTracks) {
  RetransmitQueue queue;
  for (std::uint32_t i = 0; i < kRetransmitPartsMax; ++i) {
    ASSERT_TRUE(queue.push({TrackId{static_cast<std::uint8_t>(i % 2)}, Seq{i}, at_ms(i % 7)}));
  }
  EXPECT_FALSE(queue.push({kTrack, Seq{1}, at_ms(1)}));
  queue.remove_track(TrackId{1});
  EXPECT_EQ(queue.size(), kRetransmitPartsMax / 2);
  Instant last = kLongAgo;
  for (; !queue.empty(); queue.pop_front()) {
    EXPECT_EQ(queue.front().track, TrackId{0});
    EXPECT_GE(queue.front().deadline, last);
    last = queue.front().deadline;
  }
}

struct EgressTest : testing::Test {
  EgressTest() { egress.open_track(kTrack, &track.ring, Priority::kBase); }

  static PathView path(Instant now, Duration guard = Duration{0}) {
    return {.now = now, .rtt = milliseconds{40}, .min_rtt = milliseconds{40}, .guard = guard};
  }

  std::optional<NextPart> next(Instant now, Duration guard = Duration{0}) {
    auto part = egress.peek(path(now, guard), Priority::kBase);
    if (part) egress.take(*part);
    return part;
  }

  TestTrack track{TrackId{9}};
  DropCounts drops;
  Egress egress{drops};
};

TEST_F(EgressTest, RefusesByName) {
  EXPECT_EQ(egress.queue(TrackId{200}, Seq{0}, 1, kNever).error(), DropReason::kUnknownTrack);
  egress.close_track(kTrack);
  EXPECT_EQ(egress.queue(kTrack, Seq{0}, 1, kNever).error(), DropReason::kUnknownTrack);
  egress.open_track(kTrack, &track.ring, Priority::kBase);
  for (std::uint32_t i = 0; i < kEgressEntriesMax; ++i) {
    ASSERT_TRUE(egress.queue(kTrack, Seq{i * 2}, 1, kNever));
  }
  EXPECT_EQ(egress.queue(kTrack, Seq{1}, 1, kNever).error(), DropReason::kQueueFull);
}

TEST_F(EgressTest, ALostPartGoesBeforeALaterDeadlineAndAfterANearerOne) {
  const auto first = track.add(100, 0, true);
  const auto second = track.add(100, 33, false);
  ASSERT_TRUE(egress.queue(kTrack, first.first, 1, at_ms(100)));
  const auto sent = next(at_ms(0));
  ASSERT_TRUE(sent);
  EXPECT_FALSE(sent->item.again);
  egress.on_lost(path(at_ms(50)), sent->item);
  ASSERT_TRUE(egress.queue(kTrack, second.first, 1, at_ms(133)));
  const auto again = next(at_ms(50));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->item.again);
  EXPECT_EQ(again->item.first, first.first.value());
  egress.on_lost(path(at_ms(50)),
                 {.generation = 1, .track = kTrack, .first = 0, .deadline = at_ms(200)});
  EXPECT_FALSE(next(at_ms(50))->item.again) << "133 before 200";
  EXPECT_TRUE(next(at_ms(50))->item.again);
  EXPECT_TRUE(egress.empty());
}

TEST_F(EgressTest, GivesUpByNameWhatCannotArriveOrIsGone) {  // P-RETX-01
  const auto frame = track.add(100, 0, true);
  const SentItem item{
      .generation = 1, .track = kTrack, .first = frame.first.value(), .deadline = at_ms(100)};
  egress.on_lost(path(at_ms(80), milliseconds{21}), item);
  EXPECT_EQ(drops.of(DropReason::kTooLate), 1U);
  egress.on_lost(path(at_ms(80), milliseconds{20}), item);
  EXPECT_FALSE(next(at_ms(91), milliseconds{20})) << "late by the time its turn comes";
  EXPECT_EQ(drops.of(DropReason::kTooLate), 2U);
  ASSERT_TRUE(egress.queue(kTrack, frame.first + 77, 2, at_ms(100)));
  EXPECT_FALSE(next(at_ms(0)));
  EXPECT_EQ(drops.of(DropReason::kOverwritten), 2U);
  std::vector<std::uint32_t> told;
  for (auto& queue = egress.given_up(); !queue.empty(); queue.pop_front()) {
    told.push_back(queue.front().seq.value());
  }
  EXPECT_EQ(told, (std::vector<std::uint32_t>{0, 0, 77, 78}));
  EXPECT_EQ(egress.parts_given_up(), 4U);
}

TEST_F(EgressTest, AnAcknowledgementThatComesLateTakesThePartOutAgain) {  // P-RETX-01
  const auto frame = track.add(100, 0, true);
  ASSERT_TRUE(egress.queue(kTrack, frame.first, 1, at_ms(900)));
  const auto sent = next(at_ms(0));
  egress.on_lost(path(at_ms(50)), sent->item);
  EXPECT_FALSE(egress.empty());
  egress.on_acknowledged(sent->item);
  EXPECT_FALSE(next(at_ms(51)));
  EXPECT_EQ(egress.parts_given_up(), 0U);
}

TEST_F(EgressTest, WhatAnEarlierOpeningSentIsNotSentAgainUnderItsSuccessor) {
  const auto frame = track.add(100, 0, true);
  ASSERT_TRUE(egress.queue(kTrack, frame.first, 1, kNever));
  const auto sent = next(at_ms(0));
  egress.open_track(kTrack, &track.ring, Priority::kBase);
  egress.on_lost(path(at_ms(0)), sent->item);
  EXPECT_TRUE(egress.empty());
  egress.close_track(kTrack);
  egress.on_lost(path(at_ms(0)), sent->item);
  EXPECT_TRUE(egress.empty());
  EXPECT_TRUE(egress.given_up().empty());
}

TEST_F(EgressTest, ClosingATrackForgetsWhatWaits) {
  const auto frame = track.add(5'000, 0, true);
  ASSERT_TRUE(egress.queue(kTrack, frame.first, frame.count, kNever));
  EXPECT_GT(egress.queued_bytes(), 4'900U);
  egress.on_lost(path(at_ms(0)), {.generation = 1, .track = kTrack, .deadline = kNever});
  egress.close_track(kTrack);
  EXPECT_TRUE(egress.empty());
  EXPECT_EQ(egress.queued_bytes(), 0U);
  EXPECT_FALSE(next(at_ms(0)));
}

TEST(Pacer, GrantsFiveMillisecondsOfCapacityWithinTwoAndSixteenPackets) {
  const std::vector<std::pair<std::uint64_t, std::size_t>> rows{
      {1, 2}, {1'000'000, 2}, {10'000'000, 5}, {40'000'000, 16}, {1'000'000'000, 16}, {0, 16}};
  for (const auto& [capacity, quantum] : rows) {
    EXPECT_EQ(Pacer{capacity}.quantum(), quantum) << capacity;
  }
}

TEST(Pacer, SpacesRunsAtItsCapacity) {
  Pacer pacer{8'000'000};  // one byte a microsecond
  Instant now = at_ms(1'000);
  std::size_t bytes = 0;
  const Instant end = now + milliseconds{100};
  while (now < end) {
    if (pacer.may_send(now)) {
      pacer.on_sent(now, 2'400);
      bytes += 2'400;
    } else {
      now = pacer.free_at();
    }
  }
  EXPECT_GE(bytes, 100'000U);
  EXPECT_LE(bytes, 100'000U + 2'400U + 1'000U) << "a run and a millisecond ahead at the most";
}

TEST(Pacer, MakesUpForATimerThatIsLateButNotForSilence) {
  Pacer pacer{8'000'000};
  pacer.on_sent(at_ms(1'000), 5'000);
  EXPECT_FALSE(pacer.may_send(at_ms(1'003)));
  EXPECT_TRUE(pacer.may_send(at_ms(1'005)));
  pacer.on_sent(at_ms(9'000), 5'000);
  EXPECT_EQ(pacer.free_at(), at_ms(9'004)) << "one millisecond of credit, not eight seconds";
}

TEST(Pacer, WithoutACapacityNeverWaits) {
  Pacer pacer{0};
  for (int i = 0; i < 1'000; ++i) pacer.on_sent(at_ms(1), 20'000);
  EXPECT_TRUE(pacer.may_send(at_ms(1)));
  EXPECT_EQ(pacer.time_of(1'000'000), Duration{0});
}

}  // namespace
}  // namespace sluice::link
