// The definitions of a cell, on made-up arrivals with known answers.
#include "bench/link/cell_ledger.h"

#include <gtest/gtest.h>

namespace sluice::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kBudget = milliseconds{100};
constexpr Duration kOneWay = milliseconds{50};

/// A frame of 2 parts every 40 ms; the first of ten is a key frame, the others a chain.
class Made {
 public:
  Made() : ledger_(kBudget, Instant{}) {}

  void send(std::uint64_t number) {
    FeedFrame frame;
    frame.number = number;
    frame.timestamp_ms = dts(number);
    frame.keyframe = number % 10 == 0;
    frame.bytes = 1000;
    if (!frame.keyframe) frame.depends_on = number - 1;
    ledger_.on_sent(Instant{milliseconds{dts(number)}}, frame);
  }

  /// `late`: after the one-way delay.
  void arrive(std::uint64_t number, std::uint16_t index, Duration late = Duration{0}) {
    wire::MediaHeader part;
    part.dts = dts(number);
    part.index = index;
    part.count = 2;
    ledger_.on_part(Instant{milliseconds{dts(number)}} + kOneWay + late, part);
  }

  void arrive_whole(std::uint64_t number) {
    arrive(number, 0);
    arrive(number, 1);
  }

  void play(std::uint64_t number) { ledger_.on_played(dts(number)); }

  const LedgerFigures& finish() {
    ledger_.finish();
    return ledger_.figures();
  }

  CellLedger& ledger() { return ledger_; }

 private:
  static std::uint32_t dts(std::uint64_t number) { return static_cast<std::uint32_t>(number) * 40; }

  CellLedger ledger_;
};

TEST(CellLedger, AFrameIsWholeWhenItsLastPartIsThereByBasePlusDtsPlusB) {
  struct Case {
    Duration late;
    std::uint64_t missed;
  };

  for (const Case& c : {Case{Duration{0}, 0}, Case{kBudget - Duration{1}, 0}, Case{kBudget, 0},
                        Case{kBudget + Duration{1}, 1}}) {
    Made made;
    made.send(0);
    made.arrive(0, 0);
    made.arrive(0, 1, c.late);
    EXPECT_EQ(made.finish().frames.missed, c.missed) << to_us(c.late);
  }
}

TEST(CellLedger, BaseIsTheLeastDelaySeenNotThatOfTheFrameItself) {
  Made made;
  made.send(0);
  made.arrive_whole(0);
  made.send(1);
  made.arrive(1, 0, kBudget + Duration{1});
  made.arrive(1, 1, kBudget + Duration{1});
  EXPECT_EQ(made.finish().frames.missed, 1U);
}

TEST(CellLedger, BaseForgetsAPathAfterTenSeconds) {
  Made made;
  made.send(0);
  made.arrive_whole(0);
  // The way is 200 ms longer from now on: missed while the old base stands, whole afterwards.
  for (std::uint64_t number = 1; number < 500; ++number) {
    made.send(number);
    made.arrive(number, 0, milliseconds{200});
    made.arrive(number, 1, milliseconds{200});
  }
  const LedgerFigures& figures = made.finish();
  EXPECT_GT(figures.frames.missed, 5U * 25 - 10);
  EXPECT_LT(figures.frames.missed, 10U * 25 + 10);
}

TEST(CellLedger, AMissedFrameLeavesTheRestOfItsGroupUndecodable) {
  Made made;
  for (std::uint64_t number = 0; number < 20; ++number) {
    made.send(number);
    made.arrive(number, 0);
    if (number != 7) made.arrive(number, 1);
  }
  const LedgerFigures& figures = made.finish();
  EXPECT_EQ(figures.frames.sent, 20U);
  EXPECT_EQ(figures.frames.missed, 1U);
  EXPECT_EQ(figures.key_frames.sent, 2U);
  EXPECT_EQ(figures.key_frames.missed, 0U);
  EXPECT_EQ(figures.decodable, 17U);  // not 7, 8 and 9
  EXPECT_EQ(figures.media_bytes, 20'000U);
}

TEST(CellLedger, AFrameOfAnUpperLayerTakesOnlyItselfAlong) {
  CellOptions options;
  options.layers = 2;
  CellFeed feed{options};
  CellLedger ledger{kBudget, Instant{}};
  for (int i = 0; i < 60; ++i) {
    const FeedFrame frame = feed.next().frame;
    const Instant at{milliseconds{frame.timestamp_ms}};
    ledger.on_sent(at, frame);
    wire::MediaHeader part;
    part.dts = frame.timestamp_ms;
    part.count = 1;
    if (i != 9) ledger.on_part(at + kOneWay, part);
  }
  ledger.finish();
  EXPECT_EQ(ledger.figures().frames.missed, 1U);
  EXPECT_EQ(ledger.figures().base_frames.sent, 30U);
  EXPECT_EQ(ledger.figures().base_frames.missed, 0U);
  EXPECT_EQ(ledger.figures().decodable, 59U);
}

TEST(CellLedger, PartsThatComeTwiceCountOnce) {
  Made made;
  made.send(0);
  made.arrive(0, 0);
  made.arrive(0, 0);
  EXPECT_EQ(made.finish().frames.missed, 1U);
}

TEST(CellLedger, NothingThatCameAtAllIsAllMissed) {
  Made made;
  for (std::uint64_t number = 0; number < 5; ++number) made.send(number);
  EXPECT_EQ(made.finish().frames.missed, 5U);
}

TEST(CellLedger, TheFirstFramesAreFollowedAndNotCounted) {
  CellLedger ledger{kBudget, Instant{milliseconds{40}}};
  for (std::uint64_t number = 0; number < 2; ++number) {
    FeedFrame frame;
    frame.number = number;
    frame.timestamp_ms = static_cast<std::uint32_t>(number) * 40;
    if (number > 0) frame.depends_on = 0;
    ledger.on_sent(Instant{milliseconds{frame.timestamp_ms}}, frame);
  }
  wire::MediaHeader part;
  part.dts = 40;
  part.count = 1;
  ledger.on_part(Instant{milliseconds{90}}, part);
  ledger.finish();
  EXPECT_EQ(ledger.figures().frames.sent, 1U);
  EXPECT_EQ(ledger.figures().frames.missed, 0U);
  EXPECT_EQ(ledger.figures().decodable, 0U);  // the one it depends on never came
}

TEST(CellLedger, SaysWhereTheSubscriberJudgedOtherwise) {
  Made made;
  made.send(0);
  made.arrive_whole(0);
  made.play(0);
  made.send(1);
  made.arrive_whole(1);  // decodable, and not handed on
  made.send(2);
  made.arrive(2, 0);
  made.play(2);  // handed on, and not whole
  EXPECT_EQ(made.finish().judged_otherwise, 2U);
}

TEST(CellLedger, LatencyIsFromPushToTheLastPart) {
  Made made;
  made.send(0);
  made.arrive(0, 0);
  made.arrive(0, 1, milliseconds{30});
  const auto latency = made.finish().latency_us.percentile(1);
  ASSERT_TRUE(latency.has_value());
  EXPECT_NEAR(static_cast<double>(*latency), 80'000, 800);
}

}  // namespace
}  // namespace sluice::bench
