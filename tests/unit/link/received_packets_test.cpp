#include "proto/link/received_packets.h"

#include <vector>

#include <gtest/gtest.h>

namespace sluice::link {
namespace {

using std::chrono::milliseconds;

Instant at_ms(std::int64_t ms) { return Instant{milliseconds{ms}}; }

constexpr PacketTraits kMedia{.asks_feedback = true};
constexpr Duration kHorizon = milliseconds{250};

std::vector<wire::AckRange> ranges_of(ReceivedPackets& received, Instant now) {
  wire::Feedback feedback;
  if (!received.fill(now, kHorizon, feedback)) return {};
  return {feedback.ranges().begin(), feedback.ranges().end()};
}

TEST(ReceivedPackets, StatesRangesFromTheHighestDownwards) {
  struct Row {
    std::vector<std::uint64_t> arrived;
    std::vector<wire::AckRange> ranges;
    std::uint64_t missing;
  };

  const std::vector<Row> rows{
      {{}, {}, 0},
      {{0}, {{{0}, {0}}}, 0},
      {{0, 1, 2}, {{{0}, {2}}}, 0},
      {{3}, {{{3}, {3}}}, 3},
      {{0, 2}, {{{2}, {2}}, {{0}, {0}}}, 1},
      {{0, 2, 1}, {{{0}, {2}}}, 0},
      {{5, 0, 3}, {{{5}, {5}}, {{3}, {3}}, {{0}, {0}}}, 3},
      {{5, 4, 3, 0, 1, 2}, {{{0}, {5}}}, 0},
      {{0, 0xFFFFFF, 0x1000000}, {{{0xFFFFFF}, {0x1000000}}, {{0}, {0}}}, 0xFFFFFE - 0x4000},
  };
  for (const Row& row : rows) {
    ReceivedPackets received;
    for (const std::uint64_t n : row.arrived) received.record(at_ms(1), {n}, kMedia);
    EXPECT_EQ(ranges_of(received, at_ms(1)), row.ranges);
    EXPECT_EQ(received.missing(), row.missing);
  }
}

TEST(ReceivedPackets, DoesNotCallNumbersMissingThatTheSenderMayHaveLeftOut) {  // P-DATA-05
  ReceivedPackets received;
  const auto arrive = [&](std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t n = first; n <= last; ++n) received.record(at_ms(1), {n}, kMedia);
  };
  arrive(0, 499);
  arrive(501, 1023);
  EXPECT_EQ(received.missing(), 1U) << "none is left out below 1024";
  ReceivedPackets clean;
  std::swap(received, clean);
  arrive(0, 1023);
  arrive(1025, 2047);
  EXPECT_EQ(received.missing(), 0U);
  arrive(2049, 2100);
  EXPECT_EQ(received.missing(), 0U) << "two in 2048 at the most";
  arrive(2102, 2110);
  EXPECT_EQ(received.missing(), 1U) << "a third was lost";
}

TEST(ReceivedPackets, ForgetsTheOldestRangeWhenThereAreTooMany) {
  ReceivedPackets received;
  for (std::uint64_t i = 0; i < 40; ++i) received.record(at_ms(1), {i * 2}, kMedia);
  auto ranges = ranges_of(received, at_ms(1));
  ASSERT_EQ(ranges.size(), kAckRangesMax);
  EXPECT_EQ(ranges.front().last, PacketNumber{78});
  EXPECT_EQ(ranges.back().first, PacketNumber{16});
  received.record(at_ms(1), {3}, kMedia);
  EXPECT_EQ(ranges_of(received, at_ms(1)), ranges) << "older than all ranges: no room, no harm";
  received.record(at_ms(1), {77}, kMedia);
  EXPECT_EQ(ranges_of(received, at_ms(1)).front(), (wire::AckRange{{76}, {78}}));
}

TEST(ReceivedPackets, LeavesOutWhatIsOlderThanTheHorizonButNeverTheHighest) {
  ReceivedPackets received;
  received.record(at_ms(0), {0}, kMedia);
  received.record(at_ms(100), {2}, kMedia);
  received.record(at_ms(300), {4}, kMedia);
  EXPECT_EQ(ranges_of(received, at_ms(300)).size(), 2U);
  EXPECT_EQ(ranges_of(received, at_ms(10'000)).size(), 2U) << "silence forgets nothing";
}

TEST(ReceivedPackets, AskForFeedbackByTheRules) {  // P-FEEDBACK-04

  struct Row {
    const char* claim;
    PacketTraits traits;
    std::uint64_t second;  // number of the packet after number 0
    Instant due;
  };

  const std::vector<Row> rows{
      {"media waits for 40 ms", kMedia, 1, at_ms(40)},
      {"a gap makes the link lossy: 10 ms after the last feedback", kMedia, 2, at_ms(10)},
      {"PING asks at once", {.asks_feedback = true, .ping = true}, 1, at_ms(10)},
      {"CONTROL within 10 ms", {.asks_feedback = true, .control = true}, 1, at_ms(20)},
      {"feedback asks for nothing", {}, 1, at_ms(40)},
      {"a frame that lacks parts",
       {.asks_feedback = true, .incomplete_for = milliseconds{5}},
       1,
       at_ms(15)},
  };
  for (const Row& row : rows) {
    ReceivedPackets received;
    EXPECT_EQ(received.due(), kNever);
    received.record(at_ms(0), {0}, kMedia);
    received.record(at_ms(10), {row.second}, row.traits);
    EXPECT_EQ(received.due(), row.due) << row.claim;
    wire::Feedback feedback;
    ASSERT_TRUE(received.fill(at_ms(60), kHorizon, feedback));
    received.on_feedback_sent(at_ms(60));
    EXPECT_FALSE(received.unreported());
  }
}

TEST(ReceivedPackets, TellsALossAtOnceWhenThreeNumbersHigherHaveShownIt) {  // P-FEEDBACK-04

  struct Row {
    std::vector<std::uint64_t> arrived;  // after 0..9 and a feedback, at 1 ms
    bool told;
  };

  const std::vector<Row> rows{
      {{11, 12}, false},          // 10 is missing: the sender does not believe it yet
      {{11, 12, 13}, true},       // now it does
      {{13}, true},               // the three need not arrive themselves
      {{12}, false},              //
      {{11, 12, 10, 13}, false},  // late, not lost
      {{10, 11, 12, 13, 14}, false},
      {{11, 14}, true},      // 10 and, a number before its time, 12
      {{12, 10, 14}, true},  // 11
  };
  for (const Row& row : rows) {
    ReceivedPackets received;
    received.record(at_ms(-5'000), {1}, kMedia);  // a loss long ago
    for (std::uint64_t n = 0; n < 10; ++n) received.record(at_ms(0), {n}, kMedia);
    received.on_feedback_sent(at_ms(0));
    for (const std::uint64_t n : row.arrived) received.record(at_ms(1), {n}, kMedia);
    EXPECT_EQ(received.due() == at_ms(1), row.told) << row.arrived.size();
  }
}

TEST(ReceivedPackets, TellsALossOnce) {
  ReceivedPackets received;
  received.record(at_ms(0), {0}, kMedia);
  received.record(at_ms(0), {4}, kMedia);
  EXPECT_EQ(received.due(), at_ms(0));
  received.on_feedback_sent(at_ms(0));
  received.record(at_ms(1), {5}, kMedia);
  EXPECT_EQ(received.due(), at_ms(1)) << "2 is lost by now";
  received.record(at_ms(1), {6}, kMedia);
  received.on_feedback_sent(at_ms(1));
  received.record(at_ms(2), {7}, kMedia);
  EXPECT_EQ(received.due(), at_ms(1) + kLossyFeedbackInterval) << "all were told";
}

TEST(ReceivedPackets, NeverSpendsMoreThanItsBudgetButForWhoAsks) {  // P-FEEDBACK-04
  ReceivedPackets received;
  std::size_t spent = 0;
  std::size_t media = 0;
  constexpr Duration kRoundTrip = milliseconds{100};
  for (std::int64_t ms = 0; ms < 10'000; ++ms) {
    // A packet each ms, every second one lost.
    received.record(at_ms(ms), {static_cast<std::uint64_t>(ms) * 2},
                    {.asks_feedback = true, .media_bytes = 500});
    media += 500;
    if (received.due() > at_ms(ms)) continue;
    received.on_feedback_sent(at_ms(ms), 60, kRoundTrip);
    spent += 60;
  }
  EXPECT_LT(spent, media * 31 / 1000 + 1'200);
  EXPECT_GT(spent, media * 27 / 1000) << "but it makes use of it";
  received.on_feedback_sent(at_ms(10'000), 60, kRoundTrip);
  received.record(at_ms(10'000), {20'001}, {.asks_feedback = true, .ping = true});
  EXPECT_EQ(received.due(), at_ms(10'000));
}

TEST(ReceivedPackets, WaitsForItsBudgetARoundTripAtTheMost) {
  ReceivedPackets received;
  std::int64_t ms = 0;
  std::uint64_t n = 0;
  for (; ms < 100; ++ms) {  // without any media all is overdraft
    received.record(at_ms(ms), {n += 2}, kMedia);
    if (received.due() <= at_ms(ms)) received.on_feedback_sent(at_ms(ms), 500, milliseconds{40});
  }
  Instant last = at_ms(ms);
  for (; ms < 1'000; ++ms) {
    received.record(at_ms(ms), {n += 2}, kMedia);
    if (received.due() > at_ms(ms)) continue;
    EXPECT_LE(at_ms(ms) - last, milliseconds{40});
    last = at_ms(ms);
    received.on_feedback_sent(at_ms(ms), 500, milliseconds{40});
  }
  EXPECT_GE(last, at_ms(950));
}

TEST(ReceivedPackets, TellsEverySixteenPacketsOnACleanLink) {
  ReceivedPackets received;
  for (std::uint64_t i = 0; i < 15; ++i) received.record(at_ms(1), {i}, kMedia);
  EXPECT_EQ(received.due(), at_ms(41));
  received.record(at_ms(2), {15}, kMedia);
  EXPECT_EQ(received.due(), at_ms(2));
  received.on_feedback_sent(at_ms(2));
  EXPECT_EQ(received.due(), kNever) << "clean and silent: nothing to repeat";
}

TEST(ReceivedPackets, TellsEveryEightMillisecondsWhileThereIsLossAndThreeSecondsBeyond) {
  ReceivedPackets received;
  received.record(at_ms(0), {1}, kMedia);  // 0 is missing
  EXPECT_EQ(received.due(), at_ms(0));
  received.on_feedback_sent(at_ms(0));
  received.record(at_ms(3), {2}, kMedia);
  EXPECT_EQ(received.due(), at_ms(8));
  received.on_feedback_sent(at_ms(8));
  std::uint32_t repeats = 0;
  while (received.due() != kNever) {
    EXPECT_EQ(received.due(), at_ms(16 + 8 * static_cast<std::int64_t>(repeats)));
    received.on_feedback_sent(received.due());
    ++repeats;
  }
  EXPECT_EQ(repeats, kFeedbackRepeats) << "so that the growing age shows what was lost behind";
  received.record(at_ms(2'999), {3}, kMedia);
  EXPECT_EQ(received.due(), at_ms(2'999));
  received.on_feedback_sent(at_ms(2'999));
  while (received.due() != kNever) received.on_feedback_sent(received.due());
  received.record(at_ms(3'100), {4}, kMedia);
  EXPECT_EQ(received.due(), at_ms(3'140)) << "clean again";
}

TEST(ReceivedPackets, RepeatsFeedbackOfAFrameThatStaysIncomplete) {
  ReceivedPackets received;
  received.record(at_ms(0), {0}, {.asks_feedback = true, .incomplete_for = milliseconds{5}});
  EXPECT_EQ(received.due(), at_ms(5));
  received.on_feedback_sent(at_ms(5));
  EXPECT_EQ(received.due(), at_ms(13));
  received.record(at_ms(6), {1}, kMedia);
  EXPECT_EQ(received.due(), at_ms(13));
}

TEST(ReceivedPackets, StatesArrivalTimesOfTheLastTwoFeedbacks) {  // P-FEEDBACK-02
  ReceivedPackets received;
  const auto times = [&](Instant now) {
    wire::Feedback feedback;
    EXPECT_TRUE(received.fill(now, kHorizon, feedback));
    received.on_feedback_sent(now);
    return std::vector<std::int32_t>(feedback.times().begin(), feedback.times().end());
  };
  received.record(at_ms(0), {0}, kMedia);
  received.record(at_ms(1), {1}, kMedia);
  received.record(at_ms(3), {3}, kMedia);
  received.record(at_ms(2), {4}, kMedia);
  EXPECT_EQ(times(at_ms(3)), (std::vector<std::int32_t>{-4, 8, 4}));
  received.record(at_ms(5), {5}, kMedia);
  EXPECT_EQ(times(at_ms(5)), (std::vector<std::int32_t>{12, -4, 8, 4}));
  received.record(at_ms(6), {6}, kMedia);
  EXPECT_EQ(times(at_ms(6)), (std::vector<std::int32_t>{4, 12}));
}

TEST(ReceivedPackets, RoundingOfArrivalTimesDoesNotAddUp) {
  ReceivedPackets received;
  for (std::uint64_t i = 0; i <= 40; ++i) {
    received.record(instant_from_us(static_cast<std::int64_t>(i) * 200), {i}, kMedia);
  }
  wire::Feedback feedback;
  ASSERT_TRUE(received.fill(at_ms(8), kHorizon, feedback));
  std::int64_t sum = 0;
  for (const std::int32_t t : feedback.times()) sum += t;
  EXPECT_EQ(feedback.times().size(), 40U);
  EXPECT_EQ(sum, 40 * 200 / 250);
}

TEST(ReceivedPackets, SaysHowLongAgoTheHighestCameAndCountsCongestionMarks) {  // P-FEEDBACK-01
  ReceivedPackets received;
  received.record(at_ms(10), {7}, {.asks_feedback = true, .congestion_mark = true});
  received.record(at_ms(20), {5}, {.asks_feedback = true, .congestion_mark = true});
  wire::Feedback feedback;
  ASSERT_TRUE(received.fill(at_ms(25), kHorizon, feedback));
  EXPECT_EQ(feedback.highest(), PacketNumber{7});
  EXPECT_EQ(feedback.age, milliseconds{15});
  EXPECT_EQ(feedback.ce, 2U);
}

}  // namespace
}  // namespace sluice::link
