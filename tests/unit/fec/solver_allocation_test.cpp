// Coding and solving take no memory once the solver has grown. A program of its own, because it
// replaces the global operator new.
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "tests/unit/fec/coded_track.h"

namespace {

std::uint64_t allocations = 0;

}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc{};
}

void operator delete(void* memory) noexcept { std::free(memory); }

void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace sluice::fec {
namespace {

TEST(SolverAllocation, TakesNoMemoryForRepairsOnceItHasGrown) {
  constexpr std::uint32_t kLost = 20;
  sim::Xoshiro random{1};
  CodedTrack track{Seq{0}};
  for (int frame = 0; frame < 100; ++frame) track.add_frame(random, 40 * kPartBytesMax);
  RepairSolver solver{CodedTrack::kReceivedTrack, track.received};
  track.received.insert(track.next(), track.as_received(Seq{0}), track.first());  // grows it
  std::array<std::byte, kCodedBytesMax> buffer{};
  std::uint64_t revived = 0, before = 0;
  for (std::uint32_t frame = 0; frame < 100; ++frame) {
    if (frame == 1) before = allocations;
    const Seq first{frame * 40};
    for (std::uint32_t i = kLost; i < 40; ++i) {
      track.received.insert(first + i, track.sent.find(first + i), Seq{0});
      solver.on_part(first + i);
    }
    for (std::uint16_t seed = 0; seed < kLost + 1; ++seed) {
      const auto coded = encode_repair(track.sent, {first, 40, {}}, seed, buffer);
      static_cast<void>(solver.on_repair({{first, 40, {}}, seed, coded.value()}));
    }
    while (const auto part = solver.poll_revived()) {
      track.received.insert(part->seq, part->part, Seq{0});
      ++revived;
    }
  }
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(revived, 100 * kLost);
}

}  // namespace
}  // namespace sluice::fec
