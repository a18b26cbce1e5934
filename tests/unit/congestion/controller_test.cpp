#include "proto/congestion/controller.h"

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::congestion {
namespace {

using std::chrono::milliseconds;

constexpr std::uint32_t kBytes = 1200;

/// A path of 50 ms and `capacity` with an endless queue; feedback each 20 ms, back after 50 ms.
struct Path {
  explicit Path(double capacity_bits_per_s, const Config& config = {})
      : controller(config, Instant{}), capacity(capacity_bits_per_s) {}

  Controller controller;
  double capacity;
  double media = 1.5e6;
  bool follows = true;  // the source, the target
  std::uint32_t lose_every = 0;
  Instant now{};
  std::uint64_t number = 0;
  double free_us = 0, owed = 0;
  std::vector<PacketResult> results;

  void send(ProbeId probe) {
    PacketResult result{.number = {number++}, .sent_at = now, .bytes = kBytes, .probe = probe};
    controller.on_sent(now, result.number, kBytes, probe);
    free_us = std::max(free_us, static_cast<double>(to_us(now))) + kBytes * 8e6 / capacity;
    result.lost = lose_every > 0 && number % lose_every == 0;
    const auto arrival_us = static_cast<std::int64_t>(free_us) + 50'000;
    if (!result.lost) result.arrival = Duration{arrival_us / 250 * 250};
    results.push_back(result);
  }

  /// What has arrived 50 ms ago, or was lost then.
  std::vector<PacketResult> settled() {
    std::vector<PacketResult> done;
    while (!results.empty()) {
      const Duration told =
          results.front().arrival.value_or(Duration{to_us(results.front().sent_at) + 50'000});
      if (told.count() + 50'000 > to_us(now)) break;
      done.push_back(results.front());
      results.erase(results.begin());
    }
    return done;
  }

  void run(int ms) {
    for (int i = 0; i < ms; ++i) {
      now += milliseconds{1};
      const double target = static_cast<double>(controller.target_bits_per_s());
      owed += (follows ? std::min(media, target) : media) / 8000;
      if (owed >= 2 * kBytes) {
        const std::optional<ProbeWish> wish = controller.probe();
        for (; owed >= kBytes; owed -= kBytes) send(wish ? wish->id : kNoProbe);
      }
      if (const std::optional<ProbeWish> wish = controller.probe()) {
        probe_owed += static_cast<double>(wish->bits_per_s) / 8000;
        for (; probe_owed >= kBytes && controller.probe(); probe_owed -= kBytes) send(wish->id);
      }
      if (controller.next_deadline() <= now) controller.handle_timeout(now);
      if (i % 20 == 0) {
        controller.on_feedback(now, settled(), {milliseconds{100}, milliseconds{100}, 0});
      }
    }
  }

  double probe_owed = 0;
};

TEST(Controller, StartsWithTheConfiguredFigures) {
  Config config;
  config.start_bits_per_s = 700'000;
  const Controller controller{config, Instant{}};
  EXPECT_EQ(controller.target_bits_per_s(), 700'000U);
  EXPECT_EQ(controller.capacity_bits_per_s(), config.initial_capacity_bits_per_s);
  EXPECT_FALSE(controller.probe());
  EXPECT_EQ(controller.next_deadline(), kNever) << "nothing is known of the path";
  EXPECT_EQ(controller.queue_delay(), Duration{0});
  EXPECT_EQ(controller.loss(), 0);
}

TEST(Controller, MendsAConfigurationOfNonsense) {
  Config config;
  config.min_bits_per_s = 5'000'000;
  config.max_bits_per_s = 2;
  config.start_bits_per_s = 0;
  const Controller controller{config, Instant{}};
  EXPECT_EQ(controller.target_bits_per_s(), 5'000'000U);
}

TEST(Controller, FindsAFreePathByProbesUpToTwiceTheUse) {
  Path path{20e6};
  path.run(5'000);
  EXPECT_GE(path.controller.target_bits_per_s(), 2'700'000U);
  EXPECT_LE(path.controller.target_bits_per_s(), 3'000'001U);
  EXPECT_NEAR(static_cast<double>(path.controller.capacity_bits_per_s()), 20e6, 3e6);
}

TEST(Controller, WantMoreProbesBeyondAtOnce) {
  Path path{20e6};
  path.run(5'000);
  path.controller.set_useful(6'000'000);
  path.controller.want_more(6'000'000);
  path.run(3'000);
  EXPECT_GE(path.controller.target_bits_per_s(), 5'000'000U);
}

TEST(Controller, StaysBelowANarrowPathWithoutAQueue) {
  Path path{1e6};
  path.run(30'000);
  EXPECT_GE(path.controller.delivered_bits_per_s(), 850'000U);
  EXPECT_LE(path.controller.target_bits_per_s(), 1'150'000U);
  EXPECT_LE(path.controller.queue_delay(), Duration{milliseconds{80}});
}

TEST(Controller, AnswersToAFallAndDrains) {
  Path path{4e6};
  path.run(10'000);
  path.capacity = 0.6e6;
  path.run(2'000);
  EXPECT_LE(path.controller.target_bits_per_s(), 650'000U);
  path.run(1'500);
  EXPECT_LE(path.controller.queue_delay(), Duration{milliseconds{60}});
}

TEST(Controller, PacesBelowTheCapacityAndAboveTheTarget) {
  Path path{20e6};
  path.run(5'000);
  const std::uint64_t pacing = path.controller.pacing_bits_per_s(1'000'000, 1'000'000);
  EXPECT_EQ(pacing, 10'000'000U) << "ten times the media";
  const auto large =
      static_cast<double>(path.controller.pacing_bits_per_s(1'000'000'000, 1'000'000));
  EXPECT_NEAR(large, 18e6, 3e6);
  EXPECT_GE(path.controller.pacing_bits_per_s(0, UINT64_MAX), path.controller.target_bits_per_s());
}

TEST(Controller, ReportsAFloorForLossThatDoesNotAnswer) {
  Path path{20e6};
  path.lose_every = 5;
  path.run(20'000);
  EXPECT_NEAR(path.controller.loss_floor(), 0.2, 0.03);
  EXPECT_GE(path.controller.target_bits_per_s(), 2'000'000U);
}

TEST(Controller, TheEstimateComesBackAfterATrialInVain) {
  Path path{20e6};
  path.run(10'000);
  const std::uint64_t before = path.controller.target_bits_per_s();
  path.lose_every = 5;
  std::uint64_t least = before;
  for (int i = 0; i < 24; ++i) {
    path.run(100);
    least = std::min(least, path.controller.target_bits_per_s());
  }
  EXPECT_LT(least, before) << "the trial";
  EXPECT_EQ(path.controller.target_bits_per_s(), before) << "no probe has been made since";
}

TEST(Controller, CountsCongestionMarks) {
  Controller controller{{}, Instant{}};
  controller.on_feedback(Instant{}, {}, {milliseconds{50}, milliseconds{50}, 3});
  controller.on_feedback(Instant{}, {}, {milliseconds{50}, milliseconds{50}, 4});
  EXPECT_EQ(controller.ce_packets(), 7U);
}

TEST(Controller, NeverAsksToBeCalledForEver) {
  Path path{1e6};
  path.run(3'000);
  // The source falls silent, feedback too: deadlines must lie ahead, or the caller would spin.
  for (int i = 0; i < 10'000 && path.controller.next_deadline() < kNever; ++i) {
    const Instant due = std::max(path.controller.next_deadline(), path.now);
    path.controller.handle_timeout(due);
    path.now = due;
    EXPECT_GT(path.controller.next_deadline(), due) << i;
  }
}

TEST(Controller, LyingArrivalsLeaveTheTargetInBounds) {
  Config config;
  config.max_bits_per_s = 5'000'000;
  Controller controller{config, Instant{}};
  const std::int64_t lies[] = {INT64_MIN, INT64_MAX, 0, -1, 1, std::int64_t{1} << 55};
  for (std::uint64_t n = 0; n < 5'000; ++n) {
    const Instant now = instant_from_us(static_cast<std::int64_t>(n) * 5'000);
    PacketResult result{.number = {n}, .sent_at = now, .bytes = UINT32_MAX};
    result.arrival = Duration{lies[n * n % 6]};
    controller.on_feedback(now, {&result, 1}, {Duration{INT64_MAX}, Duration{-1}, UINT32_MAX});
    controller.handle_timeout(now);
    EXPECT_GE(controller.target_bits_per_s(), config.min_bits_per_s);
    EXPECT_LE(controller.target_bits_per_s(), config.max_bits_per_s);
  }
}

}  // namespace
}  // namespace sluice::congestion
