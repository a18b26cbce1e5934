// What congestion control does on one link that carries media which cannot follow it, in virtual
// time: it learns what the path carries, probes until it knows that there is room and then no more,
// and neither loss nor jitter without a queue makes it hold media back.
#include <gtest/gtest.h>

#include "sim/seed.h"
#include "tests/sim/recovery_cell.h"

namespace sluice::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

RecoveryFigures run(const ImpairmentConfig& path, Duration begins = seconds{2},
                    std::uint64_t pacer = kPacerBitsPerSecond) {
  RecoveryCellConfig config;
  config.path = path;
  config.begins = begins;
  config.pacer_bits_per_s = pacer;
  config.time = seconds{30};
  config.seed = seeds(1).front();
  return RecoveryCell{config}.run();
}

TEST(LinkRateSim, LearnsWhatThePathCarries) {
  for (const std::uint64_t rate : {3'000'000ULL, 4'000'000ULL, 50'000'000ULL}) {
    const RecoveryFigures figures =
        run({.latency = milliseconds{20}, .rate_bits_per_s = rate, .queue = milliseconds{300}});
    const auto learnt = static_cast<double>(figures.sender.estimate_bps);
    EXPECT_NEAR(learnt / static_cast<double>(rate), 1, 0.1) << rate;
    EXPECT_EQ(figures.frames_missed, 0U) << rate;
    EXPECT_EQ(figures.sender.retransmitted_bytes_sent, 0U) << rate;
    EXPECT_GT(figures.sender.target_bps, 2'060'000U) << rate;
  }
}

// 2 Mbit/s of media need no proof of more than 4.
TEST(LinkRateSim, ALinkThatNeedsNoMoreStopsProbing) {
  const RecoveryFigures first = run({.latency = milliseconds{50}}, Duration{0});
  EXPECT_GT(first.sender.probe_bytes_sent, 0U);
  EXPECT_LT(first.sender.probe_bytes_sent, first.media_bytes / 100);
  const RecoveryFigures later = run({.latency = milliseconds{50}}, seconds{20});
  EXPECT_EQ(later.sender.probe_bytes_sent, 0U);
  EXPECT_EQ(later.frames_missed, 0U);
}

struct Quiet {
  const char* name;
  ImpairmentConfig path;
  double missed_max;
  double probes_max;  // a burst fails a probe, and then there is another
};

// Nothing of this is a queue of ours: the target stays above what the media needs.
TEST(LinkRateSim, LossAndJitterWithoutAQueueHoldNoMediaBack) {
  const Quiet table[] = {
      {"5 %", {.latency = milliseconds{50}, .loss = 0.05}, 0.003, 0.01},
      {"20 %", {.latency = milliseconds{50}, .loss = 0.2}, 0.003, 0.01},
      {"bursts",
       {.latency = milliseconds{50}, .burst = {.loss = 0.1, .burst_datagrams = 5}},
       0.004,
       0.02},
      {"jitter", {.latency = milliseconds{30}, .jitter = milliseconds{10}}, 0.003, 0.01},
  };
  for (const Quiet& quiet : table) {
    const RecoveryFigures figures = run(quiet.path);
    EXPECT_LT(figures.missed_ratio(), quiet.missed_max) << quiet.name;
    EXPECT_GT(figures.sender.target_bps, 2'060'000U) << quiet.name;
    EXPECT_LT(RecoveryFigures::ratio(figures.sender.probe_bytes_sent, figures.media_bytes),
              quiet.probes_max)
        << quiet.name;
  }
}

}  // namespace
}  // namespace sluice::sim
