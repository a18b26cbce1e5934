#include "client/stats.h"

#include <cmath>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace sluice::client {
namespace {

TEST(Histogram, WithoutSamplesHasNoPercentile) {
  EXPECT_EQ(Histogram{}.percentile(0.5), std::nullopt);
}

TEST(Histogram, IsExactForSmallValues) {
  Histogram histogram;
  for (int i = 1; i <= 100; ++i) histogram.add(i);
  EXPECT_EQ(histogram.percentile(0.0), 1U);
  EXPECT_EQ(histogram.percentile(0.5), 50U);
  EXPECT_EQ(histogram.percentile(0.99), 99U);
  EXPECT_EQ(histogram.percentile(1.0), 100U);
}

TEST(Histogram, IsWithinOnePercentAtEverySize) {
  for (std::int64_t value = 1; value < 1LL << 39; value = value * 3 + 1) {
    Histogram histogram;
    histogram.add(value);
    const auto told = static_cast<double>(*histogram.percentile(0.5));
    EXPECT_LE(told, static_cast<double>(value));
    EXPECT_GE(told, static_cast<double>(value) * 0.992) << value;
  }
}

TEST(Histogram, ClampsWhatIsOutOfRange) {
  Histogram histogram;
  histogram.add(-5);
  EXPECT_EQ(histogram.percentile(1), 0U);
  histogram.add(INT64_MAX);
  EXPECT_GE(*histogram.percentile(1), (1ULL << 40U) * 99 / 100);
}

TEST(Histogram, MergeAddsTheSamplesOfBoth) {
  Histogram a, b;
  a.add(1);
  b.add(3);
  b.add(3);
  a.merge(b);
  EXPECT_EQ(a.count(), 3U);
  EXPECT_EQ(a.percentile(0.5), 3U);
}

TEST(Stats, JsonHasExactlyTheDocumentedKeys) {
  const auto json = nlohmann::ordered_json::parse(Stats{}.to_json());
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  const std::vector<std::string> expected = {"frames",
                                             "key_frames",
                                             "bytes_media",
                                             "bytes_wire",
                                             "packets",
                                             "lost",
                                             "retransmitted",
                                             "coded",
                                             "recovered_by_retransmission",
                                             "recovered_by_fec",
                                             "late_frames",
                                             "skipped_frames",
                                             "rtt_us_p50",
                                             "latency_us_p50",
                                             "latency_us_p99",
                                             "play_out_delay_ms_p50",
                                             "play_out_delay_ms_p99",
                                             "join_ms",
                                             "first_frame_ms",
                                             "estimate_bps",
                                             "drops"};
  EXPECT_EQ(keys, expected);
}

TEST(Stats, EveryKeyIsExplained) {
  const auto json = nlohmann::json::parse(Stats{}.to_json());
  for (const auto& [key, value] : json.items()) {
    // "latency_us_p50, _p99" explains both.
    std::string said = key;
    if (const auto p99 = said.find("_p99"); p99 != std::string::npos) {
      said.replace(p99, std::string::npos, "_p50, _p99");
    }
    EXPECT_NE(Stats::keys().find(said), std::string_view::npos) << key;
  }
}

TEST(Stats, WhatWasNotMeasuredIsNull) {
  const auto json = nlohmann::json::parse(Stats{}.to_json());
  for (const char* key : {"rtt_us_p50", "latency_us_p50", "latency_us_p99", "play_out_delay_ms_p50",
                          "play_out_delay_ms_p99", "join_ms", "first_frame_ms"}) {
    EXPECT_TRUE(json[key].is_null()) << key;
  }
  EXPECT_TRUE(json["drops"].empty());
}

TEST(Stats, TellsTheFiguresItWasGiven) {
  Stats stats;
  stats.frames = 3;
  stats.join_us = 1500;
  stats.count_drop(DropReason::kQueueFull);
  for (int i = 0; i < 100; ++i) stats.latency_us.add(i);
  const auto json = nlohmann::json::parse(stats.to_json());
  EXPECT_EQ(json["frames"], 3);
  EXPECT_EQ(json["join_ms"], 1.5);
  EXPECT_EQ(json["latency_us_p50"], 49);
  EXPECT_EQ(json["latency_us_p99"], 98);
  EXPECT_EQ(json["drops"], nlohmann::json({{"queue_full", 1}}));
}

TEST(Stats, CountsASubscribersLossByWhatIsMissing) {
  link::LinkStats link;
  link.packets_sent = 10;
  link.packets_received = 100;
  link.packets_missing = 4;
  link.packets_lost = 1;
  link.repairs_sent = 6;
  link.repairs_received = 7;
  link.parts_revived = 5;
  link.latest_rtt = std::chrono::milliseconds{2};
  Stats subscriber;
  subscriber.sample(instant_from_us(0), link);
  subscriber.sample(instant_from_us(1000), link);
  EXPECT_EQ(subscriber.packets, 100U);
  EXPECT_EQ(subscriber.lost, 4U);
  EXPECT_EQ(subscriber.coded, 7U);
  EXPECT_EQ(subscriber.recovered_by_fec, 5U);
  EXPECT_EQ(subscriber.rtt_us.count(), 1U);  // one sample every 50 ms
  Stats pusher;
  pusher.pushing = true;
  pusher.sample(instant_from_us(0), link);
  EXPECT_EQ(pusher.packets, 10U);
  EXPECT_EQ(pusher.lost, 1U);
  EXPECT_EQ(pusher.coded, 6U);
  EXPECT_EQ(pusher.recovered_by_fec, 0U);
}

TEST(Stats, SamplesThePlayOutDelayWithTheRoundTrip) {
  link::LinkStats link;
  link.latest_rtt = std::chrono::milliseconds{2};
  Stats live;
  for (int ms = 0; ms < 5000; ++ms) {
    live.sample(instant_from_us(ms * 1000), link, std::chrono::milliseconds{ms < 4900 ? 20 : 100});
  }
  EXPECT_EQ(live.play_out_delay_us.count(), 100U);
  const auto json = nlohmann::json::parse(live.to_json());
  EXPECT_NEAR(json["play_out_delay_ms_p50"].get<double>(), 20, 0.2);
  EXPECT_NEAR(json["play_out_delay_ms_p99"].get<double>(), 100, 1);
}

}  // namespace
}  // namespace sluice::client
