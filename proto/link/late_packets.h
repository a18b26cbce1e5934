// LatePackets: which of the packets that were taken for lost came after all, and how long to wait
// for the next ones therefore: the reordering window of RFC 8985 (section 6.2), learnt from the
// packets sent again for nothing. Waiting costs each true loss as much of its time, so the window
// is open only while most of what is taken for lost comes after all. The loss detector tells it of
// each loss and of each FEEDBACK.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "proto/base/ids.h"
#include "proto/base/time.h"
#include "proto/wire/feedback.h"

namespace sluice::link {

class LatePackets {
 public:
  void on_lost(Instant now, PacketNumber number) {
    lost_ = lost_ * kFade + 1;
    came_ *= kFade;
    newest_[noted_++ % kKept] = {number.value, now};
  }

  /// Ranges go from high to low, and what lies below them all is not told of any more.
  void on_feedback(Instant now, const wire::Feedback& feedback) {
    for (Lost& each : newest_) {
      if (each.number == kNone) continue;
      bool told = false;
      for (const wire::AckRange& range : feedback.ranges()) {
        told = range.first.value <= each.number;
        if (!told) continue;
        if (each.number <= range.last.value) {
          came(now - each.at);
          each.number = kNone;
        }
        break;
      }
      if (!told) each.number = kNone;
    }
  }

  /// To wait beyond P-LOSS-01's allowance; zero on paths that keep the order and do not jitter.
  Duration window() const { return came_ * 2 > lost_ ? window_ : Duration{0}; }

  /// Packets that were taken for lost and acknowledged after all, as far as feedback says so before
  /// kKept more are lost.
  std::uint64_t total() const { return total_; }

 private:
  /// Their packets are forgotten by then: a lost packet settles like an acknowledged one.
  static constexpr std::size_t kKept = 32;
  static constexpr std::uint64_t kNone = UINT64_MAX;

  /// Sixteen losses are remembered, as there.
  static constexpr double kFade = 15.0 / 16;

  /// What comes later still is of another path, and of no use in a round of repairs.
  static constexpr Duration kWindowMax = std::chrono::milliseconds{30};

  struct Lost {
    std::uint64_t number = kNone;
    Instant at{};
  };

  void came(Duration after) {
    ++total_;
    came_ += 1;
    window_ = std::min(std::max(window_, after), kWindowMax);
  }

  std::array<Lost, kKept> newest_{};
  std::size_t noted_ = 0;
  double lost_ = 0, came_ = 0;  // of the last sixteen or so
  Duration window_{0};
  std::uint64_t total_ = 0;
};

}  // namespace sluice::link
