// proto/crypto/replay_window: check and mark of one packet. Steady state: numbers far above the
// window's size, so that every word of it has been turned over.
#include <benchmark/benchmark.h>

#include "bench/micro/samples.h"
#include "proto/base/check.h"
#include "proto/crypto/replay_window.h"

namespace sluice::bench {
namespace {

constexpr std::uint64_t kFirst = 10 * kReplayWindowPackets;

void in_order(benchmark::State& state) {
  crypto::ReplayWindow window;
  PacketNumber number{kFirst};
  for (auto _ : state) {
    number.value += 1;
    CHECK(window.check(number).has_value());
    window.mark(number);
    benchmark::DoNotOptimize(window);
  }
  CHECK(!window.check(number) && window.is_newest(number + 1));
  count_packets(state, 1, 0);
}

// Pairs change places: every other packet is older than the newest.
void reordered(benchmark::State& state) {
  crypto::ReplayWindow window;
  std::uint64_t next = kFirst;
  for (auto _ : state) {
    const PacketNumber number{next ^ 1U};
    ++next;
    CHECK(window.check(number).has_value());
    window.mark(number);
    benchmark::DoNotOptimize(window);
  }
  count_packets(state, 1, 0);
}

void replayed(benchmark::State& state) {
  crypto::ReplayWindow window;
  for (std::uint64_t n = 0; n < kReplayWindowPackets; ++n) window.mark({kFirst + n});
  std::uint64_t n = 0;
  for (auto _ : state) {
    CHECK(!window.check({kFirst + n++ % kReplayWindowPackets}));
    benchmark::DoNotOptimize(window);
  }
  count_packets(state, 1, 0);
}

BENCHMARK(in_order)->Name("replay_window/in_order");
BENCHMARK(reordered)->Name("replay_window/reordered");
BENCHMARK(replayed)->Name("replay_window/replayed");

}  // namespace
}  // namespace sluice::bench
