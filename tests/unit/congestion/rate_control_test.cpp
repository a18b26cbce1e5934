#include "proto/congestion/rate_control.h"

#include <cstdint>

#include <gtest/gtest.h>

namespace sluice::congestion {
namespace {

using std::chrono::milliseconds;

struct Path {
  RateControl control{1e6, 150e3, 10e6};
  PathState state;

  Path() {
    state.now = instant_from_us(1'000'000);
    state.srtt = milliseconds{100};
    state.ceiling = 10e6;
    state.capacity = 2e6;
    deliver(1e6);
  }

  void deliver(double bits_per_s) {
    state.delivered = state.delivered_now = state.sent = bits_per_s;
  }

  /// True when a longer path was found.
  bool run(int ms) {
    bool longer = false;
    for (int i = 0; i < ms; i += 20) {
      state.now += milliseconds{20};
      longer = control.update(state) || longer;
    }
    return longer;
  }
};

TEST(RateControl, RisesByEightPercentASecond) {
  Path path;
  path.run(20);
  path.run(1'000);
  EXPECT_NEAR(path.control.estimate(), 1.083e6, 5e3);
}

TEST(RateControl, DoesNotRunAheadOfWhatArrives) {
  Path path;
  path.run(60'000);
  EXPECT_NEAR(path.control.estimate(), 1.51e6, 1e3);
}

TEST(RateControl, StaysWithinItsBounds) {
  Path path;
  path.deliver(100e6);
  path.state.ceiling = 1e9;
  path.control.proved(1e9);
  EXPECT_EQ(path.control.estimate(), 10e6);
  path.deliver(1e3);
  path.state.growing = true;
  path.run(20);
  EXPECT_EQ(path.control.estimate(), 150e3);
  EXPECT_GE(path.control.target(), 150e3);
}

TEST(RateControl, AGrowingDelayFallsToAShareOfWhatArrivesAndDrains) {
  Path path;
  path.state.capacity = 1e6;
  path.state.growing = true;
  path.state.queue = milliseconds{30};
  path.run(20);
  EXPECT_NEAR(path.control.estimate(), 0.85e6, 1);
  EXPECT_TRUE(path.control.draining());
  EXPECT_LT(path.control.target(), 0.85e6);
  path.state.growing = false;
  path.state.queue = milliseconds{10};
  path.run(20);
  EXPECT_FALSE(path.control.draining());
  EXPECT_NEAR(path.control.target(), 0.85e6, 1);
}

TEST(RateControl, TheHigherTheQueueTheDeeperTheDrain) {
  double before = 1e9;
  for (const int queue_ms : {20, 100, 200, 400}) {
    Path path;
    path.state.capacity = 1e6;
    path.state.growing = true;
    path.state.queue = milliseconds{queue_ms};
    path.run(20);
    EXPECT_LE(path.control.target(), before);
    before = path.control.target();
  }
  EXPECT_NEAR(before, 0.4e6, 1);
}

TEST(RateControl, ADrainEndsAfterOneAndAHalfSeconds) {
  Path path;
  path.state.growing = true;
  path.state.slope = 0.2;
  path.state.queue = milliseconds{200};
  path.run(20);
  EXPECT_EQ(path.control.drain_deadline(), path.state.now + milliseconds{1500});
  path.state.growing = false;
  path.run(1'480);
  EXPECT_TRUE(path.control.draining());
  path.run(20);
  EXPECT_FALSE(path.control.draining());
  EXPECT_EQ(path.control.drain_deadline(), kNever);
}

TEST(RateControl, AHighQueueAloneFallsOnlyWhenSeenTwice) {
  Path path;
  path.state.queue = milliseconds{100};
  path.run(20);
  EXPECT_FALSE(path.control.draining());
  path.run(20);
  EXPECT_TRUE(path.control.draining());
}

TEST(RateControl, AQueueThatDoesNotAnswerIsALongerPath) {
  Path path;
  const double before = path.control.estimate();
  path.state.queue = milliseconds{300};
  bool longer = false;
  for (int i = 0; i < 50 && !longer; ++i) longer = path.run(20);
  EXPECT_TRUE(longer);
  EXPECT_FALSE(path.control.draining());
  EXPECT_GE(path.control.estimate(), 0.95 * before - 1);
}

TEST(RateControl, AQueueThatAnswersIsOurs) {
  Path path;
  path.state.queue = milliseconds{300};
  path.run(40);
  for (int i = 0; i < 40; ++i) {
    path.state.queue -= milliseconds{7};
    EXPECT_FALSE(path.run(20));
  }
  EXPECT_LT(path.control.estimate(), 0.9e6);
}

TEST(RateControl, TheLargerPartYieldsMore) {
  double fall_of_large = 0, fall_of_small = 0;
  for (const double part : {0.2, 0.6}) {
    Path path;
    path.control.proved(part * 2e6);
    path.deliver(part * 2e6);
    path.state.growing = true;
    path.run(20);
    (part > 0.5 ? fall_of_large : fall_of_small) = path.control.estimate() / path.state.delivered;
  }
  EXPECT_LT(fall_of_large, fall_of_small);
}

TEST(RateControl, LossThatWasNotOursIsTakenBack) {
  Path path;
  path.deliver(0.8e6);
  path.control.fall_by_loss(path.state);
  EXPECT_NEAR(path.control.estimate(), 0.68e6, 1);
  path.control.take_back();
  EXPECT_NEAR(path.control.estimate(), 1e6, 1);
  path.control.fall_by_loss(path.state);
  path.state.growing = true;  // another reason came
  path.run(20);
  path.control.take_back();
  EXPECT_LT(path.control.estimate(), 0.7e6);
}

TEST(RateControl, InCompetitionItAnswersToLossAndNotToDelay) {
  Path path;
  path.state.competing = true;
  path.state.queue = milliseconds{250};
  path.state.growing = true;
  path.run(1'000);
  EXPECT_GT(path.control.estimate(), 1.2e6);
  EXPECT_FALSE(path.control.draining());
  const double before = path.control.estimate();
  path.state.loss_to_answer = true;
  path.run(20);
  EXPECT_LE(path.control.estimate(), 0.7 * before + 1);
}

TEST(RateControl, AProofDuringADrainDoesNotCount) {
  Path path;
  path.state.growing = true;
  path.state.queue = milliseconds{50};
  path.run(20);
  path.control.proved(5e6);
  EXPECT_LT(path.control.estimate(), 1e6);
}

}  // namespace
}  // namespace sluice::congestion
