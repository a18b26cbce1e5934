// proto/link: what a packet costs in the link, both ways, without the system call. Steady state: an
// established link at the relay with AES-128-GCM, no loss, everything acknowledged within the
// millisecond, tables grown to their size. An iteration is 16 packets, one FEEDBACK's worth.
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/micro/link_peer.h"
#include "bench/micro/samples.h"
#include "proto/base/check.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kPackets = 16;
constexpr Duration kStep = std::chrono::milliseconds{20};
constexpr TrackId kTrack{1};

/// A ring that always holds the 16 newest parts: each is stored again under its next number.
struct Parts {
  Parts() : parts(full_parts(kPackets)) {}

  /// Stores the next 16; returns the first's number.
  Seq store() {
    const Seq first = next;
    for (std::vector<std::byte>& part : parts) {
      renumber(part, next);
      CHECK(ring.insert(next, part, first) == PacketRing::Insert::kStored);
      ++next;
    }
    return first;
  }

  std::vector<std::vector<std::byte>> parts;
  PacketRing ring;
  Seq next{};
};

// Queueing and sending 16 full parts in runs of k: header, copy, seal, and the books.
void poll_transmit(benchmark::State& state) {
  const auto run_packets = static_cast<std::size_t>(state.range(0));
  LinkPeer peer{1};
  Parts parts;
  peer.link().open_egress_track(kTrack, &parts.ring, link::Priority::kBase);
  std::vector<std::byte> memory(kPackets * kDatagramBytesMax);
  std::vector<link::Transmit> runs;
  Instant now = kLinkStart;
  Stopwatch watch;
  for (auto _ : state) {
    now += kStep;
    const Seq first = parts.store();
    link::SendArena arena{memory};
    runs.clear();
    watch.start();
    CHECK(peer.link().queue_media(kTrack, first, kPackets, now + kStep).has_value());
    while (const auto run = peer.link().poll_transmit(now, arena, run_packets)) {
      runs.push_back(*run);
    }
    watch.stop();
    watch.record(state);
    CHECK(runs.size() == kPackets / run_packets);
    for (const link::Transmit& run : runs) {
      CHECK(run.count == run_packets);
      peer.peer().receive(run);
    }
    peer.acknowledge(now);
  }
  CHECK(peer.link().stats().packets_lost == 0 && peer.link().stats().parts_given_up == 0);
  count_packets(state, kPackets, kPackets * kPartBytesMax);
}

// 16 full parts from a pusher: gate, replay window, open, frames, books, events.
void handle_media(benchmark::State& state) {
  LinkPeer peer{2};
  Parts parts;
  std::vector<std::byte> datagrams;
  Instant now = kLinkStart;
  Stopwatch watch;
  for (auto _ : state) {
    now += kStep;
    parts.store();
    datagrams.clear();
    for (const std::vector<std::byte>& part : parts.parts) peer.peer().seal_part(part, datagrams);
    const std::size_t bytes = datagrams.size() / kPackets;
    std::size_t arrived = 0;
    watch.start();
    for (std::size_t at = 0; at < datagrams.size(); at += bytes) {
      arrived += peer.handle(now, MutableBytes{datagrams}.subspan(at, bytes));
    }
    watch.stop();
    watch.record(state);
    CHECK(arrived == kPackets);
    CHECK(peer.drain(now) == 1);  // the feedback that 16 packets ask for
    peer.acknowledge(now);
  }
  count_packets(state, kPackets, kPackets * kPartBytesMax);
}

// The feedback that a relay owes a pusher after 16 packets: gathered, written, sealed.
void send_feedback(benchmark::State& state) {
  LinkPeer peer{3};
  Parts parts;
  std::vector<std::byte> datagram;
  std::vector<std::byte> memory(kPackets * kDatagramBytesMax);
  Instant now = kLinkStart;
  Stopwatch watch;
  for (auto _ : state) {
    now += kStep;
    parts.store();
    for (const std::vector<std::byte>& part : parts.parts) {
      datagram.clear();
      peer.peer().seal_part(part, datagram);
      CHECK(peer.handle(now, datagram) == 1);
    }
    link::SendArena arena{memory};
    watch.start();
    const auto sent = peer.link().poll_transmit(now, arena, kRunPacketsMax);
    watch.stop();
    watch.record(state);
    CHECK(sent && sent->count == 1 && !peer.link().poll_transmit(now, arena, kRunPacketsMax));
    peer.peer().receive(*sent);
    peer.acknowledge(now);
  }
  count_packets(state, 1, 0);
}

// The feedback of a subscriber that acknowledges 16 packets: opened, read, settled.
void handle_feedback(benchmark::State& state) {
  LinkPeer peer{4};
  Parts parts;
  peer.link().open_egress_track(kTrack, &parts.ring, link::Priority::kBase);
  std::vector<std::byte> datagram;
  Instant now = kLinkStart;
  Stopwatch watch;
  for (auto _ : state) {
    now += kStep;
    CHECK(peer.link().queue_media(kTrack, parts.store(), kPackets, now + kStep).has_value());
    CHECK(peer.drain(now) == kPackets);
    datagram.clear();
    peer.peer().seal_feedback(datagram);
    watch.start();
    peer.handle(now + kAcknowledgedAfter, datagram);
    watch.stop();
    watch.record(state);
  }
  CHECK(peer.link().stats().packets_lost == 0);
  count_packets(state, 1, 0);
}

// The same of a worker's many links, one after the other: their tables are cold.
void handle_feedback_of_links(benchmark::State& state) {
  std::vector<std::unique_ptr<LinkPeer>> peers;
  Parts parts;
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(state.range(0)); ++i) {
    peers.push_back(std::make_unique<LinkPeer>(i + 1));
    peers.back()->link().open_egress_track(kTrack, &parts.ring, link::Priority::kBase);
  }
  std::vector<std::vector<std::byte>> datagrams(peers.size());
  Instant now = kLinkStart;
  Stopwatch watch;
  for (auto _ : state) {
    now += kStep;
    const Seq first = parts.store();
    for (std::size_t i = 0; i < peers.size(); ++i) {
      CHECK(peers[i]->link().queue_media(kTrack, first, kPackets, now + kStep).has_value());
      CHECK(peers[i]->drain(now) == kPackets);
      datagrams[i].clear();
      peers[i]->peer().seal_feedback(datagrams[i]);
    }
    watch.start();
    for (std::size_t i = 0; i < peers.size(); ++i) {
      peers[i]->handle(now + kAcknowledgedAfter, datagrams[i]);
    }
    watch.stop();
    watch.record(state);
  }
  count_packets(state, peers.size(), 0);
}

BENCHMARK(poll_transmit)->Name("link/poll_transmit/k")->Arg(1)->Arg(8)->Arg(16)->UseManualTime();
BENCHMARK(handle_media)->Name("link/handle_datagram/media")->UseManualTime();
BENCHMARK(handle_feedback)->Name("link/handle_datagram/feedback_of_16")->UseManualTime();
BENCHMARK(handle_feedback_of_links)
    ->Name("link/handle_datagram/feedback_of_16/links")
    ->Arg(100)
    ->Arg(1000)
    ->UseManualTime();
BENCHMARK(send_feedback)->Name("link/poll_transmit/feedback_of_16")->UseManualTime();

}  // namespace
}  // namespace sluice::bench
