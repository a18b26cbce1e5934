// LinkPair: a client and a relay link with fixed keys, a pipe between them that the test drives by
// hand, and virtual time. For unit tests, fuzzing and benchmarks of the link.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/packet_ring.h"
#include "proto/crypto/secret.h"
#include "proto/link/link.h"
#include "proto/wire/fragment.h"
#include "sim/xoshiro.h"

namespace sluice::link {

inline const Address kClientAddress = Address::v4(10, 0, 0, 1, 1000);
inline const Address kRelayAddress = Address::v4(10, 0, 0, 2, 2000);
inline constexpr ConnectionId kTestConnection{0x010203040506};

inline ResetToken test_reset_token() {
  ResetToken token;
  token.fill(std::byte{0x77});
  return token;
}

inline crypto::TrafficSecret test_secret(std::uint8_t fill) {
  crypto::TrafficSecret secret;
  for (std::byte& b : secret.mutable_bytes()) b = std::byte{fill};
  return secret;
}

/// What the handshake would leave at this end.
inline LinkSetup test_setup(Role role, RandomSource random) {
  const bool client = role == Role::kClient;
  LinkSetup setup;
  setup.role = role;
  setup.suite = crypto::Suite::kAes128Gcm;
  setup.send_secret = test_secret(client ? 1 : 2);
  setup.receive_secret = test_secret(client ? 2 : 1);
  setup.connection_id = kTestConnection;
  setup.reset_token = test_reset_token();
  setup.peer = client ? kRelayAddress : kClientAddress;
  setup.random = random;
  return setup;
}

/// An event with its bytes copied out: what a test may keep.
struct KeptEvent {
  Event event;
  std::vector<std::byte> bytes;  // of a part or a message body
  std::string text;              // of a close reason
};

inline std::vector<KeptEvent> drain_events(Link& link) {
  std::vector<KeptEvent> kept;
  while (const std::optional<Event> event = link.poll_event()) {
    KeptEvent keep{*event, {}, {}};
    if (const auto* media = std::get_if<MediaArrived>(&*event)) {
      keep.bytes.assign(media->part.begin(), media->part.end());
    } else if (const auto* message = std::get_if<MessageArrived>(&*event)) {
      keep.bytes.assign(message->body.begin(), message->body.end());
    } else if (const auto* closed = std::get_if<Closed>(&*event)) {
      keep.text = closed->reason;
    }
    kept.push_back(std::move(keep));
  }
  return kept;
}

template <class T>
std::size_t count_events(const std::vector<KeptEvent>& events) {
  std::size_t count = 0;
  for (const KeptEvent& e : events) count += std::holds_alternative<T>(e.event) ? 1U : 0U;
  return count;
}

template <class T>
const T* find_event(const std::vector<KeptEvent>& events) {
  for (const KeptEvent& e : events) {
    if (const T* found = std::get_if<T>(&e.event)) return found;
  }
  return nullptr;
}

using Datagram = std::vector<std::byte>;

/// A transmit, cut into its datagrams as the kernel would.
inline void cut(const Transmit& transmit, std::vector<Datagram>& out) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < transmit.count; ++i) {
    const std::size_t size =
        std::min<std::size_t>(transmit.segment_bytes, transmit.bytes.size() - at);
    const Bytes one = transmit.bytes.subspan(at, size);
    out.emplace_back(one.begin(), one.end());
    at += size;
  }
}

/// All that a link wants to send now.
inline std::vector<Datagram> drain_transmits(Link& link, Instant now,
                                             std::size_t segments_max = kRunPacketsMax) {
  std::vector<std::byte> memory(kRunPacketsMax * kDatagramBytesMax);
  std::vector<Datagram> out;
  for (;;) {
    SendArena arena{memory};
    const auto transmit = link.poll_transmit(now, arena, segments_max);
    if (!transmit) return out;
    cut(*transmit, out);
  }
}

