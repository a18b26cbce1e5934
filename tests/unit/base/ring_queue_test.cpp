#include "proto/base/ring_queue.h"

#include <deque>

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(RingQueue, RefusesBeyondItsLimit) {
  RingQueue<int> queue{3};
  EXPECT_TRUE(queue.push_back(1));
  EXPECT_TRUE(queue.push_back(2));
  EXPECT_TRUE(queue.push_back(3));
  EXPECT_FALSE(queue.push_back(4));
  queue.pop_front();
  EXPECT_TRUE(queue.push_back(5));
  EXPECT_EQ(queue.front(), 2);
  EXPECT_EQ(queue.back(), 5);
}

TEST(RingQueue, KeepsOrderWhileItGrowsAndWraps) {
  RingQueue<int> queue{1000};
  std::deque<int> oracle;
  int next = 0;
  for (int round = 0; round < 400; ++round) {
    for (int i = 0; i < 1 + round % 5; ++i) {
      if (!queue.push_back(next)) break;
      oracle.push_back(next++);
    }
    for (int i = 0; i < round % 3 && !oracle.empty(); ++i) {
      ASSERT_EQ(queue.front(), oracle.front());
      queue.pop_front();
      oracle.pop_front();
    }
    ASSERT_EQ(queue.size(), oracle.size());
  }
  for (std::size_t i = 0; i < oracle.size(); ++i) ASSERT_EQ(queue[i], oracle[i]);
}

}  // namespace
}  // namespace sluice
