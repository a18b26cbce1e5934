// Short cells in virtual time, through the real links and rooms.
#include "bench/link/sim_cell.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace sluice::bench {
namespace {

CellReport run(const std::string& options) {
  const auto cell = parse_cell_options(options);
  EXPECT_TRUE(cell.has_value());
  auto quiet = [](Duration) {};
  const auto report = run_sim_cell(*cell, net::Callback<Duration>::ref(quiet));
  EXPECT_TRUE(report.has_value());
  return *report;
}

TEST(SimCell, ACleanPathMissesNothing) {
  const CellReport report = run("--rtt 20 --seconds 6 --audio 64k");
  const SubscriberFigures& subscriber = report.subscribers.front();
  EXPECT_EQ(subscriber.video.frames.sent, 120U);
  EXPECT_EQ(subscriber.video.frames.missed, 0U);
  EXPECT_EQ(subscriber.video.key_frames.sent, 2U);
  EXPECT_EQ(subscriber.video.decodable, 120U);
  EXPECT_EQ(subscriber.video.judged_otherwise, 0U);
  EXPECT_EQ(subscriber.audio.frames.sent, 200U);
  EXPECT_EQ(subscriber.audio.frames.missed, 0U);
  EXPECT_EQ(subscriber.leg.parts_retransmitted, 0U);
  EXPECT_GT(subscriber.leg.overhead(), 0.02);
  EXPECT_LT(subscriber.leg.overhead(), 0.06);
  EXPECT_EQ(report.harness_late_frames, 0U);
}

TEST(SimCell, LossIsRecoveredWithinTheBudgetAndPaidFor) {
  const CellReport report = run("--loss 10% --rtt 20 --budget 250 --seconds 6");
  const SubscriberFigures& subscriber = report.subscribers.front();
  EXPECT_EQ(subscriber.video.frames.missed, 0U);
  EXPECT_EQ(subscriber.video.judged_otherwise, 0U);
  EXPECT_GT(subscriber.leg.overhead(), 0.10);
  EXPECT_LT(report.uplink.overhead(), 0.06);
}

TEST(SimCell, WhatCannotComeInTimeIsMissed) {
  // One round trip is longer than the budget, and a tenth is lost: most frames have 7 parts.
  const CellReport report = run("--loss 10% --rtt 100 --budget 0 --seconds 6");
  EXPECT_GT(report.subscribers.front().video.frames.missed, 30U);
}

TEST(SimCell, TheSenderKnowsWhatWasMissedByItsClass) {
  const CellReport report = run("--loss 40% --rtt 100 --budget 110 --seconds 12");
  const SubscriberFigures& subscriber = report.subscribers.front();
  EXPECT_GT(subscriber.video.frames.missed, 10U);
  const auto& misses = subscriber.leg.misses;
  const auto told = static_cast<double>(misses[0].missed + misses[1].missed);
  const auto seen = static_cast<double>(subscriber.video.frames.missed);
  EXPECT_NEAR(told, seen, seen / 4) << "some are under way at both ends of what is counted";
  EXPECT_NEAR(static_cast<double>(misses[1].frames), 5, 1) << "key frames";
  EXPECT_EQ(misses[2].frames, 0U) << "there is one layer";
}

TEST(SimCell, TheSameSeedGivesTheSameReport) {
  const std::string options = "--loss 20% --burst 3 --jitter 5 --rtt 60 --rate 4M --seconds 5";
  const std::string first = cell_json(run(options + " --seed 3"));
  EXPECT_EQ(first, cell_json(run(options + " --seed 3")));
  EXPECT_NE(first, cell_json(run(options + " --seed 4")));
}

TEST(SimCell, ABottleneckShowsInTheQueueAndAnOutageInTheFrames) {
  const CellReport slow = run("--rate 2500k --seconds 6 --budget 400");
  EXPECT_GT(slow.subscribers.front().leg.queue_us.percentile(0.95).value_or(0), 5000U);
  const CellReport cut = run("--outage 4:500 --seconds 6 --budget 100");
  EXPECT_GT(cut.subscribers.front().video.frames.missed, 10U);
}

// Half of the frames are of the upper layer, two fifths of the bytes: 1.24 Mbit/s are left of 2.06.
TEST(SimCell, ANarrowerPathCostsTheUpperLayerAndNotTheBase) {
  const CellReport report =
      run("--rate 4M --rate-schedule 0:4M,10:1.5M,20:4M --layers 2 --base-share 0.6 "
          "--key-factor 3 --rtt 40 --seconds 30");
  const auto json = nlohmann::json::parse(cell_json(report));
  EXPECT_EQ(json["base_frames_sent"], 420);
  EXPECT_LE(json["base_frames_missed"], 4);
  EXPECT_GT(json["frames_missed"], 100) << "the upper layer of 10 s";
  EXPECT_LT(json["frames_missed"], 200) << "and of 3 s more at the most";
  EXPECT_LT(json["queue_ms_p95"], 50);
  EXPECT_LT(json["target_bps"][17], 1'800'000);
  EXPECT_GT(json["target_bps"][24], 2'060'000) << "5 s after the rise";
}

TEST(SimCell, EachSubscriberHasALossAndFiguresOfItsOwn) {
  const CellReport report = run("--subscribers-loss 0,5,20 --rtt 40 --seconds 6");
  ASSERT_EQ(report.subscribers.size(), 3U);
  EXPECT_EQ(report.subscribers[0].leg.parts_retransmitted, 0U);
  EXPECT_EQ(report.subscribers[0].leg.repairs, 0U);
  EXPECT_GT(report.subscribers[1].leg.overhead(), report.subscribers[0].leg.overhead());
  EXPECT_GT(report.subscribers[2].leg.overhead(), report.subscribers[1].leg.overhead());
  const auto json = nlohmann::json::parse(cell_json(report));
  EXPECT_EQ(json["subscribers"].size(), 3U);
}

TEST(CellReport, HasEveryKeyOfTheInterface) {
  const auto json = nlohmann::json::parse(cell_json(run("--seconds 3")));
  for (const char* key :
       {"frames_sent",     "frames_missed",      "frames_missed_upper_95", "frames_whole_ratio",
        "key_frames_sent", "key_frames_missed",  "key_frames_whole_ratio", "frames_decodable_ratio",
        "overhead_ratio",  "overhead_headers",   "overhead_retransmitted", "overhead_coded",
        "overhead_probes", "overhead_control",   "feedback_ratio",         "latency_ms_p50",
        "latency_ms_p99",  "queue_ms_mean",      "queue_ms_p95",           "estimate_bps",
        "target_bps",      "harness_late_frames"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
  const double parts =
      json["overhead_headers"].get<double>() + json["overhead_retransmitted"].get<double>() +
      json["overhead_coded"].get<double>() + json["overhead_probes"].get<double>() +
      json["overhead_control"].get<double>();
  EXPECT_NEAR(parts, json["overhead_ratio"].get<double>(), 1e-9);
}

TEST(CellReport, PoolsRunsBySums) {
  CellReport one = run("--seconds 3 --seed 1");
  const CellReport two = run("--seconds 3 --seed 2");
  one.pool(two);
  EXPECT_EQ(one.runs, 2U);
  EXPECT_EQ(one.subscribers.front().video.frames.sent, 60U);
  EXPECT_NEAR(one.impaired_leg().overhead(), two.impaired_leg().overhead(), 0.002);
}

}  // namespace
}  // namespace sluice::bench
