// Controller: congestion control of one direction of one link, on the sending side. It is told what
// was sent and what became of it, and says how fast to send: `target` bounds the average (media and
// all that is added to it), `pacing` the moment, and a probe wish asks for a short burst that tells
// whether more would pass. Sans-I/O: no clock, no allocation, no randomness; time is an argument
// that never goes backwards. Any results, lies too, leave the target within [min, max] of Config.
//
// How: the trend of the one-way delay and the queue itself (least delay of 10 s) say when to fall,
// the delivery rate says where to, trains and probes say how far up there is room. Loss counts only
// as far as it answers to our rate: what stays when we slow down is the path's floor, p0.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "proto/base/time.h"
#include "proto/congestion/competition.h"
#include "proto/congestion/delay_trend.h"
#include "proto/congestion/delivery_rate.h"
#include "proto/congestion/loss_floor.h"
#include "proto/congestion/packet_result.h"
#include "proto/congestion/probing.h"
#include "proto/congestion/queue_delay.h"
#include "proto/congestion/rate_control.h"
#include "proto/congestion/train_capacity.h"

namespace sluice::congestion {

class Controller {
 public:
  Controller(const Config& config, Instant now);

  /// A packet left. `probe`: the id of the wish that stood then, media or not; else kNoProbe.
  /// Packets sent back to back bear the same `now`: they are the trains that measure capacity.
  void on_sent(Instant now, PacketNumber number, std::uint32_t bytes, ProbeId probe = kNoProbe);

  /// What one FEEDBACK settled for the first time, ascending by number; acknowledged packets that
  /// had been reported lost are left out. Losses found without a feedback come the same way.
  /// Cost: O(results).
  void on_feedback(Instant now, std::span<const PacketResult> results,
                   const FeedbackFigures& figures);

  /// At next_deadline(), or later: ends drains and probes, wishes new probes.
  void handle_timeout(Instant now);
  Instant next_deadline() const;

  /// What the path takes in all, in the mean: media, retransmissions, repairs, headers. In
  /// [min, max]. The owner's media share is this / (1 + repair ratio + headers).
  std::uint64_t target_bits_per_s() const;

  /// Rate of the bottleneck as back-to-back trains meet it: the largest of 30 s. The configured
  /// figure before the first.
  std::uint64_t capacity_bits_per_s() const;

  /// Ceiling for the pacer, at once and without delay: min(0.9 x capacity, 10 x media), never below
  /// what the target needs, as far as `needed_bits_per_s` is offered: a target above that is no
  /// reason to outrun the capacity. Less while a queue of ours drains.
  std::uint64_t pacing_bits_per_s(std::uint64_t media_bits_per_s,
                                  std::uint64_t needed_bits_per_s) const;

  /// The probe to run now: stands until its bytes were reported as sent.
  std::optional<ProbeWish> probe() const;

  /// An up-switch to `bits_per_s` is wanted: a probe for it is made soon, outside the rhythm.
  void want_more(std::uint64_t bits_per_s);

  /// Highest rate the owner can make use of, from now on.
  void set_useful(std::uint64_t bits_per_s);

  /// Delay of the newest packets beyond the least of 10 s, less what jitter can be taken for.
  Duration queue_delay() const { return queue_delay_; }

  /// A queue is being emptied: less is sent than arrives.
  bool draining() const;

  /// And it is ours for sure: seen to grow, or it answers to the drain. On jitter that looks like a
  /// queue nothing should wait which cannot be made smaller.
  bool draining_ours() const;

  /// What the bottleneck carries now, as the newest trains meet it; 0 unknown.
  std::uint64_t recent_capacity_bits_per_s() const;

  /// When the target last fell; kLongAgo before the first time.
  Instant fell_at() const;

  /// Share of packets that the path loses whatever we send.
  double loss_floor() const;

  /// Share of packets lost in the last second.
  double loss() const;

  /// More than the floor, beyond chance: it may be ours.
  bool losing() const { return losses_.excess(); }

  /// Bits per second that arrive, over half a second.
  std::uint64_t delivered_bits_per_s() const;

  /// The same over the last 150 ms.
  std::uint64_t delivered_now_bits_per_s() const;

  /// Packets marked "congestion experienced", all in all.
  std::uint64_t ce_packets() const;

  /// True while another flow that fills queues keeps ours filled (see competition.h).
  bool competing() const;

 private:
  Duration packet_time() const;
  void measure_queue();
  void settle(Instant now, const PacketResult& result);
  void answer_loss(const PathState& path);
  PathState path_state(Instant now, double delivered) const;
  void probe_on(Instant now);
  bool calm(Instant now) const;

  Config config_;
  DelayTrend trend_;
  QueueDelay queue_;
  Duration queue_delay_{0};
  DeliveryRate rates_;
  TrainCapacity trains_;
  LossFloor losses_;
  Competition competition_;
  RateControl control_;
  Probing probing_;
  FeedbackFigures figures_;
  std::uint64_t ce_packets_ = 0;
  bool recovering_ = false;       // trains of before the last fall still count in the capacity
  bool heard_ = false;            // of any feedback
  bool lost_since_fall_ = false;  // in this feedback: a packet sent after the last fall
};

}  // namespace sluice::congestion
