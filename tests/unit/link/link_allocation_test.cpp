// A link in its steady state takes no memory: counted over ten thousand packets. A program of its
// own, because it replaces the global operator new.
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "tests/unit/link/link_pair.h"

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

namespace sluice::link {
namespace {

constexpr TrackId kVideo{1}, kAudio{2};

/// Carries what `from` has to say to `to` without a copy, dropping one packet in `drop_every`.
struct Carrier {
  void carry(Link& from, Link& to, const Address& address, Instant now) {
    for (;;) {
      SendArena arena{memory};
      const auto run = from.poll_transmit(now, arena, kRunPacketsMax);
      if (!run) return;
      for (std::size_t at = 0; at < run->bytes.size(); at += run->segment_bytes) {
        if (++packets % drop_every == 0) continue;
        const MutableBytes datagram = run->bytes.subspan(
            at, std::min<std::size_t>(run->segment_bytes, run->bytes.size() - at));
        EXPECT_TRUE(to.handle_datagram(now, datagram, address, 0));
        while (to.poll_event()) continue;
      }
    }
  }

  std::uint64_t packets = 0;
  std::uint64_t drop_every = 20;
  std::vector<std::byte> memory = std::vector<std::byte>(kRunPacketsMax * kDatagramBytesMax);
};

/// A media frame that is sent again and again under new part numbers.
struct Frames {
  Frames(std::size_t bytes, bool key) {
    TestTrack track{TrackId{1}};
    const auto frame = track.add(bytes, 0, key);
    for (std::uint32_t i = 0; i < frame.count; ++i) {
      const Bytes part = track.ring.find(frame.first + i);
      parts.emplace_back(part.begin(), part.end());
    }
  }

  std::uint32_t store(PacketRing& ring, Seq first) const {
    Seq seq = first;
    std::array<std::byte, kPartPlaintextBytesMax> part;
    for (const auto& each : parts) {
      std::copy(each.begin(), each.end(), part.begin());
      store_be<3>(&part[wire::kMediaSeqOffset], seq.value());
      ring.insert(seq, Bytes{part}.first(each.size()), first);
      ++seq;
    }
    return static_cast<std::uint32_t>(parts.size());
  }

  std::vector<std::vector<std::byte>> parts;
};

TEST(LinkAllocation, TakesNoMemoryInItsSteadyState) {
  LinkPair pair;
  pair.exchange();
  TestTrack video{TrackId{1}}, audio{TrackId{2}};
  pair.relay->open_egress_track(kVideo, &video.ring, Priority::kBase);
  pair.relay->open_egress_track(kAudio, &audio.ring, Priority::kAudio);
  const Frames pictures{12'000, true}, blocks{150, false};
  Seq next_picture{}, next_block{};
  Carrier carrier;
  const auto second = [&] {
    for (int i = 0; i < 1'000; ++i) {
      pair.now += std::chrono::milliseconds{1};
      if (i % 10 == 0) {
        const Instant deadline = pair.now + std::chrono::milliseconds{300};
        const std::uint32_t parts = pictures.store(video.ring, next_picture);
        ASSERT_TRUE(pair.relay->queue_media(kVideo, next_picture, parts, deadline));
        ASSERT_EQ(blocks.store(audio.ring, next_block), 1U);
        ASSERT_TRUE(pair.relay->queue_media(kAudio, next_block, 1, deadline));
        next_picture = next_picture + parts;
        ++next_block;
      }
      pair.relay->handle_timeout(pair.now);
      pair.client->handle_timeout(pair.now);
      carrier.carry(*pair.relay, *pair.client, kRelayAddress, pair.now);
      carrier.carry(*pair.client, *pair.relay, kClientAddress, pair.now);
    }
  };
  // The books grow last when a packet of nothing but feedback is lost, whose place is kept for half
  // a second: here in the 18th.
  for (int warm_up = 0; warm_up < 20; ++warm_up) second();
  const std::uint64_t before = allocations;
  const std::uint64_t packets = carrier.packets;
  for (int i = 0; i < 10; ++i) second();
  EXPECT_GT(carrier.packets - packets, 10'000U);
  EXPECT_GT(pair.relay->stats().parts_retransmitted, 500U);
  EXPECT_EQ(allocations - before, 0U);
}

}  // namespace
}  // namespace sluice::link
