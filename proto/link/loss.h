// LossDetector: what a peer's FEEDBACK says about our packets (P-LOSS-01, P-FEEDBACK-05), and when
// silence itself is a sign (P-LOSS-02). It settles packets in SentPackets, measures the round trip,
// and leaves what was acknowledged and what was lost for the link to act on.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "proto/base/result.h"
#include "proto/link/late_packets.h"
#include "proto/link/loss_estimate.h"
#include "proto/link/rtt.h"
#include "proto/link/sent_packets.h"
#include "proto/wire/feedback.h"

namespace sluice::link {

/// A packet is lost when one this much higher has arrived: fewer takes reordering for loss.
inline constexpr std::uint64_t kReorderPackets = 3;

/// Share of our packets that were lost, over the last 2 s, and their sums.
class LossMeter {
 public:
  void add(Instant now, std::uint32_t acknowledged, std::uint32_t lost);
  double ratio() const;

  std::uint64_t lost_total() const { return lost_total_; }

 private:
  struct Bucket {
    std::uint32_t acknowledged = 0, lost = 0;
  };

  static constexpr std::int64_t kBuckets = 8;
  static constexpr Duration kBucket = std::chrono::milliseconds{250};

  std::array<Bucket, kBuckets> buckets_{};  // by time mod kBuckets
  std::int64_t newest_ = 0;
  std::uint64_t lost_total_ = 0;
};

/// What a link knows of its path when a feedback is read.
struct LossContext {
  /// What the bottleneck takes for one packet, zero while unknown; those of a run arrive so far
  /// apart.
  Duration packet_time{0};
  /// Packets sent up to then met a full queue: what becomes of them says nothing about the path's
  /// own loss and is not in the estimate.
  Instant full_until = kLongAgo;

  bool tells(Instant sent_at) const { return sent_at > full_until; }
};

class LossDetector {
 public:
  /// Reads one FEEDBACK. kFeedbackOfUnsent, and nothing changed, when it acknowledges a number that
  /// was skipped or not yet sent: the link must close.
  Status<> handle_feedback(Instant now, const wire::Feedback& feedback, SentPackets& sent,
                           RttEstimator& rtt, const LossContext& context = {});

  /// Gives the oldest packet up as lost when `sent` has no room; what it carried is in lost().
  void make_room(Instant now, SentPackets& sent);

  /// Results of the last call: valid until the next.
  std::span<const SentItem> acknowledged() const { return acknowledged_; }

  std::span<const SentItem> lost() const { return lost_; }

  /// True when the last feedback was newer than all before: its reports count.
  bool newest() const { return newest_; }

  /// When to probe (P-LOSS-02); kNever when nothing is open.
  Instant probe_deadline(const SentPackets& sent, const RttEstimator& rtt) const;

  /// The probe deadline passed: doubles the PTO. The oldest open packet is taken for lost, so that
  /// what it carried is in lost() and goes again once, not twice.
  void on_probe(Instant now, SentPackets& sent);

  /// The peer is somewhere else: what is open went to where it no longer is, and goes again at
  /// once. That says nothing about the path, and is not counted as its loss.
  void on_path_moved(Instant now, SentPackets& sent);

  std::optional<PacketNumber> highest_acknowledged() const { return highest_acknowledged_; }

  const LossMeter& meter() const { return meter_; }

  const LossEstimate& estimate() const { return estimate_; }

  /// Packets that were taken for lost and acknowledged after all, as far as it is known.
  std::uint64_t late_total() const { return late_.total(); }

 private:
  struct Count {
    std::uint32_t acknowledged = 0, lost = 0;
  };

  /// By one feedback; `telling`: those that say something about the path.
  struct Settled {
    Count all, telling;
    std::uint32_t bursts = 0;  // of the telling
  };

  void acknowledge(const wire::AckRange& range, SentPackets& sent, const LossContext& context,
                   Settled& settled);
  void measure_rtt(Instant now, const wire::Feedback& feedback, const SentPackets& sent,
                   RttEstimator& rtt);
  void detect_losses(Instant now, SentPackets& sent, Instant shown, const LossContext& context,
                     Settled& settled);
  void collect(const SentPackets& sent, const SentPacket& packet, std::vector<SentItem>& into);

  std::vector<SentItem> acknowledged_, lost_;
  std::optional<PacketNumber> highest_acknowledged_;
  std::optional<Instant> highest_sent_at_;
  std::optional<std::uint16_t> newest_feedback_;
  Instant last_feedback_ = kLongAgo;
  Instant last_probe_ = kLongAgo;
  std::uint32_t probes_ = 0;
  bool newest_ = false;
  LossMeter meter_;
  LossEstimate estimate_;
  LatePackets late_;
  std::uint64_t behind_last_lost_ = UINT64_MAX;  // the number that would go on a burst
};

}  // namespace sluice::link
