// TcpFlow: a TCP with NewReno (RFC 5681, RFC 6582) as the opponent of a media flow: slow start,
// congestion avoidance, fast retransmit with partial acknowledgements, a retransmission timer. The
// receiver acknowledges every segment. Sends for ever, or `bytes` and then stops.
#pragma once

#include <cstdint>
#include <optional>
#include <set>

#include "proto/base/time.h"

namespace sluice::sim {

class TcpFlow {
 public:
  static constexpr std::uint32_t kSegmentBytes = 1200;

  /// `segments` 0: for ever.
  TcpFlow(Instant starts, std::uint64_t segments) : starts_(starts), segments_(segments) {}

  Instant next_deadline() const;
  void handle_timeout(Instant now);

  /// A segment to send now, by its number.
  std::optional<std::uint64_t> poll_segment(Instant now);

  /// The receiver got a segment: the acknowledgement it sends (the next number it lacks).
  std::uint64_t handle_segment(std::uint64_t number);

  void handle_ack(Instant now, std::uint64_t next);

  bool done() const { return segments_ > 0 && acked_ >= segments_; }

  double window() const { return window_; }

 private:
  void lose(Instant now);
  void measure(Instant now, std::uint64_t next);

  Instant starts_;
  std::uint64_t segments_;
  bool started_ = false;
  double window_ = 10;
  double threshold_ = 1e9;
  std::uint64_t acked_ = 0, next_ = 0, recover_ = 0;
  std::uint32_t duplicates_ = 0;
  bool recovering_ = false;
  std::optional<std::uint64_t> resend_;
  Instant timer_ = kNever;
  Duration srtt_{0}, rttvar_{0}, timeout_ = std::chrono::seconds{1};
  std::optional<std::pair<std::uint64_t, Instant>> timed_;  // a segment under measurement

  std::set<std::uint64_t> out_of_order_;
  std::uint64_t expected_ = 0;
};

}  // namespace sluice::sim