struct LinkPair {
  explicit LinkPair(std::uint64_t seed = 1) : LinkPair(seed, [](LinkSetup&) {}) {}

  /// `change` is applied to both set-ups.
  template <class Change>
  LinkPair(std::uint64_t seed, Change&& change) : random(seed) {
    crypto::init_crypto();
    LinkSetup to_client = test_setup(Role::kClient, random.source());
    LinkSetup to_relay = test_setup(Role::kRelay, random.source());
    change(to_client);
    change(to_relay);
    client = std::make_unique<Link>(std::move(to_client), now);
    relay = std::make_unique<Link>(std::move(to_relay), now);
  }

  Status<> deliver(Link& to, Datagram datagram, const Address& from) {
    const Status<> status = to.handle_datagram(now, datagram, from, 0);
    for (KeptEvent& event : drain_events(to)) events_of(to).push_back(std::move(event));
    return status;
  }

  Status<> to_relay(Datagram datagram) {
    return deliver(*relay, std::move(datagram), kClientAddress);
  }

  Status<> to_client(Datagram datagram) {
    return deliver(*client, std::move(datagram), kRelayAddress);
  }

  /// Carries everything both have to say now, until both are quiet. Returns datagrams carried.
  std::size_t exchange() {
    std::size_t carried = 0;
    for (bool quiet = false; !quiet;) {
      quiet = true;
      for (Datagram& d : drain_transmits(*client, now)) {
        static_cast<void>(to_relay(std::move(d)));
        quiet = false;
        ++carried;
      }
      for (Datagram& d : drain_transmits(*relay, now)) {
        static_cast<void>(to_client(std::move(d)));
        quiet = false;
        ++carried;
      }
    }
    return carried;
  }

  /// Lets `time` pass, deadline by deadline, with a perfect path.
  void run(Duration time) {
    const Instant end = now + time;
    for (;;) {
      exchange();
      const Instant next = std::min(client->next_deadline(), relay->next_deadline());
      if (next > end) break;
      now = std::max(next, now);
      client->handle_timeout(now);
      relay->handle_timeout(now);
      keep(*client);
      keep(*relay);
      exchange();
      if (std::min(client->next_deadline(), relay->next_deadline()) <= now) now += Duration{1};
    }
    now = end;
  }

  void keep(Link& link) {
    for (KeptEvent& event : drain_events(link)) events_of(link).push_back(std::move(event));
  }

  std::vector<KeptEvent>& events_of(const Link& link) {
    return &link == client.get() ? client_events : relay_events;
  }

  Instant now = instant_from_us(1'000'000);
  sim::Xoshiro random;
  std::unique_ptr<Link> client, relay;
  std::vector<KeptEvent> client_events, relay_events;
};

/// A track being pushed: its ring, and frames of the test's size.
struct TestTrack {
  explicit TestTrack(TrackId id, Seq first_seq = Seq{})
      : first(first_seq), fragmenter(id, first_seq) {}

  /// Adds one media frame whose bytes follow from its number, and returns where it went.
  wire::FragmentedFrame add(std::size_t body_bytes, std::uint32_t timestamp_ms, bool keyframe) {
    std::vector<std::byte> body(body_bytes);
    for (std::size_t i = 0; i < body.size(); ++i) {
      body[i] = static_cast<std::byte>((i * 31 + timestamp_ms) & 0xFFU);
    }
    const wire::MediaFrame frame{
        .timestamp_ms = timestamp_ms, .keyframe = keyframe, .config = {}, .body = body};
    const auto written = fragmenter.write(frame, [&](const wire::MediaHeader& h, Bytes part) {
      ring.insert(h.seq, part, keep_all ? first : h.seq);
    });
    CHECK(written.has_value());
    return *written;
  }

  Seq first;
  bool keep_all = false;  // the ring grows to hold the whole history
  PacketRing ring;
  wire::Fragmenter fragmenter;
};

}  // namespace sluice::link
