// MediaClock: where a track's timestamps lie in our clock (P-TIME-01). base = min over 10 s of
// (arrival - dts): base + dts is when a frame would have come on the shortest path. The pusher's
// clock is another one than ours and runs up to 200 ppm faster or slower; over 10 s that is 2 ms,
// over half an hour 360. So the minima of the last two minutes tell a slope, along which those of
// the last 10 s are carried forward: base neither lags behind nor jumps when a minimum leaves the
// window. One a track; used by the jitter buffer. Time is an argument, memory is fixed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "client/recent_seconds.h"
#include "proto/base/time.h"

namespace sluice::client {

class MediaClock {
 public:
  /// The first sight of a part with this dts. What was sent again tells nothing of the path and is
  /// not given here. True when the timestamps made a step and base began anew.
  bool on_arrival(Instant now, std::uint32_t dts_ms);

  /// Something arrived: expected() has a meaning.
  bool running() const { return running_; }

  /// base + dts, by what is known since the newest arrival.
  Instant expected(std::uint32_t dts_ms) const;

  /// How much faster than the pusher's our clock runs, in microseconds per second.
  double drift_ppm() const { return slope_ * 1e6; }

 private:
  /// An arrival - dts, and when that was; the dts unrolled to 64 bits.
  struct Sample {
    Instant offset = kNever;
    Instant at{};
  };

  static constexpr std::size_t kBaseSeconds = 10;

  /// Two minutes. Half doubles what the noise of single minima does to the slope; double follows a
  /// clock whose temperature changes only after minutes.
  static constexpr std::size_t kMinimaMax = 12;

  std::int64_t unrolled(std::uint32_t dts_ms) const;
  void begin(const Sample& sample);
  void note_minimum(const Sample& sample);
  void fit_slope();
  Instant carried(const Sample& sample, Instant now) const;

  bool running_ = false;
  std::int64_t newest_dts_ms_ = 0;
  Instant base_ = kNever;
  RecentSeconds<Sample, kBaseSeconds> seconds_;
  Sample window_;  // the least of the present 10 s
  Instant window_began_ = kLongAgo;
  std::array<Sample, kMinimaMax> minima_{};
  std::size_t minima_count_ = 0;  // ever noted since the last step
  double slope_ = 0;              // of arrival - dts, per time
};

}  // namespace sluice::client
