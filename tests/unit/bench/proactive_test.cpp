#include <gtest/gtest.h>

#include "bench/proactive/model.h"

namespace sluice::bench {
namespace {

ProactiveCell cell(double loss, int rtt_ms, int budget_ms, double rate) {
  ProactiveCell cell;
  cell.loss = loss;
  cell.rtt_ms = rtt_ms;
  cell.budget_ms = budget_ms;
  cell.rate = rate;
  cell.seconds = 60;
  return cell;
}

TEST(ProactiveModel, TellsTheRoundsAndPartsOfACell) {
  EXPECT_EQ(cell(0.2, 100, 250, 0).rounds(), 2);
  EXPECT_EQ(cell(0.2, 200, 250, 0).rounds(), 1);
  EXPECT_EQ(cell(0.2, 300, 250, 0).rounds(), 0);
  EXPECT_NEAR(cell(0.2, 300, 250, 0).parts_in_budget(), 57, 1);
}

TEST(ProactiveModel, RepairsWhatIsLostAndNothingElse) {
  const ProactiveResult clean = run(cell(0, 100, 250, 0));
  EXPECT_GT(clean.frames, 1700);
  EXPECT_EQ(clean.missed, 0);
  EXPECT_EQ(clean.overhead, 0);

  const ProactiveResult goal = run(cell(0.2, 100, 250, 0));
  EXPECT_LE(goal.missed, 4);
  EXPECT_LT(goal.overhead, 0.42);
  EXPECT_GT(goal.overhead, 0.25) << "no scheme gets below p / (1 - p)";

  const ProactiveResult late = run(cell(0.2, 300, 250, 0));
  EXPECT_GT(late.missed, late.frames / 2) << "no round, no proactive repair";
  EXPECT_LE(run(cell(0.2, 300, 250, 0.5)).missed, 4);
}

TEST(ProactiveModel, IsTheSameForTheSameSeed) {
  const ProactiveResult a = run(cell(0.1, 100, 120, 0.1));
  const ProactiveResult b = run(cell(0.1, 100, 120, 0.1));
  EXPECT_EQ(a.missed, b.missed);
  EXPECT_EQ(a.overhead, b.overhead);
}

}  // namespace
}  // namespace sluice::bench
