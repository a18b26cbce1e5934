// One media frame of 8 full parts to N subscribers in one thread, without sockets. Steady state:
// N established links, each with its own keys and send tables, no loss, feedback from every one
// between the frames. The links alone over one ring; worker_bench.cpp has all the rest of a relay.
#include <cstddef>
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/micro/link_peer.h"
#include "bench/micro/samples.h"
#include "proto/base/check.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kParts = 8;
constexpr Duration kFrameInterval = std::chrono::milliseconds{33};
constexpr TrackId kTrack{1};

/// Parts kept behind the newest: what a relay keeps for two seconds of 2 Mbit/s.
constexpr std::uint32_t kHistoryParts = 511;

/// `state.range(0)` subscribers; the arena holds `state.range(1)` runs of 16 before it is emptied.
void links(benchmark::State& state) {
  const auto subscribers = static_cast<std::size_t>(state.range(0));
  std::vector<std::unique_ptr<LinkPeer>> peers;
  PacketRing ring;
  for (std::size_t i = 0; i < subscribers; ++i) {
    peers.push_back(std::make_unique<LinkPeer>(i + 1));
    peers[i]->link().open_egress_track(kTrack, &ring, link::Priority::kBase);
  }
  std::vector<std::vector<std::byte>> parts = full_parts(kParts);
  std::vector<std::byte> memory(static_cast<std::size_t>(state.range(1)) * kRunPacketsMax *
                                kDatagramBytesMax);
  link::SendArena arena{memory};
  Seq next{};
  Instant now = kLinkStart;
  Stopwatch watch;
  for (auto _ : state) {
    now += kFrameInterval;
    const Seq first = next;
    for (std::vector<std::byte>& part : parts) {
      renumber(part, next);
      ++next;
    }
    watch.start();
    for (std::uint32_t i = 0; i < kParts; ++i) {
      static_cast<void>(ring.insert(first + i, parts[i], first - kHistoryParts));
    }
    for (const auto& peer : peers) {
      CHECK(peer->link().queue_media(kTrack, first, kParts, now + kFrameInterval).has_value());
    }
    for (const auto& peer : peers) {
      const auto run = peer->link().poll_transmit(now, arena, kRunPacketsMax);
      CHECK(run && run->count == kParts);
      peer->peer().receive(*run);
      if (!arena.has_room_for(kRunPacketsMax)) arena.clear();
    }
    watch.stop();
    watch.record(state);
    for (const auto& peer : peers) peer->acknowledge(now);
  }
  CHECK(ring.find(next - 1).size() == kPartPlaintextBytesMax);
  count_packets(state, subscribers * kParts, subscribers * kParts * kPartBytesMax);
}

BENCHMARK(links)
    ->Name("fan_out/links")
    ->ArgNames({"N", "arena_runs"})
    ->Args({1, 8})
    ->Args({10, 8})
    ->Args({100, 8})
    ->Args({100, 64})
    ->UseManualTime();

}  // namespace
}  // namespace sluice::bench
