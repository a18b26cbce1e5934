// How well one link recovers by itself, in virtual time. Each cell has its limits: they fail when
// the controller is broken, and they are what docs/PERFORMANCE.md may be held against.
#include <cstdio>

#include <gtest/gtest.h>

#include "sim/seed.h"
#include "tests/sim/recovery_cell.h"

namespace sluice::sim {
namespace {

using std::chrono::milliseconds;

struct Goal {
  const char* name;
  double loss;
  Duration rtt, budget;
  double burst;  // mean length; 1: independent
  double missed_max, key_missed_max, overhead_max;
};

constexpr Goal kFifthLost{
    "20 %, 100, 250", 0.2, milliseconds{100}, milliseconds{250}, 1, 0.001, 0.001, 0.40};

constexpr Goal kClean{"clean, 20, 30", 0, milliseconds{20}, milliseconds{30}, 1, 0, 0, 0.04};

RecoveryCellConfig config_of(const Goal& goal, std::uint64_t seed, Duration time) {
  RecoveryCellConfig config;
  config.path.latency = goal.rtt / 2;
  if (goal.burst > 1) {
    config.path.burst = {.loss = goal.loss, .burst_datagrams = goal.burst};
  } else {
    config.path.loss = goal.loss;
  }
  config.budget = goal.budget;
  config.time = time;
  config.seed = seed;
  return config;
}

void print(const char* name, const RecoveryFigures& f) {
  const auto share = [&](std::uint64_t bytes) {
    return 100 * RecoveryFigures::ratio(bytes, f.media_bytes);
  };
  std::printf(
      "%-22s missed %llu of %llu (%.3f %%), key %llu of %llu | overhead %.2f %%: headers %.2f, "
      "retransmitted %.2f, coded %.2f, control %.2f | back %.2f %%\n",
      name, static_cast<unsigned long long>(f.frames_missed),
      static_cast<unsigned long long>(f.frames), 100 * f.missed_ratio(),
      static_cast<unsigned long long>(f.key_frames_missed),
      static_cast<unsigned long long>(f.key_frames), 100 * f.overhead(),
      share(f.sender.header_bytes_sent), share(f.sender.retransmitted_bytes_sent),
      share(f.sender.repair_bytes_sent), share(f.sender.control_bytes_sent),
      100 * f.feedback_ratio());
}

RecoveryFigures run(const Goal& goal, Duration time) {
  RecoveryFigures figures;
  for (const std::uint64_t seed : seeds(1)) {
    SLUICE_SIM_SEED(seed);
    RecoveryCell cell{config_of(goal, seed, time)};
    figures = cell.run();
    print(goal.name, figures);
    EXPECT_EQ(figures.altered, 0U);
  }
  return figures;
}

TEST(RecoverySim, ACleanLinkSpendsNothingOnRecovery) {  // P-RETX-01
  const RecoveryFigures figures = run(kClean, std::chrono::minutes{1});
  EXPECT_EQ(figures.frames_missed, 0U);
  EXPECT_EQ(figures.sender.retransmitted_bytes_sent, 0U);
  EXPECT_EQ(figures.sender.repair_bytes_sent, 0U);
  EXPECT_LT(figures.sender.probe_bytes_sent, figures.media_bytes / 100);
  EXPECT_LT(figures.overhead(), kClean.overhead_max);
}

// Ten minutes: 18,000 frames, 300 of them key frames, as 0.065 % are missed on purpose and in five
// minutes their number swings up to the limit. All cells, at length: sluice-bench link --cells
// must.
TEST(RecoverySim, AFifthLostCostsNoFrame) {  // P-RETX-01, P-REPAIR-03, P-TIME-01
  const RecoveryFigures figures = run(kFifthLost, std::chrono::minutes{10});
  EXPECT_LT(figures.missed_ratio(), kFifthLost.missed_max);
  EXPECT_LE(figures.key_frames_missed, 1U);
  EXPECT_LT(figures.overhead(), kFifthLost.overhead_max);
}

TEST(RecoverySim, AFifthLostCostsHardlyAnySound) {  // P-REPAIR-03
  RecoveryCellConfig config = config_of(kFifthLost, seeds(1).front(), std::chrono::minutes{1});
  config.audio = true;
  RecoveryCell cell{config};
  const RecoveryFigures figures = cell.run();
  EXPECT_GT(figures.audio_frames, 2'900U);
  EXPECT_LE(figures.audio_frames_missed, 4U);
}

}  // namespace
}  // namespace sluice::sim
