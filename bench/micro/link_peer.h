// ScriptedPeer: the other end of a link under measurement, as a script that holds the keys, has no
// timers, and costs next to nothing while the stopwatch runs: it seals media parts as a pusher
// would, acknowledges what it was sent as a subscriber would, and nothing else. LinkPeer is one
// together with the relay's end.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "bench/micro/samples.h"
#include "proto/base/packet_ring.h"
#include "proto/crypto/packet_protection.h"
#include "proto/link/link.h"
#include "proto/link/packet_builder.h"

namespace sluice::bench {

/// The instant all links begin at.
inline constexpr Instant kLinkStart = instant_from_us(1'000'000);

/// How long a peer takes to acknowledge.
inline constexpr Duration kAcknowledgedAfter = std::chrono::milliseconds{1};

/// Keys that both ends of link number `seed` share.
crypto::TrafficSecrets shared_secrets(std::uint64_t seed);

class ScriptedPeer {
 public:
  ScriptedPeer(std::uint64_t seed, ConnectionId connection);

  /// A packet with this part, sealed and numbered; appended to `to`.
  void seal_part(Bytes ring_part, std::vector<std::byte>& to);

  /// A packet with a PING, which asks for feedback.
  void seal_ping(std::vector<std::byte>& to);

  /// Notes the numbers of a run as arrived: one look at its first header, the others follow.
  void receive(const link::Transmit& run);

  bool received_any() const { return arrived_count_ > 0; }

  /// A packet with FEEDBACK for all that was noted since the last one.
  void seal_feedback(std::vector<std::byte>& to);

 private:
  link::PacketBuilder begin(std::vector<std::byte>& to, std::size_t at) const;
  void finish(link::PacketBuilder& packet, std::size_t at, std::vector<std::byte>& to);

  ConnectionId connection_;
  crypto::PacketProtection protection_;
  PacketNumber next_{};
  std::uint16_t feedback_number_ = 0;
  std::array<wire::AckRange, kAckRangesMax> arrived_{};  // ascending
  std::size_t arrived_count_ = 0;
};

class LinkPeer {
 public:
  /// Established, with nothing left to say.
  explicit LinkPeer(std::uint64_t seed);

  /// The relay's end.
  link::Link& link() { return *link_; }

  ScriptedPeer& peer() { return peer_; }

  /// The peer's feedback reaches the link: nothing is in flight afterwards.
  void acknowledge(Instant now);

  /// The datagram goes in and all events come out. Returns the media parts among them.
  std::size_t handle(Instant now, MutableBytes datagram);

  /// The link sends all it has to say now, feedback above all. Returns packets.
  std::size_t drain(Instant now);

 private:
  SeededRandom random_;
  ScriptedPeer peer_;
  std::unique_ptr<link::Link> link_;
  std::vector<std::byte> scratch_;
};

}  // namespace sluice::bench
