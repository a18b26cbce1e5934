#include "bench/link/cell_options.h"

#include <gtest/gtest.h>

#include "bench/link/cell_feed.h"
#include "bench/link/cell_table.h"

namespace sluice::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(CellOptions, AreReadFromALine) {
  const auto options = parse_cell_options(
      "--hop both --loss 20% --burst 5 --rtt 100 --jitter 10 --reorder 1% --budget auto --rate 4M "
      "--rate-schedule 0:4M,20:1.5M --queue 70 --outage 10:2000,30:500 --rebind 5,7.5 --bitrate "
      "1500k --fps 25 "
      "--key-factor 3 --layers 2 --base-share 0.5 --audio 64k --seconds 30 --seed 7");
  ASSERT_TRUE(options.has_value()) << options.error().message;
  EXPECT_EQ(options->hop, Hop::kBoth);
  EXPECT_DOUBLE_EQ(options->loss, 0.2);
  EXPECT_DOUBLE_EQ(options->burst, 5);
  EXPECT_EQ(options->rtt, milliseconds{100});
  EXPECT_EQ(options->jitter, milliseconds{10});
  EXPECT_DOUBLE_EQ(options->reorder, 0.01);
  EXPECT_FALSE(options->budget.has_value());
  EXPECT_EQ(options->rate, 4'000'000U);
  ASSERT_EQ(options->rate_steps.size(), 2U);
  EXPECT_EQ(options->rate_steps[1].from, Instant{seconds{20}});
  EXPECT_EQ(options->rate_steps[1].bits_per_s, 1'500'000U);
  EXPECT_EQ(options->queue, milliseconds{70});
  ASSERT_EQ(options->rebinds.size(), 2U);
  EXPECT_EQ(options->rebinds[1], Instant{milliseconds{7500}});
  ASSERT_EQ(options->outages.size(), 2U);
  EXPECT_EQ(options->outages[0].end, Instant{seconds{12}});
  EXPECT_EQ(options->bits_per_s, 1'500'000U);
  EXPECT_EQ(options->fps, 25U);
  EXPECT_DOUBLE_EQ(options->key_factor, 3);
  EXPECT_EQ(options->layers, 2U);
  EXPECT_DOUBLE_EQ(options->base_share, 0.5);
  EXPECT_EQ(options->audio_bits_per_s, 64'000U);
  EXPECT_DOUBLE_EQ(options->seconds, 30);
  EXPECT_EQ(options->seed, 7U);
}

TEST(CellOptions, WhatMakesNoSenseIsRefusedByName) {
  for (const char* text :
       {"--loss 100%", "--loss x", "--hop sideways", "--rtt -5", "--budget soon", "--rate fast",
        "--rate-schedule 5", "--rate-schedule 5:1M,3:1M", "--rate-schedule 0:0", "--outage 3",
        "--rebind 7,5", "--layers 4", "--fps 0", "--seconds 1", "--burst 0.5",
        "--subscribers-loss 100", "--unknown 1"}) {
    const auto options = parse_cell_options(text);
    ASSERT_FALSE(options.has_value()) << text;
    const std::string name = std::string{text}.substr(0, std::string{text}.find(' '));
    EXPECT_NE(options.error().message.find(name), std::string::npos) << options.error().message;
  }
}

TEST(CellOptions, OnlyTheNamedLegIsImpaired) {
  const auto down = parse_cell_options("--hop down --loss 10% --rtt 100 --rate 1M");
  const LegPaths uplink = paths_of(*down, Leg::kUp, Instant{});
  const LegPaths downlink = paths_of(*down, Leg::kDown, Instant{});
  EXPECT_EQ(uplink.to_relay.loss, 0);
  EXPECT_EQ(uplink.from_relay.latency, kShortPath);
  EXPECT_DOUBLE_EQ(downlink.from_relay.loss, 0.1);
  EXPECT_DOUBLE_EQ(downlink.to_relay.loss, 0.1);
  EXPECT_EQ(downlink.to_relay.latency, milliseconds{50});
  EXPECT_EQ(downlink.from_relay.rate_bits_per_s, 1'000'000U);
  EXPECT_EQ(downlink.to_relay.rate_bits_per_s, 0U);
  const auto up = parse_cell_options("--hop up --loss 10% --burst 4");
  EXPECT_DOUBLE_EQ(paths_of(*up, Leg::kUp, Instant{}).to_relay.burst.loss, 0.1);
  EXPECT_EQ(paths_of(*up, Leg::kDown, Instant{}).from_relay.loss, 0);
  const auto both = parse_cell_options("--hop both --loss 10%");
  EXPECT_DOUBLE_EQ(paths_of(*both, Leg::kUp, Instant{}).to_relay.loss, 0.1);
  EXPECT_DOUBLE_EQ(paths_of(*both, Leg::kDown, Instant{}).from_relay.loss, 0.1);
}

TEST(CellOptions, TimesOfAPathCountFromTheFirstFrame) {
  const auto options = parse_cell_options("--rate-schedule 1:2M --outage 3:500 --rebind 2");
  const LegPaths paths = paths_of(*options, Leg::kDown, Instant{seconds{10}});
  ASSERT_EQ(paths.from_relay.rate_steps.size(), 1U);
  EXPECT_EQ(paths.from_relay.rate_steps[0].from, Instant{seconds{11}});
  ASSERT_EQ(paths.to_relay.address_changes.size(), 1U);
  EXPECT_EQ(paths.to_relay.address_changes[0], Instant{seconds{12}});
  EXPECT_TRUE(paths.from_relay.address_changes.empty()) << "a relay stays where it is";
  ASSERT_EQ(paths.to_relay.outages.size(), 1U);
  EXPECT_EQ(paths.to_relay.outages[0].begin, Instant{seconds{13}});
}

TEST(CellFeed, HasTheSizesOfTheDefinition) {
  CellFeed feed{CellOptions{}};
  std::uint64_t bytes = 0;
  for (std::uint32_t i = 0; i < 60; ++i) {
    EXPECT_EQ(feed.next_ms(), i * 1000 / 30);
    const CellFeed::Next next = feed.next();
    EXPECT_EQ(next.frame.keyframe, i == 0);
    EXPECT_EQ(next.source.body.size(), i == 0 ? 59'701U : 7463U);
    EXPECT_EQ(next.frame.depends_on.has_value(), i != 0);
    bytes += next.source.body.size();
  }
  EXPECT_NEAR(static_cast<double>(bytes), 500'000, 60);
  EXPECT_TRUE(feed.next().frame.keyframe);
}

TEST(CellFeed, TheLowestLayerHasItsShareAndNeedsNoOther) {
  for (const std::uint32_t layers : {2U, 3U}) {
    CellOptions options;
    options.layers = layers;
    options.key_factor = 3;
    CellFeed feed{options};
    std::vector<FeedFrame> frames;
    double base = 0, all = 0;
    for (int i = 0; i < 120; ++i) {
      const FeedFrame frame = feed.next().frame;
      all += frame.bytes;
      if (frame.layer == 0) base += frame.bytes;
      if (frame.depends_on) {
        EXPECT_LE(frames[*frame.depends_on].layer, frame.layer);
        EXPECT_LT(*frame.depends_on, frame.number);
      }
      frames.push_back(frame);
    }
    EXPECT_NEAR(base / all, 0.6, 0.001);
    EXPECT_NEAR(all, 1'000'000, 200);
  }
}

TEST(CellFeed, SoundComesBetweenPictures) {
  CellOptions options;
  options.audio_bits_per_s = 64'000;
  CellFeed feed{options};
  std::uint32_t before = 0, audio = 0;
  for (int i = 0; i < 800; ++i) {
    EXPECT_GE(feed.next_ms(), before);
    before = feed.next_ms();
    const FeedFrame frame = feed.next().frame;
    EXPECT_EQ(frame.timestamp_ms, before);
    if (frame.kind != TrackKind::kAudio) continue;
    ++audio;
    EXPECT_EQ(frame.bytes, 160U);
  }
  EXPECT_NEAR(audio, 500, 2);
}

TEST(CellTable, TheCellsThatMustBeReachedAreWellFormed) {
  const auto cells = parse_cells(must_cells());
  ASSERT_TRUE(cells.has_value()) << cells.error().message;
  EXPECT_EQ(cells->size(), 18U);
  EXPECT_EQ(cells->front().options.rtt, milliseconds{100});
  EXPECT_DOUBLE_EQ(cells->front().overhead_percent, 40);
}

TEST(CellTable, ABadLineIsNamed) {
  for (const char* line :
       {"name", "a | --loss 2 | 1 1 1", "a | --loss 2% | 1 1", "a | | 1 1 1 1"}) {
    const auto cells = parse_cells(line);
    ASSERT_FALSE(cells.has_value()) << line;
    EXPECT_NE(cells.error().message.find(line), std::string::npos);
  }
}

TEST(CellTable, ReachedIsJudgedWithConfidence) {
  auto cells = parse_cells("# a comment\n\na | --loss 2% | 0.1 0.1 10 | 1 / 2 @ 3\n");
  ASSERT_TRUE(cells.has_value());
  const CellTarget& target = cells->front();
  CellReport report;
  report.subscribers.resize(1);
  SubscriberFigures& figures = report.subscribers.front();
  figures.leg.media_bytes = 1000;
  figures.leg.wire_bytes = 1090;
  figures.video.frames = {1000, 0};  // none missed, of too few to know
  EXPECT_FALSE(reached(target, report));
  figures.video.frames = {100'000, 50};
  EXPECT_TRUE(reached(target, report));
  EXPECT_NE(table_row(target, report).find("| yes | 1 / 2 @ 3 |"), std::string::npos);
  figures.leg.wire_bytes = 1100;
  EXPECT_FALSE(reached(target, report));
}

}  // namespace
}  // namespace sluice::bench
