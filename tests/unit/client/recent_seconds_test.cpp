#include "client/recent_seconds.h"

#include <gtest/gtest.h>

namespace sluice::client {
namespace {

struct Count {
  int n = 0;
};

int sum(const RecentSeconds<Count, 3>& recent, std::size_t seconds) {
  int total = 0;
  recent.each(seconds, [&](const Count& count) { total += count.n; });
  return total;
}

TEST(RecentSeconds, TheOldestSecondFallsAwayWhole) {
  for (const std::int64_t origin : {-2'000'000LL, 0LL, 1'000'000'000'000LL}) {
    const auto at = [&](std::int64_t ms) { return instant_from_us(origin + ms * 1000); };
    RecentSeconds<Count, 3> recent;
    EXPECT_EQ(sum(recent, 3), 0);
    recent.at(at(0)).n = 1;
    recent.at(at(999)).n += 1;
    recent.at(at(1000)).n = 10;
    recent.at(at(2500)).n = 100;
    EXPECT_EQ(sum(recent, 1), 100);
    EXPECT_EQ(sum(recent, 2), 110);
    EXPECT_EQ(sum(recent, 3), 112);
    EXPECT_EQ(sum(recent, 9), 112);
    recent.at(at(3000));
    EXPECT_EQ(sum(recent, 3), 110);
    recent.at(at(4000));
    EXPECT_EQ(sum(recent, 3), 100);
    recent.at(at(400'000)).n = 7;
    EXPECT_EQ(sum(recent, 3), 7);
    recent.clear();
    EXPECT_EQ(sum(recent, 3), 0);
  }
}

}  // namespace
}  // namespace sluice::client
