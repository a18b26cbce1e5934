#include "relay/worker/spsc_ring.h"

#include <memory>
#include <thread>

#include <gtest/gtest.h>

namespace sluice::relay {
namespace {

TEST(SpscRing, HoldsItsCapacityAndRefusesOneMore) {
  SpscRing<int, 4> ring;
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(ring.push(i));
  int fifth = 4;
  EXPECT_FALSE(ring.push(fifth));
  EXPECT_EQ(ring.free_slots(), 0U);
  ASSERT_NE(ring.front(), nullptr);
  EXPECT_EQ(*ring.front(), 0);
  ring.pop();
  EXPECT_TRUE(ring.push(fifth));
}

TEST(SpscRing, ARefusedValueStaysWithTheSender) {
  SpscRing<std::unique_ptr<int>, 2> ring;
  for (int i = 0; i < 2; ++i) {
    auto value = std::make_unique<int>(i);
    EXPECT_TRUE(ring.push(value));
  }
  auto value = std::make_unique<int>(2);
  EXPECT_FALSE(ring.push(value));
  EXPECT_NE(value, nullptr);
}

TEST(SpscRing, AnEmptyRingHasNoFront) {
  SpscRing<int, 2> ring;
  EXPECT_EQ(ring.front(), nullptr);
}

TEST(SpscRing, CarriesEveryValueInOrderBetweenTwoThreads) {
  constexpr std::uint64_t kValues = 200'000;
  SpscRing<std::uint64_t, 64> ring;
  std::thread producer([&] {
    for (std::uint64_t i = 0; i < kValues;) {
      std::uint64_t value = i;
      if (ring.push(value)) {
        ++i;
      } else {
        std::this_thread::yield();
      }
    }
  });
  std::uint64_t expected = 0;
  while (expected < kValues) {
    const std::uint64_t* value = ring.front();
    if (value == nullptr) {
      std::this_thread::yield();
      continue;
    }
    ASSERT_EQ(*value, expected);
    ring.pop();
    ++expected;
  }
  producer.join();
}

}  // namespace
}  // namespace sluice::relay
