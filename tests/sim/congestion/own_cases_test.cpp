// What RFC 8867 does not ask and a relay meets: random loss, a path that becomes longer, a fall and
// a return of capacity, a policer, a demand for more, and that equal seeds give equal runs.
#include <algorithm>
#include <cstdio>

#include <gtest/gtest.h>

#include "sim/seed.h"
#include "tests/sim/congestion/cases.h"

namespace sluice::sim {
namespace {

constexpr std::uint64_t kSeeds = 1;

World four_megabits(double loss, std::uint64_t seed) {
  PathConfig path = path_of({{at(0), 4 * kMega}});
  path.loss = loss;
  World world(path, seed);
  world.add_media(large_media(), {});
  world.run_until(at(60));
  print_if_wanted(world, 1);
  return world;
}

TEST(Congestion, RandomLossDoesNotLowerTheEstimate) {
  for (const std::uint64_t seed : seeds(kSeeds)) {
    SLUICE_SIM_SEED(seed);
    const double clean = four_megabits(0, seed).target(0, 5, 60);
    for (const double loss : {0.05, 0.10, 0.20}) {
      const World world = four_megabits(loss, seed);
      std::printf("loss %.0f %%: target %.3f of the loss-free one\n", loss * 100,
                  world.target(0, 5, 60) / clean);
      EXPECT_GE(world.target(0, 5, 60), 0.9 * (1 - loss) * clean);
    }
  }
}

TEST(Congestion, ALongerPathIsNoQueue) {
  for (const std::uint64_t seed : seeds(kSeeds)) {
    SLUICE_SIM_SEED(seed);
    World world(path_of({{at(0), 4 * kMega}}), seed);
    Way way;
    way.delays = {{at(30), std::chrono::milliseconds{350}}};
    world.add_media({}, way);
    world.run_until(at(60));
    print_if_wanted(world, 1);
    const double before = std::min(world.target(0, 25, 30), 1.5e6);
    const double least = std::min(world.least_target(0, 30, 60), 1.5e6);
    std::printf("300 ms step: falls to %.3f of what the source uses\n", least / before);
    EXPECT_GE(least, 0.7 * before);
    EXPECT_GE(world.target(0, 35, 60), 0.9 * before);
  }
}

TEST(Congestion, AFallDrainsAndAReturnIsFound) {
  for (const std::uint64_t seed : seeds(kSeeds)) {
    SLUICE_SIM_SEED(seed);
    World world(path_of({{at(0), 4 * kMega}, {at(20), 1'500'000}, {at(40), 4 * kMega}}), seed);
    world.add_media(large_media(), {});
    world.run_until(at(60));
    print_if_wanted(world, 1);
    double drained = 20;
    while (world.queue(0, {{drained, drained + 0.5}}).max_ms >= 50) drained += 0.1;
    double back = 20;
    for (double t = 40; t + 1 <= 60 && back == 20; t += 0.1) {
      if (world.rate(0, t, t + 1) >= 0.9 * 4e6) back = t - 40;
    }
    std::printf("4 -> 1.5 -> 4: queue below 50 ms after %.1f s; full again after %.1f s\n",
                drained - 20, back);
    EXPECT_LE(drained, 21.5);
    EXPECT_LE(back, 5);
    EXPECT_GE(world.rate(0, 25, 40) / 1.5e6, 0.9);
  }
}

TEST(Congestion, APolicerWithoutQueueIsObeyed) {
  PathConfig path = path_of({{at(0), 2 * kMega}});
  path.queue = std::chrono::milliseconds{8};
  World world(path, 1);
  world.add_media(large_media(), {});
  world.run_until(at(60));
  print_if_wanted(world, 1);
  std::printf("policer of 2 Mbit/s: target %.0f kbit/s, arrived %.0f\n",
              world.target(0, 10, 60) / 1e3, world.rate(0, 10, 60) / 1e3);
  EXPECT_LE(world.target(0, 10, 60), 1.15 * 2e6);
  EXPECT_GE(world.rate(0, 10, 60), 0.75 * 2e6);
}

TEST(Congestion, ProbesStopAtTwiceWhatIsOfUse) {
  World world(path_of({{at(0), 20 * kMega}}), 1);
  world.add_media({}, {});
  world.run_until(at(30));
  EXPECT_GE(world.target(0, 10, 30), 2.5e6) << "room is found although the source stops at 1.5";
  EXPECT_LE(world.target(0, 10, 30), 3.01e6);
  const auto probes = static_cast<double>(world.sent(0).probe_bytes_sent);
  EXPECT_LT(probes, 0.02 * world.rate(0, 0, 30) / 8 * 30) << "and then no probe is made";
}

TEST(Congestion, EqualSeedsGiveEqualRuns) {
  const World one = four_megabits(0.1, 7);
  const World other = four_megabits(0.1, 7);
  EXPECT_EQ(one.rate(0, 0, 60), other.rate(0, 0, 60));
  EXPECT_EQ(one.target(0, 0, 60), other.target(0, 0, 60));
  const World different = four_megabits(0.1, 8);
  EXPECT_NE(one.rate(0, 0, 60), different.rate(0, 0, 60));
}

}  // namespace
}  // namespace sluice::sim
