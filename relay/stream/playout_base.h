// PlayoutBase: where a track's timestamps lie in our clock. base = min over 10 s of (arrival -
// dts), so that base + dts is the instant the frame would have come on the shortest path
// (P-TIME-01); and the 24-bit dts unrolled, so that nothing behind this class sees it wrap. Each
// track has one; a step of the timestamps by more than 10 s starts the base anew instead of
// poisoning it.
#pragma once

#include <algorithm>
#include <cstdint>

#include "proto/base/time.h"

namespace sluice::relay {

class PlayoutBase {
 public:
  /// The unrolled dts of a 24-bit one, taken as the nearest to the newest; does not move the
  /// newest.
  std::int64_t unroll(std::uint32_t dts_low) const {
    if (!any_) return dts_low & kMask;
    const std::uint32_t step = (dts_low - static_cast<std::uint32_t>(newest_dts_ms_)) & kMask;
    const auto forward = static_cast<std::int64_t>(step);
    return newest_dts_ms_ +
           (step < kHalf ? forward : forward - static_cast<std::int64_t>(kMask) - 1);
  }

  /// A frame began: its first part seen came at `arrival`.
  void add(Instant arrival, std::int64_t dts_ms) {
    const Instant sample = arrival - std::chrono::milliseconds{dts_ms};
    newest_dts_ms_ = dts_ms;
    if (!any_ || sample > base() + kStep || sample < base() - kStep) return begin(arrival, sample);
    if (arrival - slice_began_ >= kSlice) {
      before_ = present_;
      present_ = sample;
      slice_began_ = arrival;
    }
    present_ = std::min(present_, sample);
  }

  /// When a frame with this dts would have come on the shortest path.
  Instant expected(std::int64_t dts_ms) const {
    return any_ ? base() + std::chrono::milliseconds{dts_ms} : kLongAgo;
  }

 private:
  static constexpr std::uint32_t kMask = 0xFFFFFFU;
  static constexpr std::uint32_t kHalf = 0x800000U;
  /// Two slices make the window of 5 to 10 s. Half follows route changes sooner and takes queueing
  /// for the path; double does the reverse.
  static constexpr Duration kSlice = std::chrono::seconds{5};
  static constexpr Duration kStep = std::chrono::seconds{10};

  Instant base() const { return std::min(before_, present_); }

  void begin(Instant arrival, Instant sample) {
    before_ = present_ = sample;
    slice_began_ = arrival;
    any_ = true;
  }

  bool any_ = false;
  std::int64_t newest_dts_ms_ = 0;
  Instant before_ = kLongAgo, present_ = kLongAgo;
  Instant slice_began_ = kLongAgo;
};

}  // namespace sluice::relay
