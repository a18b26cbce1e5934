#include "proto/link/proactive_rate.h"

#include <gtest/gtest.h>

namespace sluice::link {
namespace {

TEST(ProactiveRate, IsTheTablesAtItsMarks) {
  struct Case {
    double loss, rounds, parts, rate;
  };

  for (const Case& c : {
           Case{0, 0, 11, 0},
           Case{0.2, 0, 22, 0.8},
           Case{0.2, 0.99, 57, 0.5},
           Case{0.1, 0, 33, 0.35},
           Case{0.3, 0, 11, 1.2},
           Case{0.1, 1.03, 22, 0.1},
           Case{0.2, 1.16, 57, 0.04},
           Case{0.2, 2, 57, 0},
           Case{0.3, 2, 57, 0.02},
       }) {
    EXPECT_NEAR(proactive_rate(c.loss, {c.rounds, c.parts}), c.rate, 1e-9)
        << c.loss << ", " << c.rounds << " rounds, " << c.parts << " parts";
  }
}

TEST(ProactiveRate, GoesStraightBetweenMarksAndStaysBeyondThem) {
  EXPECT_NEAR(proactive_rate(0.25, {0, 57}), 0.65, 1e-9);
  EXPECT_NEAR(proactive_rate(0.2, {0, 45}), 0.6, 1e-9);
  EXPECT_NEAR(proactive_rate(0.2, {1.095, 45}), 0.095, 1e-9);
  EXPECT_NEAR(proactive_rate(0.9, {0, 57}), 0.8, 1e-9);
  EXPECT_NEAR(proactive_rate(0.1, {0, 1}), 0.6, 1e-9);
  EXPECT_NEAR(proactive_rate(0.1, {0, 500}), 0.25, 1e-9);
  EXPECT_NEAR(proactive_rate(0.3, {9, 500}), 0.02, 1e-9);
  EXPECT_NEAR(proactive_rate(-1, {0, 22}), 0, 1e-9);
}

TEST(ProactiveRate, GrowsWithLossAndShrinksWithTime) {
  for (double loss = 0.005; loss < 0.35; loss += 0.005) {
    for (double parts = 5; parts < 70; parts += 5) {
      EXPECT_GE(proactive_rate(loss, {0, parts}), proactive_rate(loss - 0.005, {0, parts}));
      EXPECT_GE(proactive_rate(loss, {0, parts}), proactive_rate(loss, {0, parts + 5}));
      EXPECT_GE(proactive_rate(loss, {0.99, parts}), proactive_rate(loss, {1, parts}));
    }
    for (double rounds = 1; rounds < 3; rounds += 0.1) {
      EXPECT_GE(proactive_rate(loss, {rounds, 50}), proactive_rate(loss, {rounds + 0.1, 50}));
    }
  }
}

}  // namespace
}  // namespace sluice::link
