// ReceivedPackets: what arrived, and when the peer must be told (P-FEEDBACK-01..04). Keeps the
// newest ranges of packet numbers, the newest arrival times, and the instant at which the next
// FEEDBACK is due. The link records every authentic packet here and fills FEEDBACK frames from it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "proto/base/limits.h"
#include "proto/base/prefetch.h"
#include "proto/base/seq.h"
#include "proto/base/time.h"
#include "proto/link/feedback_budget.h"
#include "proto/link/rtt.h"
#include "proto/wire/feedback.h"

namespace sluice::link {

/// While there is loss: feedback this far apart. 20 ms instead costs 4 points of overhead and 0.1 %
/// of the frames at 20 % loss (simulated), 10 ms 0.6 points where losses come in bursts, which
/// take several feedbacks in a row; with less it would be more than P-FEEDBACK-04 allows.
inline constexpr Duration kLossyFeedbackInterval = std::chrono::milliseconds{8};

/// A link counts as lossy this long after a gap.
inline constexpr Duration kLossyFor = std::chrono::seconds{3};

/// On a clean link: feedback after this many packets.
inline constexpr std::uint32_t kFeedbackPackets = 16;

/// A CONTROL frame is acknowledged within this.
inline constexpr Duration kControlFeedbackDelay = std::chrono::milliseconds{10};

/// After the last arrival feedback is repeated this often, so that its growing age lets the sender
/// find what was lost behind it (P-LOSS-01) and no single lost feedback hides it.
inline constexpr std::uint32_t kFeedbackRepeats = 4;

/// What the link saw in a packet, as far as feedback is concerned.
struct PacketTraits {
  bool asks_feedback = false;  // anything but FEEDBACK, CLOSE and padding
  bool ping = false;
  bool control = false;
  std::size_t media_bytes = 0;               // bodies of its parts
  bool congestion_mark = false;              // ECN says "congestion experienced"
  std::optional<Duration> incomplete_for{};  // its newest media frame lacks parts: how long to wait
};

class ReceivedPackets {
 public:
  void record(Instant now, PacketNumber number, const PacketTraits& traits);

  /// When FEEDBACK must go; kNever when there is nothing to say.
  Instant due() const {
    const Instant wanted = std::min(due_, incomplete_due_);
    return asked_ || wanted == kNever ? wanted : std::max(wanted, budget_.not_before());
  }

  /// What due() and record() read: a hint.
  void prefetch_schedule() const {
    prefetch_through(ranges_[0], ranges_[1]);
    prefetch_through(highest_at_, last_highest_);
  }

  /// True when a packet that asks for feedback is not reported yet: then it may ride along early.
  bool unreported() const { return unreported_ > 0; }

  /// All but the reports. `horizon`: how far back from the newest arrival packets are stated.
  /// False when nothing was ever received.
  bool fill(Instant now, Duration horizon, wire::Feedback& feedback);

  /// What fill() gave was sent, and took so many bytes.
  void on_feedback_sent(Instant now, std::size_t bytes = 0, Duration round_trip = kInitialRtt);

  std::optional<PacketNumber> highest() const;

  /// Numbers below the highest that have not arrived, less those that the peer may have left out on
  /// purpose (P-DATA-05). A clean link has 0; real losses up to one in 1024 may hide.
  std::uint64_t missing() const;

 private:
  struct Range {
    std::uint64_t first = 0, last = 0;
    Instant newest_arrival{};
  };

  /// Low 32 bits of number and of the microsecond: differences of recent packets are all that is
  /// asked.
  struct Arrival {
    std::uint32_t number_low = 0;
    std::uint32_t at_us_low = 0;
  };

  static constexpr std::size_t kArrivals = kReceiveTimesMax;

  bool losses_to_tell(std::uint64_t highest_before, std::uint64_t number) const;
  bool has_all(std::uint64_t first, std::uint64_t last) const;
  void insert(Instant now, std::uint64_t number);
  void insert_at(std::size_t index, const Range& range);
  void erase_at(std::size_t index);
  void schedule(Instant now, const PacketTraits& traits);
  std::optional<std::uint32_t> arrival_of(std::uint64_t number) const;
  void fill_times(wire::Feedback& feedback) const;

  void ask_by(Instant when) { due_ = std::min(due_, when); }

  std::array<Range, kAckRangesMax> ranges_{};  // ascending
  std::size_t range_count_ = 0;
  std::array<Arrival, kArrivals> arrivals_{};  // by number mod kArrivals
  Instant highest_at_{};
  std::uint64_t missing_ = 0;
  std::uint32_t ce_ = 0;

  FeedbackBudget budget_;
  bool asked_ = false;  // by PING or CONTROL: it does not wait for the budget
  Instant due_ = kNever;
  Instant incomplete_due_ = kNever;
  Instant last_feedback_ = kLongAgo;
  Instant lossy_until_ = kLongAgo;
  std::uint32_t unreported_ = 0;
  std::uint32_t repeats_left_ = 0;

  std::uint16_t feedback_number_ = 0;
  // Receive times are repeated in the next feedback: stated down to the highest of the one before
  // the last.
  std::uint64_t times_from_ = 0, last_highest_ = 0;
};

}  // namespace sluice::link
