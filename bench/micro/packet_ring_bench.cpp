// proto/base/packet_ring: the one copy a part costs on its way in, and looking it up. Steady state:
// the ring has grown to the history it must keep and has gone round, so each insert overwrites.
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/micro/samples.h"
#include "proto/base/check.h"
#include "proto/base/packet_ring.h"

namespace sluice::bench {
namespace {

/// A ring of `capacity` slots that has gone round; `next` is the number that comes next.
struct TurnedRing {
  explicit TurnedRing(std::size_t capacity) : part(full_parts(1)[0]) {
    for (std::size_t i = 0; i < 2 * capacity; ++i) {
      CHECK(insert(capacity) == PacketRing::Insert::kStored);
    }
    CHECK(ring.capacity() == capacity);
  }

  PacketRing::Insert insert(std::size_t capacity) {
    const Seq seq = next;
    ++next;
    return ring.insert(seq, part, seq - static_cast<std::uint32_t>(capacity - 1));
  }

  std::vector<std::byte> part;
  PacketRing ring;
  Seq next{};
};

void insert(benchmark::State& state) {
  const auto capacity = static_cast<std::size_t>(state.range(0));
  TurnedRing turned{capacity};
  for (auto _ : state) {
    CHECK(turned.insert(capacity) == PacketRing::Insert::kStored);
    benchmark::ClobberMemory();
  }
  CHECK(turned.ring.capacity() == capacity);
  count_packets(state, 1, turned.part.size());
}

// The newest parts, as forwarding asks for them.
void find_newest(benchmark::State& state) {
  const auto capacity = static_cast<std::size_t>(state.range(0));
  const TurnedRing turned{capacity};
  std::uint32_t back = 0;
  for (auto _ : state) {
    const Bytes found = turned.ring.find(turned.next - (1 + (back++ & 7U)));
    CHECK(!found.empty());
    benchmark::DoNotOptimize(found.data());
  }
  count_packets(state, 1, 0);
}

BENCHMARK(insert)->Name("packet_ring/insert")->Arg(64)->Arg(1024)->Arg(8192);
BENCHMARK(find_newest)->Name("packet_ring/find_newest")->Arg(8192);

}  // namespace
}  // namespace sluice::bench
