#include "relay/worker/timer_heap.h"

#include <algorithm>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::relay {
namespace {

struct Thing {
  TimerHeap<Thing>::Node timer;
};

TEST(TimerHeap, GivesOutInOrderWhateverIsMovedOrCancelled) {
  std::mt19937 random{3};
  TimerHeap<Thing> heap;
  std::vector<Thing> things(200);
  std::vector<Instant> wanted(things.size(), kNever);
  for (Thing& thing : things) thing.timer.owner = &thing;
  for (int i = 0; i < 5000; ++i) {
    const std::size_t at = random() % things.size();
    wanted[at] =
        random() % 4 == 0 ? kNever : instant_from_us(static_cast<std::int64_t>(random() % 1000));
    heap.set(things[at].timer, wanted[at]);
    const Instant earliest = *std::min_element(wanted.begin(), wanted.end());
    ASSERT_EQ(heap.next(), earliest);
  }
  std::vector<Instant> order;
  while (Thing* thing = heap.pop_due(instant_from_us(1000))) {
    order.push_back(wanted[static_cast<std::size_t>(thing - things.data())]);
  }
  std::erase(wanted, kNever);
  std::sort(wanted.begin(), wanted.end());
  EXPECT_EQ(order, wanted);
  EXPECT_EQ(heap.size(), 0U);
}

TEST(TimerHeap, NothingIsDueBeforeItsTime) {
  TimerHeap<Thing> heap;
  Thing thing;
  thing.timer.owner = &thing;
  EXPECT_EQ(heap.pop_due(kNever), nullptr);
  heap.set(thing.timer, instant_from_us(10));
  EXPECT_EQ(heap.pop_due(instant_from_us(9)), nullptr);
  EXPECT_EQ(heap.pop_due(instant_from_us(10)), &thing);
  EXPECT_FALSE(thing.timer.armed());
}

}  // namespace
}  // namespace sluice::relay
