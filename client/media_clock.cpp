#include "client/media_clock.h"

#include <algorithm>

namespace sluice::client {
namespace {

/// Timestamps that lie this far off are another time line: the pusher's clock was set, or its
/// encoder began again. Half takes a full queue of a slow mobile path for it; double plays nothing
/// for longer after a real one.
constexpr Duration kStep = std::chrono::seconds{3};

/// Each gives one minimum for the slope.
constexpr Duration kWindow = std::chrono::seconds{10};

/// Quartz is good for 100 ppm, two of them for 200; more is a route that grows longer.
constexpr double kSlopeMax = 300e-6;

/// A minimum this far from the line is another route: the line begins anew. Four times what 200 ppm
/// do in a window before the slope is known.
constexpr Duration kOtherRoute = std::chrono::milliseconds{8};

/// Minima that make a line: with fewer, half a millisecond of noise is 50 ppm.
constexpr std::size_t kLineMin = 3;

}  // namespace

std::int64_t MediaClock::unrolled(std::uint32_t dts_ms) const {
  const std::uint32_t step = dts_ms - static_cast<std::uint32_t>(newest_dts_ms_);
  return newest_dts_ms_ + static_cast<std::int32_t>(step);
}

Instant MediaClock::carried(const Sample& sample, Instant now) const {
  if (sample.offset == kNever) return kNever;
  return sample.offset +
         Duration{static_cast<std::int64_t>(slope_ * static_cast<double>(to_us(now - sample.at)))};
}

bool MediaClock::on_arrival(Instant now, std::uint32_t dts_ms) {
  const std::int64_t dts = unrolled(dts_ms);
  const Sample sample{now - std::chrono::milliseconds{dts}, now};
  newest_dts_ms_ = std::max(newest_dts_ms_, dts);
  if (!running_ || sample.offset > base_ + kStep || sample.offset < base_ - kStep) {
    const bool stepped = running_;
    newest_dts_ms_ = dts;
    begin(sample);
    return stepped;
  }
  Sample& second = seconds_.at(now);
  if (sample.offset < second.offset) second = sample;
  if (now - window_began_ >= kWindow) {
    note_minimum(window_);
    window_ = Sample{};
    window_began_ = now;
  }
  if (sample.offset < window_.offset) window_ = sample;
  base_ = kNever;
  seconds_.each(kBaseSeconds, [&](const Sample& s) { base_ = std::min(base_, carried(s, now)); });
  return false;
}

void MediaClock::begin(const Sample& sample) {
  running_ = true;
  base_ = sample.offset;
  seconds_.clear();
  seconds_.at(sample.at) = sample;
  window_ = sample;
  window_began_ = sample.at;
  minima_count_ = 0;
}

void MediaClock::note_minimum(const Sample& sample) {
  if (minima_count_ > 0) {
    const Sample& last = minima_[(minima_count_ - 1) % kMinimaMax];
    const Duration off = sample.offset - carried(last, sample.at);
    if (off > kOtherRoute || off < -kOtherRoute) minima_count_ = 0;
  }
  minima_[minima_count_++ % kMinimaMax] = sample;
  if (minima_count_ >= kLineMin) fit_slope();
}

/// Least squares, around the newest minimum so that the numbers stay small.
void MediaClock::fit_slope() {
  const std::size_t count = std::min(minima_count_, kMinimaMax);
  const Sample& origin = minima_[(minima_count_ - 1) % kMinimaMax];
  double sum_t = 0, sum_o = 0, sum_tt = 0, sum_to = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto t = static_cast<double>(to_us(minima_[i].at - origin.at));
    const auto o = static_cast<double>(to_us(minima_[i].offset - origin.offset));
    sum_t += t, sum_o += o, sum_tt += t * t, sum_to += t * o;
  }
  const auto n = static_cast<double>(count);
  const double spread = n * sum_tt - sum_t * sum_t;
  if (spread <= 0) return;
  slope_ = std::clamp((n * sum_to - sum_t * sum_o) / spread, -kSlopeMax, kSlopeMax);
}

Instant MediaClock::expected(std::uint32_t dts_ms) const {
  return base_ + std::chrono::milliseconds{unrolled(dts_ms)};
}

}  // namespace sluice::client
