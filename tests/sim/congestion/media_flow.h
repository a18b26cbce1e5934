// MediaFlow: one call's media over a simulated path: two links as they are, with their pacer,
// feedback, probes and repairs, and between pushes an ideal adaptive source: 30 frames a second
// whose sizes vary by 20 %, no key frame bursts, and a rate that follows what the link says its
// media may have, 100 ms later. The world (world.h) carries the datagrams.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "proto/base/packet_ring.h"
#include "proto/base/time.h"
#include "proto/link/link.h"
#include "sim/impairment.h"
#include "sim/xoshiro.h"
#include "tests/unit/link/link_pair.h"

namespace sluice::sim {

struct MediaConfig {
  double rate_min = 150'000;  // of the source
  double rate_max = 1'500'000;
  bool follows = true;  // the link's target; else it makes rate_max always
  Instant starts{};
  std::vector<Outage> pauses{};  // of the source: nothing to send
};

class MediaFlow {
 public:
  enum class End : std::uint8_t { kSender, kReceiver };

  /// Frames play so long after the shortest way: what cannot be there by then is not sent.
  static constexpr Duration kBudget = std::chrono::milliseconds{250};

  MediaFlow(const MediaConfig& config, std::uint64_t seed);

  Instant next_deadline() const;
  void handle_timeout(Instant now);
  void handle_datagram(Instant now, End at, Bytes datagram);

  /// Asked until it returns nothing.
  std::optional<link::Datagram> poll_datagram(Instant now, End from);

  link::LinkStats sent() const { return sender_.stats(); }

  /// Bodies of media that arrived, each part once.
  std::uint64_t media_bytes_arrived() const { return media_bytes_arrived_; }

 private:
  struct Frame {
    Seq behind;  // its last part
    Instant deadline{};
  };

  bool active(Instant now) const;
  void make_frame(Instant now);
  double followed_target(Instant now);
  void drain(Instant now);
  void report(Instant now);

  link::Link& link(End end) { return end == End::kSender ? sender_ : receiver_; }

  MediaConfig config_;
  Xoshiro random_;
  link::Link sender_, receiver_;
  std::deque<link::Datagram> out_[2];
  std::vector<std::byte> memory_, inbox_;

  Instant next_frame_;
  std::deque<std::pair<Instant, double>> targets_;  // what the source has not followed yet
  double rate_;
  link::TestTrack source_{TrackId{9}};

  PacketRing arrived_;
  std::deque<Frame> frames_;  // sent, and not past
  Seq oldest_open_ = source_.first;
  std::uint64_t media_bytes_arrived_ = 0;
};

}  // namespace sluice::sim
