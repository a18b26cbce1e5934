// MediaFlow: one call's media over a simulated path, both ends of it: an ideal adaptive source (30
// frames a second, follows the target after 100 ms, frame sizes vary by 20 %), the link's pacer,
// the receiver's feedback as FEEDBACK carries it (the link's own ReceivedPackets fill it, in grains
// of 250 us), and the Controller under test. The world (world.h) carries packets and feedback.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "proto/base/time.h"
#include "proto/congestion/controller.h"
#include "proto/link/congestion_feed.h"
#include "proto/link/pacer.h"
#include "proto/link/received_packets.h"
#include "proto/link/rtt.h"
#include "proto/wire/feedback.h"
#include "sim/impairment.h"
#include "sim/xoshiro.h"

namespace sluice::sim {

struct MediaConfig {
  double rate_min = 150'000;
  double rate_max = 1'500'000;
  Instant starts{};
  Instant ends = kNever;
  std::vector<Outage> pauses{};  // of the source: nothing to send
  congestion::Config congestion{};
};

struct MediaPacket {
  std::uint64_t number = 0;
  std::uint32_t bytes = 0;
};

class MediaFlow {
 public:
  MediaFlow(const MediaConfig& config, std::uint64_t seed);

  // The sender.
  Instant next_deadline() const;
  void handle_timeout(Instant now);
  void handle_feedback(Instant now, const wire::Feedback& feedback);

  /// Asked until it returns nothing.
  std::optional<MediaPacket> poll_packet(Instant now);

  // The receiver.
  void handle_packet(Instant now, const MediaPacket& packet);

  Instant feedback_due() const { return received_.due(); }

  std::optional<wire::Feedback> poll_feedback(Instant now);

  const congestion::Controller& controller() const { return controller_; }

  bool active(Instant now) const;

  std::uint64_t probe_bytes() const { return probe_bytes_; }

 private:
  void make_frame(Instant now);
  double followed_target(Instant now);

  MediaConfig config_;
  Xoshiro random_;
  congestion::Controller controller_;
  link::CongestionFeed feed_;
  link::Pacer pacer_;
  link::RttEstimator rtt_;

  Instant next_frame_;
  bool on_ = false;                                 // active at the last frame's time
  std::deque<std::pair<Instant, double>> targets_;  // what the source has not followed yet
  double rate_;
  std::deque<std::uint32_t> queue_;  // bytes of packets that wait
  std::size_t run_left_ = 0;
  Instant run_at_ = kLongAgo;
  std::uint64_t next_number_ = 0;
  std::deque<std::pair<std::uint64_t, Instant>> sent_;  // number, when: for the round trip
  std::uint64_t probe_bytes_ = 0;

  link::ReceivedPackets received_;
};

}  // namespace sluice::sim
