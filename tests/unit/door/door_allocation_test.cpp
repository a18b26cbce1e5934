// A stranger costs the door no memory (P-HS-08): operator new is counted over every path that ends
// before a psk was proved. A program of its own, because it replaces operator new.
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "tests/unit/door/door_bench.h"

namespace {

std::size_t g_allocations = 0;

}  // namespace

void* operator new(std::size_t bytes) {
  ++g_allocations;
  void* memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) std::abort();
  return memory;
}

void operator delete(void* memory) noexcept { std::free(memory); }

void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace sluice::relay {
namespace {

std::size_t allocations_of(DoorBench& bench, Bytes datagram, std::size_t times) {
  const std::size_t before = g_allocations;
  for (std::size_t i = 0; i < times; ++i) {
    static_cast<void>(bench.door->handle_datagram(bench.now, bench.wall, datagram, kClient));
  }
  return g_allocations - before;
}

TEST(DoorAllocation, NoneForRuntsWrongMacsWrongTicketsAndCookies) {
  DoorBench bench;
  crypto::ClientHandshake client = bench.client(bench.ticket());
  const std::vector<std::byte> init = DoorBench::init_of(client, bench.now);
  std::vector<std::byte> bad_mac = init;
  bad_mac.back() ^= std::byte{1};
  const crypto::TicketKey other = crypto::TicketKey::random(bench.random.source());
  crypto::ClientHandshake foreign = bench.client(bench.ticket(), other);
  const std::vector<std::byte> bad_ticket = DoorBench::init_of(foreign, bench.now);
  std::vector<std::byte> unknown(27, std::byte{0x40});

  constexpr std::size_t kTimes = 1000;  // enough to run through the bucket and into cookies
  EXPECT_EQ(allocations_of(bench, Bytes{init}.first(100), kTimes), 0U);
  EXPECT_EQ(allocations_of(bench, bad_mac, kTimes), 0U);
  EXPECT_EQ(allocations_of(bench, unknown, kTimes), 0U);
  EXPECT_EQ(allocations_of(bench, bad_ticket, kTimes), 0U);
  EXPECT_GT(bench.metrics.cookies_sent.value(), 0U);
  EXPECT_GT(bench.drops(DropReason::kTicketSealed), 0U);
  EXPECT_EQ(bench.drops(DropReason::kBadMac1), kTimes);
}

}  // namespace
}  // namespace sluice::relay
