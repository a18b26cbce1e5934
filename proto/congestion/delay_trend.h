// DelayTrend: does the one-way delay grow? Packets sent within 5 ms are one group; a line is laid
// through the smoothed delays of the last 20 groups, and its slope, scaled, is held against a
// threshold that follows the noise of the path. Method and constants are those published for
// Google Congestion Control (draft-ietf-rmcat-gcc-02 and the trendline filter that replaced its
// Kalman filter), with three of our own: a group's delay is the least of its packets, so that a
// train does not see itself; the largest single leap in the window does not count, as a new path or
// a pause of the radio leaps once, where a queue grows packet by packet; and delays that lie far
// from the line are jitter, which lays slopes at random.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "proto/base/time.h"

namespace sluice::congestion {

class DelayTrend {
 public:
  enum class Signal : std::uint8_t { kSteady, kGrowing, kFalling };

  /// A packet that arrived, in order of sending; what was sent before the newest is left out.
  void add(Instant sent_at, Duration arrival);

  Signal signal() const { return signal_; }

  /// Growth of the smoothed delay, seconds a second: while a queue fills steadily, half of
  /// (sent - capacity) / capacity, as the smoothing begins anew with each window.
  double slope() const { return slope_; }

  /// The slope is more than the noise makes.
  bool sure() const { return sure_; }

  /// It is more than noise makes as a rule.
  bool likely() const { return likely_; }

  double threshold_ms() const { return threshold_ms_; }

 private:
  struct Group {
    std::int64_t first_sent_us = 0;
    std::int64_t arrival_us = 0;  // of the packet with the least delay
    std::int64_t delay_us = 0;
    bool open = false;
  };

  static constexpr std::size_t kWindow = 20;

  void close_group();
  void fit();
  void judge(double scaled_ms, double step_ms);
  void adapt_threshold(double scaled_ms, double step_ms);

  Group group_;
  std::array<Group, kWindow> window_{};  // by groups_ mod kWindow
  std::uint64_t groups_ = 0;
  double slope_ = 0;
  double slope_before_ = 0;
  bool sure_ = false, likely_ = false;
  double threshold_ms_ = 12.5;
  double over_ms_ = 0;
  std::uint32_t over_groups_ = 0;
  Signal signal_ = Signal::kSteady;
};

}  // namespace sluice::congestion
