#include "proto/base/packet_ring.h"

#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sluice {
namespace {

Bytes part(std::string_view text) { return as_bytes(text); }

TEST(PacketRing, FindsWhatItHoldsAcrossTheWrapOfTheNumber) {
  for (const std::uint32_t start : {0U, 1U, 32767U, 65535U, Seq::kModulus - 3}) {
    PacketRing ring{kTrackRingPartsMin};
    for (std::uint32_t i = 0; i < 10; ++i) {
      EXPECT_EQ(ring.insert(Seq{start} + i, part("p" + std::to_string(i)), Seq{start} + i),
                PacketRing::Insert::kStored);
    }
    for (std::uint32_t i = 0; i < 10; ++i) {
      EXPECT_EQ(as_text(ring.find(Seq{start} + i)), "p" + std::to_string(i));
    }
    EXPECT_TRUE(ring.find(Seq{start} + 10).empty());
  }
}

TEST(PacketRing, NeverChangesAPartAndRefusesOnesOlderThanItHolds) {
  PacketRing ring{kTrackRingPartsMin};
  const Seq old{5};
  const Seq newer = old + kTrackRingPartsMin;
  EXPECT_EQ(ring.insert(newer, part("new"), newer), PacketRing::Insert::kStored);
  EXPECT_EQ(ring.insert(newer, part("other"), newer), PacketRing::Insert::kDuplicate);
  EXPECT_EQ(ring.insert(old, part("late"), newer), PacketRing::Insert::kStale);
  EXPECT_EQ(as_text(ring.find(newer)), "new");
  EXPECT_TRUE(ring.find(old).empty());
}

TEST(PacketRing, GrowsWhileTheHistoryMustBeKeptAndNotBeyondItsLimit) {
  PacketRing ring{256};
  const Seq key{100};
  for (std::uint32_t i = 0; i < 256; ++i) {
    ASSERT_EQ(ring.insert(key + i, part("x"), key), PacketRing::Insert::kStored);
  }
  EXPECT_EQ(ring.capacity(), 256U);
  EXPECT_FALSE(ring.find(key).empty());
  ring.insert(key + 256, part("x"), key);
  EXPECT_EQ(ring.capacity(), 256U);
  EXPECT_TRUE(ring.find(key).empty()) << "full: the oldest part gives way";

  PacketRing small{256};
  for (std::uint32_t i = 0; i < 1000; ++i) small.insert(key + i, part("x"), key + i);
  EXPECT_EQ(small.capacity(), kTrackRingPartsMin) << "no history wanted, no growth";
}

TEST(PacketRing, GrowsNoFurtherThanTheBudgetItSharesAndGivesItBack) {
  const Seq key{100};
  PacketRing measure{64};
  const std::size_t step = measure.memory_bytes();
  RingBudget budget{3 * step};
  PacketRing first{1024, &budget};
  {
    PacketRing second{1024, &budget};
    for (std::uint32_t i = 0; i < 128; ++i) second.insert(key + i, part("x"), key);
    EXPECT_EQ(second.capacity(), 128U);
    EXPECT_EQ(budget.left(), 2 * step);
    for (std::uint32_t i = 0; i < 300; ++i) {
      EXPECT_EQ(first.insert(key + i, part("x"), key), PacketRing::Insert::kStored);
    }
    EXPECT_EQ(first.capacity(), 128U) << "256 need more than is left";
    EXPECT_EQ(budget.left(), step);
    EXPECT_TRUE(first.find(key).empty()) << "the oldest part gives way";
    EXPECT_FALSE(first.find(key + 299).empty());
  }
  EXPECT_EQ(budget.left(), 2 * step);
  first.insert(key + 300, part("x"), key + 100);
  EXPECT_EQ(first.capacity(), 256U);
  EXPECT_EQ(budget.left(), 0U);
}

TEST(PacketRing, KeepsTheSlotOfALostPartThatMayStillCome) {
  PacketRing ring{256};
  const Seq lost{7};
  for (std::uint32_t i = 1; i < 256; ++i) {
    ASSERT_EQ(ring.insert(lost + i, part("x"), lost), PacketRing::Insert::kStored);
  }
  EXPECT_EQ(ring.insert(lost, part("late"), lost), PacketRing::Insert::kStored);
  EXPECT_EQ(as_text(ring.find(lost)), "late");
  EXPECT_EQ(as_text(ring.find(lost + 64)), "x");

  PacketRing jump{256};
  ASSERT_EQ(jump.insert(lost, part("x"), lost), PacketRing::Insert::kStored);
  ASSERT_EQ(jump.insert(lost + 100000, part("x"), lost), PacketRing::Insert::kStored);
  EXPECT_EQ(jump.capacity(), kTrackRingPartsMin) << "what cannot be kept anyway costs nothing";
}

/// Memory of this process that is in use, as the kernel counts it.
std::size_t resident_bytes() {
  std::size_t total = 0;
  std::size_t resident = 0;
  std::ifstream{"/proc/self/statm"} >> total >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

// A member may push 64 tracks: with two parts each they would take 640 MB.
TEST(PacketRing, GrownByAJumpOfTheNumbersTakesNoMemoryBeforePartsFillIt) {
  const std::size_t before = resident_bytes();
  std::vector<std::unique_ptr<PacketRing>> rings;
  for (int i = 0; i < 32; ++i) {
    rings.push_back(std::make_unique<PacketRing>());
    rings.back()->insert(Seq{0}, part("x"), Seq{0});
    rings.back()->insert(Seq{kTrackRingPartsMax - 1}, part("y"), Seq{0});
    EXPECT_EQ(rings.back()->capacity(), kTrackRingPartsMax);
  }
  const std::size_t now = resident_bytes();
  // A sanitizer's shadow of what was allocated takes an eighth of it at once.
  EXPECT_LT(now - std::min(before, now), rings.size() * rings[0]->memory_bytes() / 4);
}

}  // namespace
}  // namespace sluice
