// What play-out does when a path changes under way: jitter that begins, losses that begin, and the
// way back.
#include <gtest/gtest.h>

#include "tests/sim/playout/live_call.h"

namespace sluice::sim {
namespace {

/// Every picture stands for itself, so that each miss counts once.
Feed independent(std::uint32_t length_s) {
  return {.seconds = length_s, .key_every_ms = 40, .picture_bytes = 8000, .key_bytes = 8000};
}

TEST(PlayOutSteps, ACleanPathPlaysBelowThirtyMilliseconds) {
  for (const std::uint64_t seed : {1U, 2U}) {
    LiveCall call{seed, {.seconds = 20}, way(milliseconds{5}), way(milliseconds{10})};
    call.run_for(seconds{2});
    for (int s = 2; s < 19; ++s) {
      EXPECT_EQ(call.skipped_in(seconds{1}), 0U);
      EXPECT_LE(call.delay(), milliseconds{30});
    }
    EXPECT_GT(call.stats().frames, 1300U);
    EXPECT_EQ(call.stats().late_frames, 0U);
  }
}

TEST(PlayOutSteps, JitterThatBeginsIsFollowedAtOnceAndLeftSlowly) {
  LiveCall call{3, independent(100), way(milliseconds{5}), way(milliseconds{10})};
  call.run_for(seconds{15});
  const Duration before = call.delay();
  call.set_downlink(way(milliseconds{10}, 0, milliseconds{60}));
  call.run_for(seconds{1});
  EXPECT_GE(call.delay(), milliseconds{50});
  EXPECT_LE(call.skipped_in(seconds{14}), 3U);
  const Duration high = call.delay();
  EXPECT_LE(high, milliseconds{80});
  call.set_downlink(way(milliseconds{10}));
  EXPECT_EQ(call.skipped_in(seconds{9}), 0U);
  EXPECT_GE(call.delay(), high - milliseconds{2} * 9);  // 10 s are remembered
  const Duration remembered = call.delay();
  EXPECT_EQ(call.skipped_in(seconds{10}), 0U);
  EXPECT_LT(call.delay(), remembered);
  EXPECT_GE(call.delay(), remembered - milliseconds{21});  // 2 ms a second
  EXPECT_EQ(call.skipped_in(seconds{30}), 0U);
  EXPECT_LE(call.delay(), before + milliseconds{2});
}

// The step from clean to 20 % loss: within 2 s 99 % of frames, pictures and sound, are whole again.
// Counted over ten calls: in one of 20 s a handful more or less is chance.
TEST(PlayOutSteps, LossThatBeginsIsFollowedAtOnce) {
  constexpr std::uint64_t kCalls = 10, kFramesOfCall = 1500;
  std::uint64_t missed = 0;
  for (std::uint64_t seed = 4; seed < 4 + kCalls; ++seed) {
    LiveCall call{seed, independent(40), way(milliseconds{5}), way(milliseconds{50})};
    call.run_for(seconds{12});
    EXPECT_LE(call.delay(), milliseconds{30});
    call.set_downlink(way(milliseconds{50}, 0.2));
    call.run_for(milliseconds{300});
    EXPECT_GE(call.delay(), milliseconds{115}) << seed;  // the first round
    call.run_for(milliseconds{700});
    EXPECT_GE(call.delay(), milliseconds{230}) << seed;  // the second one
    EXPECT_LE(call.delay(), milliseconds{300}) << seed;
    call.run_for(seconds{1});
    missed += call.skipped_in(seconds{20});
  }
  EXPECT_LE(missed, kCalls * kFramesOfCall / 100);
}

TEST(PlayOutSteps, ShrinksTwoMillisecondsASecondWhenTheLossIsOver) {
  LiveCall call{7, independent(70), way(milliseconds{5}), way(milliseconds{50}, 0.2)};
  call.run_for(seconds{15});
  ASSERT_GE(call.delay(), milliseconds{230});
  call.set_downlink(way(milliseconds{50}));
  call.run_for(seconds{12});
  const Duration from = call.delay();
  EXPECT_EQ(call.skipped_in(seconds{30}), 0U);
  EXPECT_NEAR(static_cast<double>(to_us(from - call.delay())), 60'000, 1'000);
}

}  // namespace
}  // namespace sluice::sim
