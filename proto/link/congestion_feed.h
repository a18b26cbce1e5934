// CongestionFeed: turns what the link sent and each FEEDBACK (ranges, receive times, age) into what
// congestion control wants to hear: every packet settled once, as arrived at a time of the peer's
// clock, or as lost. It keeps its own list of packets in flight, as SentPackets forgets them when
// their contents are settled; a packet is lost here when one three numbers higher has arrived
// (P-LOSS-01's first half; the tail of silence is settled by the next feedback that comes). The
// link tells it every packet it sends, and hands it every FEEDBACK that LossDetector took for true.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "proto/base/limits.h"
#include "proto/base/prefetch.h"
#include "proto/base/ring_queue.h"
#include "proto/base/seq.h"
#include "proto/base/time.h"
#include "proto/congestion/arrival_clock.h"
#include "proto/congestion/packet_result.h"
#include "proto/wire/feedback.h"

namespace sluice::link {

class CongestionFeed {
 public:
  /// A packet left; numbers ascend, those left out (P-DATA-05) are simply not told. Packets that do
  /// not ask for feedback never count as lost, as nobody promised to tell of them. Beyond
  /// kSentPacketsMax in flight the oldest is forgotten.
  void on_sent(Instant now, PacketNumber number, std::uint32_t bytes, bool asks_feedback,
               congestion::ProbeId probe = congestion::kNoProbe);

  /// What this feedback settles, ascending; valid until the next call. The feedback may be old,
  /// repeated or incomplete; numbers that were never sent are passed over.
  std::span<const congestion::PacketResult> settle(Instant now, const wire::Feedback& feedback);

  /// Packets newly marked "congestion experienced" by the last settle().
  std::uint32_t ce_packets() const { return ce_packets_; }

  // Hints: a run, or the FEEDBACK of one, is about to come.

  void prefetch_state() const { prefetch_through(sent_, highest_); }

  void prefetch_tables() const { sent_.prefetch_ends(kRunPacketsMax / 2); }

  /// Packets that are not settled, and settled ones among them.
  std::size_t size() const { return sent_.size(); }

 private:
  struct Sent {
    Instant sent_at{};
    std::uint32_t bytes = 0;
    congestion::ProbeId probe = congestion::kNoProbe;
    bool asks_feedback = false;
    bool settled = false;
  };

  Sent& push();
  void read_times(Instant now, const wire::Feedback& feedback);
  void count_marks(const wire::Feedback& feedback);
  void report(std::uint64_t number, bool lost);

  RingQueue<Sent> sent_{kSentPacketsMax};
  std::uint64_t first_ = 0;  // number of sent_'s front; the others follow one by one
  std::optional<std::uint64_t> highest_;
  congestion::ArrivalClock clock_;
  std::vector<congestion::PacketResult> results_;
  std::optional<std::uint16_t> newest_feedback_;
  std::uint32_t ce_total_ = 0;
  std::uint32_t ce_packets_ = 0;
};

}  // namespace sluice::link
