#include "proto/congestion/delay_trend.h"

#include <algorithm>
#include <cmath>

namespace sluice::congestion {

namespace {

constexpr std::int64_t kGroupUs = 5'000;
constexpr double kSmoothing = 0.9;
constexpr double kGain = 4;
constexpr double kDeltasMax = 60;
constexpr double kOverMs = 10;  // so long above the threshold, and growing, is congestion
constexpr double kUp = 0.0087, kDown = 0.039;
constexpr double kThresholdMinMs = 6, kThresholdMaxMs = 600;
constexpr double kIgnoreMs = 15;  // a value so far off teaches the threshold nothing
constexpr double kStepMaxMs = 100;

/// Jitter lays slopes too: one is no accident when it is so many times its standard error, and is
/// likely to be none at half of that: frames of other sizes and flows beside ours take a queue that
/// fills as far from its line.
constexpr double kSureErrors = 4, kLikelyErrors = 2;

/// Beyond it a slope is a lie of the peer's or a clock that leapt.
constexpr double kSlopeMax = 100;

/// A pause so long ends the line: what was before it says nothing of now.
constexpr std::int64_t kPauseUs = 2'000'000;

}  // namespace

void DelayTrend::add(Instant sent_at, Duration arrival) {
  const std::int64_t sent_us = to_us(sent_at);
  const std::int64_t delay_us = arrival.count() - sent_us;
  if (group_.open && sent_us < group_.first_sent_us) return;
  if (group_.open && sent_us - group_.first_sent_us < kGroupUs) {
    if (delay_us < group_.delay_us) {
      group_.delay_us = delay_us;
      group_.arrival_us = arrival.count();
    }
    return;
  }
  if (group_.open) close_group();
  group_ = {sent_us, arrival.count(), delay_us, true};
}

void DelayTrend::close_group() {
  const Group& before = window_[(groups_ + kWindow - 1) % kWindow];
  if (groups_ > 0 && group_.first_sent_us - before.first_sent_us > kPauseUs) {
    groups_ = 0;
    slope_ = slope_before_ = 0;
    sure_ = likely_ = false;
    signal_ = Signal::kSteady;
  }
  const double step_ms =
      groups_ == 0 ? 0 : static_cast<double>(group_.arrival_us - before.arrival_us) / 1000;
  window_[groups_ % kWindow] = group_;
  ++groups_;
  if (groups_ < 2) return;
  slope_before_ = slope_;
  if (groups_ >= kWindow / 2) fit();
  const double deltas = std::min(static_cast<double>(groups_), kDeltasMax);
  judge(deltas * slope_ * kGain, std::clamp(step_ms, 0.0, kStepMaxMs));
}

// Least squares through (arrival, smoothed delay), and through the delays as they are, which says
// how far they lie from a line. They are rebuilt from their steps so that the largest upward one
// can be left out.
void DelayTrend::fit() {
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(groups_, kWindow));
  const std::uint64_t first = groups_ - count;
  // From the oldest, whose place is sought once: a division for each would cost half of the rest.
  std::array<std::int64_t, kWindow> delay_us, arrival_us;
  std::size_t leap = 0;
  std::int64_t leap_us = 0;
  for (std::size_t i = 0, slot = first % kWindow; i < count; ++i) {
    delay_us[i] = window_[slot].delay_us;
    arrival_us[i] = window_[slot].arrival_us;
    slot = slot + 1 == kWindow ? 0 : slot + 1;
    const std::int64_t step_us = i == 0 ? 0 : delay_us[i] - delay_us[i - 1];
    if (step_us > leap_us) {
      leap_us = step_us;
      leap = i;
    }
  }
  const auto n = static_cast<double>(count);
  double smoothed = 0, x_sum = 0, xx = 0, raw_sum = 0, raw_raw = 0, x_raw = 0, y_sum = 0, x_y = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t without = i >= leap ? leap_us : 0;
    const auto raw = static_cast<double>(delay_us[i] - without - delay_us[0]) / 1000;
    const auto x = static_cast<double>(arrival_us[i] - arrival_us[0]) / 1000;
    smoothed = i == 0 ? raw : kSmoothing * smoothed + (1 - kSmoothing) * raw;
    x_sum += x;
    xx += x * x;
    raw_sum += raw;
    raw_raw += raw * raw;
    x_raw += x * raw;
    y_sum += smoothed;
    x_y += x * smoothed;
  }
  const double below = xx - x_sum * x_sum / n;
  if (below <= 0) {
    slope_ = 0;
    return;
  }
  slope_ = std::clamp((x_y - x_sum * y_sum / n) / below, -kSlopeMax, kSlopeMax);
  const double along = x_raw - x_sum * raw_sum / n;
  const double off = std::max(raw_raw - raw_sum * raw_sum / n - along * along / below, 0.0);
  const double noise_ms = std::sqrt(off / std::max(n - 2, 1.0));
  const double error = noise_ms * std::sqrt(below);
  sure_ = along > kSureErrors * error;
  likely_ = along > kLikelyErrors * error;
}

void DelayTrend::judge(double scaled_ms, double step_ms) {
  if (scaled_ms > threshold_ms_) {
    over_ms_ += step_ms;
    ++over_groups_;
    if (over_ms_ > kOverMs && over_groups_ > 1 && slope_ >= slope_before_) {
      over_ms_ = 0;
      over_groups_ = 0;
      signal_ = Signal::kGrowing;
    }
  } else {
    over_ms_ = 0;
    over_groups_ = 0;
    signal_ = scaled_ms < -threshold_ms_ ? Signal::kFalling : Signal::kSteady;
  }
  adapt_threshold(scaled_ms, step_ms);
}

void DelayTrend::adapt_threshold(double scaled_ms, double step_ms) {
  const double size_ms = std::fabs(scaled_ms);
  if (size_ms > threshold_ms_ + kIgnoreMs) return;
  const double gain = size_ms < threshold_ms_ ? kDown : kUp;
  threshold_ms_ += gain * (size_ms - threshold_ms_) * step_ms;
  threshold_ms_ = std::clamp(threshold_ms_, kThresholdMinMs, kThresholdMaxMs);
}

}  // namespace sluice::congestion
