// PaceClock: when a frame of a given timestamp is due, by one clock for all tracks. The first frame
// anchors it; a pipe's is anchored at the arrival of its first byte, so that joining a relay delays
// nothing behind it. Pure arithmetic on 32-bit milliseconds that wrap.
#pragma once

#include <cstdint>

#include "proto/base/time.h"

namespace sluice::client {

class PaceClock {
 public:
  void anchor(Instant at, std::uint32_t timestamp_ms) {
    // Kept as (instant, timestamp) of the newest frame, so that a wrap is only ever a small step.
    at_ = at;
    timestamp_ms_ = timestamp_ms;
    anchored_ = true;
  }

  bool anchored() const { return anchored_; }

  /// When a frame is due. Timestamps that go back are due in the past: now.
  Instant due(std::uint32_t timestamp_ms) {
    const auto step = static_cast<std::int32_t>(timestamp_ms - timestamp_ms_);
    at_ += std::chrono::milliseconds{step};
    timestamp_ms_ = timestamp_ms;
    return at_;
  }

 private:
  Instant at_{};
  std::uint32_t timestamp_ms_ = 0;
  bool anchored_ = false;
};

}  // namespace sluice::client
