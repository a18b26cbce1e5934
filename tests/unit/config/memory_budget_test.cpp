#include "relay/memory_budget.h"

#include <gtest/gtest.h>

#include "proto/base/limits.h"

namespace sluice::relay {
namespace {

TEST(MemoryBudget, GrowsWithWorkersAndWithTheLinksTheyMayHave) {
  const MemoryBudget one = memory_budget(1, 1000), two = memory_budget(2, 1000);
  EXPECT_EQ(one.links_max, 1000 * kLinkBytesActive);
  EXPECT_EQ(two.links_max, 2 * one.links_max);
  // A door and a worker, each with a socket that takes 64 messages of 64 KiB.
  EXPECT_GT(one.threads, 2U * 64 * 65'536);
  EXPECT_LT(one.threads, 20U << 20U);
  EXPECT_GT(two.threads, one.threads + (12U << 20U)) << "three handovers more of 4096 parts";
  EXPECT_EQ(one.stream_max, kStreamRingBytesMax);
}

}  // namespace
}  // namespace sluice::relay
