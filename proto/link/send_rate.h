// SendRate: congestion control as one link uses it. It reports every packet and every FEEDBACK to
// the controller, knows what media is offered and what comes on top of it, and says in turn how
// fast the pacer may go, when a probe is to be filled, when repairs must yield to a full queue, and
// when the path does not carry all that is offered, so that what no other frame needs is better not
// sent at all. The link owns one for its sending direction; nothing here allocates per packet once
// tables have grown, and with each packet nothing is computed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "proto/base/bytes.h"
#include "proto/base/prefetch.h"
#include "proto/base/time.h"
#include "proto/congestion/controller.h"
#include "proto/link/congestion_feed.h"
#include "proto/link/link_types.h"
#include "proto/link/rtt.h"
#include "proto/wire/feedback.h"

namespace sluice::link {

class SendRate {
 public:
  /// The pacer never goes faster than `pacer_max`; 0: it does not pace.
  SendRate(std::uint64_t pacer_max, Instant now);

  // What is offered and sent.

  /// Media was queued, or was not because shedding() said so.
  void on_offered(std::uint64_t bytes) { offered_bytes_ += bytes; }

  /// The owner has so much media to offer where the path carries it: it probes for that, although
  /// what is offered until then may be less. 0: what is offered is all there is.
  void set_useful(std::uint64_t media_bits_per_s) { useful_media_ = media_bits_per_s; }

  /// A part, in ring form, is sent for the first time.
  void on_fresh_part(Instant now, Bytes ring_part);

  void on_packet(Instant now, PacketNumber number, std::uint32_t bytes, bool asks_feedback);

  // What became of it, and time.

  /// `counts` are the link's own of now.
  void on_feedback(Instant now, const wire::Feedback& feedback, const RttEstimator& rtt,
                   const LinkStats& counts);
  void handle_timeout(Instant now);

  /// Without the pace of a probe; kNever while no media flows.
  Instant next_deadline() const;

  /// The path is another one: nothing is known of it.
  void reset(Instant now);

  // What it comes to. Constant between the calls above.

  /// For the pacer; 0 when it does not pace.
  std::uint64_t pacing_bits_per_s() const { return pacing_; }

  /// When the next packets may go that are there for a probe alone; kNever without one.
  Instant fill_at(Instant now) const;

  /// Packets that may go then: 5 ms of the probe's rate.
  std::size_t fill_packets() const;

  /// There is nothing to make them of: not asked again for a while.
  void postpone_fill(Instant now);

  /// Packets that we send wait in a queue of the path: what is lost now is lost for want of room.
  bool queue_is_full() const { return full_; }

  /// When feedback last said so; kLongAgo before the first time.
  Instant full_at() const { return full_at_; }

  /// The target lies below what is offered, by a fall and not for want of knowledge.
  bool shedding() const { return shedding_; }

  /// Bits per second: the bottleneck's rate, 0 until measured; and what the mean may be.
  std::uint64_t capacity_bits_per_s() const { return controller_.capacity_bits_per_s(); }

  /// What the bottleneck takes for a full packet, as far as known.
  Duration packet_time() const;

  // Hints: a run, or the FEEDBACK of one, is about to come.

  void prefetch_decisions() const {
    feed_.prefetch_state();
    prefetch_through(pacing_, newest_peak_);
  }

  void prefetch_offer() const { prefetch_through(shedding_, offered_bytes_); }

  void prefetch_tables() const { feed_.prefetch_tables(); }

  std::uint64_t target_bits_per_s() const { return controller_.target_bits_per_s(); }

  /// The target's share for bodies of media: what comes on top of them goes as it went of late.
  std::uint64_t media_target_bits_per_s() const;

  /// What all that is offered needs with headers, retransmissions and repairs.
  std::uint64_t needed_bits_per_s() const { return needed_; }

 private:
  struct Sample {
    Instant at = kLongAgo;
    std::uint64_t offered = 0, media = 0, all = 0;
  };

  struct Peak {
    std::uint64_t needed = 0, frame_bytes = 0;
  };

  /// Rates are over 2 s: a key frame every 2 s is in each of them once.
  static constexpr std::size_t kSamples = 9;
  static constexpr Duration kSampleEvery = std::chrono::milliseconds{250};
  static constexpr std::size_t kPeaks = 4;
  static constexpr std::int64_t kPeakSeconds = 4;

  /// The `back`-th newest, from 1.
  const Sample& sample(std::size_t back) const {
    return samples_[(sample_count_ - back) % kSamples];
  }

  void measure(Instant now, const LinkStats& counts);
  Peak& peak_at(Instant now);
  std::uint64_t largest(std::uint64_t Peak::*of) const;
  void look_for_room();
  void decide(Instant now);
  bool is_narrow() const;
  void shed(Instant now);
  void read_wish();

  std::uint64_t pacer_max_;
  CongestionFeed feed_;
  congestion::Controller controller_;
  std::uint64_t pacing_;
  bool full_ = false;
  Instant full_at_ = kLongAgo;

  // Shedding.
  bool shedding_ = false;
  Instant short_since_ = kNever;   // the target is below what is needed
  Instant enough_since_ = kNever;  // it is not

  // The probe that stands.
  congestion::ProbeId probe_ = congestion::kNoProbe;
  std::uint64_t probe_bits_per_s_ = 0;
  std::uint32_t probe_bytes_ = 0;  // still to send
  Instant fill_at_ = kLongAgo;

  // What is offered.
  std::uint64_t offered_bytes_ = 0;
  Instant last_fresh_ = kLongAgo;
  std::array<Sample, kSamples> samples_{};  // by count mod kSamples
  std::size_t sample_count_ = 0;
  std::uint64_t needed_ = 0;
  std::uint64_t useful_media_ = 0;
  double overhead_ = 1;               // bytes sent for each of media
  std::uint64_t frame_bytes_ = 0;     // largest since the last sample
  std::array<Peak, kPeaks> peaks_{};  // of 4 s each, by time
  std::int64_t newest_peak_ = 0;
};

}  // namespace sluice::link
