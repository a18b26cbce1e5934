#include "bench/load/load_run.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "bench/load/load_member.h"
#include "bench/load/synthetic_source.h"
#include "proto/rtmp/message.h"

namespace sluice::bench {
namespace {

TEST(SyntheticSource, HasTheBitrateAskedFor) {
  for (const std::uint64_t bits_per_s : {100'000U, 2'000'000U, 20'000'000U}) {
    SyntheticSource source{bits_per_s, 1};
    std::uint64_t bytes = 0;
    for (std::uint32_t i = 0; i < SyntheticSource::kFramesPerGop; ++i)
      bytes += source.next().body.size();
    EXPECT_NEAR(static_cast<double>(bytes) * 8 / 2, static_cast<double>(bits_per_s),
                static_cast<double>(bits_per_s) * 0.02);
  }
}

TEST(SyntheticSource, LooksLikeVideoInFlv) {
  SyntheticSource source{2'000'000, 1};
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(source.next_ms(), static_cast<std::uint32_t>(i) * 1000 / 30);
    const auto frame = source.next();
    const auto body = rtmp::read_body(frame.type, frame.body);
    ASSERT_TRUE(body.has_value());
    EXPECT_EQ(body->kind, rtmp::BodyKind::kCodedFrame);
    EXPECT_EQ(body->keyframe, frame.keyframe);
    EXPECT_EQ(frame.keyframe, i % 60 == 0);
  }
  const auto tracks = source.tracks();
  EXPECT_TRUE(rtmp::configuration_record(FourCC::kAvc, tracks[0].config).has_value());
}

TEST(LoadRun, SaysThatThereIsNoRelay) {
  LoadOptions options;
  options.control = "/nonexistent/control.sock";
  const auto report = run_load(options);
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().code, client::ExitCode::kUnreachable);
}

TEST(LoadRun, WhatWasNotMeasuredIsNull) {
  LoadReport report;
  report.frames_expected = 7;
  const auto json = nlohmann::json::parse(load_json(report));
  EXPECT_EQ(json["frames_expected"], 7);
  EXPECT_TRUE(json["latency_us_p50"].is_null());
  EXPECT_TRUE(json["relay_cpu_percent"].is_null());
}

}  // namespace
}  // namespace sluice::bench
