// BranchFeed: the subscription of another worker's branch to a stream at its origin. What a link's
// queue is to a subscription, the ring between the two threads is here: a frame begins only when
// the ring has room for it, and one that has not is dropped whole, with its dependents
// (kHandoverFull).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "proto/base/time.h"
#include "relay/metrics.h"
#include "relay/stream/frame_verdicts.h"
#include "relay/stream/track.h"
#include "relay/worker/handover.h"
#include "relay/worker/mail.h"

namespace sluice::relay {

class Stream;

class BranchFeed {
 public:
  BranchFeed(Stream& stream, WorkerIndex worker, HandoverRing& ring, WorkerMetrics& metrics);

  /// Hands over the cached parts from which new subscribers there can start.
  void start(Instant now);

  void forward(Instant now, std::size_t track, const MediaFrameState& frame, Seq first,
               std::uint16_t count);
  void skip(std::size_t track, Seq first, Seq last);

  WorkerIndex worker() const { return worker_; }

  /// True once after something was written: the other thread must be woken.
  bool take_written() { return std::exchange(written_, false); }

  std::optional<Duration> patience;  // as the branch told it

 private:
  bool push_part(std::size_t track, Instant arrival, Bytes part);
  void start_track(std::size_t track, std::size_t first_frame);

  Stream* stream_;
  WorkerIndex worker_;
  HandoverRing* ring_;
  WorkerMetrics* metrics_;
  std::vector<FrameVerdicts> verdicts_;  // by track
  bool written_ = false;
};

}  // namespace sluice::relay
