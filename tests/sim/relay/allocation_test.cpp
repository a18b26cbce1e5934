// A relay in its steady state takes no memory: what its workers allocate is counted over ten
// thousand forwarded packets, with loss, repairs and feedback on every link. A program of its own,
// because it replaces operator new, malloc, calloc and realloc.
#include <cstdlib>
#include <new>

#include "tests/sim/relay/house.h"

namespace {

bool counting = false;
std::uint64_t allocations = 0;

void note_allocation() {
  if (counting) ++allocations;
}

}  // namespace

// A sanitizer has an allocator of its own: there operator new alone is counted.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);

void* malloc(std::size_t size) {
  note_allocation();
  return __libc_malloc(size);
}

void* calloc(std::size_t count, std::size_t size) {
  note_allocation();
  return __libc_calloc(count, size);
}

void* realloc(void* memory, std::size_t size) {
  note_allocation();
  return __libc_realloc(memory, size);
}
}
#else
void* operator new(std::size_t size) {
  note_allocation();
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc{};
}

void operator delete(void* memory) noexcept { std::free(memory); }

void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif

namespace sluice::sim {
namespace {

constexpr std::uint64_t kPackets = 10'000;

/// What grows with a link's life has grown: rings, and the tables of losses and repairs.
constexpr auto kWarmUp = seconds{30};

TEST(RelayAllocation, ForwardingTakesNoMemoryInItsSteadyState) {
  auto at_work = [](bool working) { counting = working; };
  RelayNodeConfig config;
  config.at_work = net::Callback<bool>::ref(at_work);
  House house{config};
  house.join("room", "ann", pushing({"cam"}));
  for (const char* name : {"bob", "eve", "joe", "sue"}) {
    RelayClientConfig viewer = watching();
    viewer.play_out_ms = 150;  // one round trip and the last round: then repairs are coded
    house.join("room", name, std::move(viewer), path(0.05, milliseconds{40}));
  }
  house.net.run_for(kWarmUp);
  const relay::WorkerMetrics& metrics = house.relay.worker_metrics(0);
  const std::uint64_t forwarded = metrics.parts_forwarded.value();
  const std::uint64_t before = allocations;
  ASSERT_GT(before, 0U);  // of the links' beginning: they are counted
  while (metrics.parts_forwarded.value() - forwarded < kPackets) house.net.run_for(seconds{1});
  EXPECT_EQ(allocations - before, 0U);
  for (const auto& client : house.clients) {
    if (client == house.clients.front()) continue;
    const auto stats = house.relay.link_stats(client->link()->connection_id());
    ASSERT_TRUE(stats);
    EXPECT_GT(stats->parts_retransmitted, 100U);
    EXPECT_GT(stats->feedback_received, 500U);
    EXPECT_GT(stats->repairs_sent, 10U);
  }
}

}  // namespace
}  // namespace sluice::sim
