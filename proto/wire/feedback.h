// FEEDBACK (P-FEEDBACK-01..03): all that a receiver knows of the recent packets, in one frame, so
// that each one heals the loss of all before. A plain struct with fixed arrays: link/ack fills one
// in, link/loss reads one. encode and decode allocate nothing. What decode lets through is
// consistent (P-FEEDBACK-05): ranges descend, do not touch and do not go below zero, and every
// receive time belongs to a packet of the ranges; whether the numbers were ever sent is the link's
// matter.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "proto/base/limits.h"
#include "proto/base/result.h"
#include "proto/base/seq.h"
#include "proto/base/time.h"

namespace sluice::wire {

/// Tracks that one FEEDBACK reports on.
inline constexpr std::size_t kTrackReportsMax = 16;

/// Units of `age` and of the receive times.
inline constexpr Duration kFeedbackAgeUnit{16};
inline constexpr Duration kReceiveTimeUnit{250};

/// Largest `age` the field holds, 268 s; older is sent as this.
inline constexpr Duration kFeedbackAgeMax = kFeedbackAgeUnit * 0xFFFFFF;

/// In a report: no play-out delay, or no recovery time, is stated; what was stated before stands.
inline constexpr std::uint16_t kNoMilliseconds = 0xFFFF;

/// Of two feedback numbers, which wrap: `a` is of the later feedback.
constexpr bool newer_feedback(std::uint16_t a, std::uint16_t b) {
  return a != b && static_cast<std::uint16_t>(a - b) < 0x8000;
}

/// Received packets first..last, both included.
struct AckRange {
  PacketNumber first{}, last{};

  bool operator==(const AckRange&) const = default;
};

/// Open equations that a report can state; more are stated as this.
inline constexpr std::uint8_t kOpenEquationsMax = 0x7F;

struct TrackReport {
  TrackId track{};
  Seq oldest_open{};
  std::uint8_t open_equations = 0;  // at most kOpenEquationsMax
  std::uint16_t playout_delay_ms = kNoMilliseconds;
  std::uint16_t recover_within_ms = kNoMilliseconds;

  /// It states either of the two times.
  bool has_times() const {
    return playout_delay_ms != kNoMilliseconds || recover_within_ms != kNoMilliseconds;
  }

  bool operator==(const TrackReport&) const = default;
};

struct Feedback {
  std::uint16_t number = 0;  // of this feedback; wraps
  Duration age{};            // since the highest packet arrived; truncated to 16 us
  std::uint32_t ce = 0;      // packets marked "congestion experienced", 24 bits

  std::array<AckRange, kAckRangesMax> range_storage{};
  std::uint8_t range_count = 0;  // at least 1 in what is sent

  /// In units of 250 us: arrival of the highest less that of the received packet before it, and so
  /// on.
  std::array<std::int32_t, kReceiveTimesMax> time_storage{};
  std::uint8_t time_count = 0;

  std::array<TrackReport, kTrackReportsMax> report_storage{};
  std::uint8_t report_count = 0;

  /// Highest first.
  std::span<const AckRange> ranges() const { return {range_storage.data(), range_count}; }

  std::span<const std::int32_t> times() const { return {time_storage.data(), time_count}; }

  std::span<const TrackReport> reports() const { return {report_storage.data(), report_count}; }

  PacketNumber highest() const { return range_storage[0].last; }

  /// False when full: the caller stops, the oldest goes without.
  bool add_range(AckRange range);
  bool add_time(std::int32_t delta);
  bool add_report(const TrackReport& report);
};

/// Body of the longest FEEDBACK: fits every packet.
inline constexpr std::size_t kFeedbackBytesMax = (2 + 7 + 4 + 1) + 7 + (kAckRangesMax - 1) * 15 +
                                                 1 + kReceiveTimesMax * 5 + 3 +
                                                 kTrackReportsMax * 9;
static_assert(kFrameHeaderBytes + kFeedbackBytesMax <=
              kDatagramBytesMax - kDataHeaderToRelayBytes - kTagBytes);

/// Bytes that encode_feedback() will write; costs one pass.
std::size_t feedback_bytes(const Feedback& feedback) noexcept;

/// Writes the body. `feedback` must have a range; receive times beyond the packets that its ranges
/// name are left out.
void encode_feedback(const Feedback& feedback, Writer& writer) noexcept;

/// Error: kMalformed.
Result<Feedback> decode_feedback(Bytes body) noexcept;

}  // namespace sluice::wire
