#include "proto/congestion/rate_control.h"

#include <algorithm>
#include <cmath>

namespace sluice::congestion {

namespace {

using std::chrono::milliseconds;

/// To this share of what arrives the estimate falls.
constexpr double kFall = 0.85;
constexpr double kAlone = 0.85, kShared = 0.7;
constexpr double kYieldMost = 1.0, kYieldByPart = 0.5, kYieldLeast = 0.72;
constexpr double kRiseSmall = 1.4, kRiseLeast = 0.6;

/// A queue above this is too much however it came; below that one the path is empty enough to rise,
/// and a drain is over at the last.
constexpr Duration kQueueMax = milliseconds{40};
constexpr Duration kQueueToRise = milliseconds{20};
constexpr Duration kQueueEmpty = milliseconds{15};
constexpr Duration kNoQueue = milliseconds{10};

/// Frames differ in size: half a second of those that follow the estimate may be larger by this.
constexpr double kArrived = 0.95, kRoom = 1.4;

/// A source that follows needs 100 ms for it, and the delivery rate half a second to show it.
constexpr Duration kFollowed = milliseconds{1000};

/// No drain is longer: behind it stands another flow, or a path that has changed.
constexpr Duration kDrainMax = milliseconds{1500};

/// A drain sends this share of what arrives, less the higher the queue: 300 ms are gone in 500.
/// While it is not sure that the queue is ours it sends more, so that nobody suffers for nothing.
constexpr double kDrainMost = 0.8, kDrainLeast = 0.4, kDrainUnsure = 0.75;
constexpr double kDrainSeconds = 0.4;

/// So long after a fall the delivery rate's window of 500 ms holds the new rate alone.
constexpr Duration kKnown = milliseconds{600};

/// When a drain that began without growth is judged: so long after its effect can be seen.
constexpr Duration kJudgeAfter = milliseconds{400};

constexpr double kRisePerSecond = 0.08;

/// Near the full rate: one packet of 1200 bytes in 200 ms, whatever the round trip, so that flows
/// of different lengths rise alike; between 1.5 and 4 % of the capacity in a second.
constexpr double kRiseBits = 48'000, kRiseOfCapacityMin = 0.015, kRiseOfCapacityMax = 0.04;

/// Without a proof the estimate does not run further ahead of what arrives.
constexpr double kAheadMax = 1.5;

/// Nor above nearly all that trains say of the bottleneck, unless more than that arrives.
constexpr double kOfTrains = 0.97;

constexpr double kSigmas = 3;

// Competition: a packet per round trip more in each round trip, 0.7 of it after a loss.
constexpr double kCompeteFall = 0.7, kPacketBits = 9'600;

constexpr double kBitsPerKilobit = 1000;

double part_of(double arrives, double capacity) { return capacity > 0 ? arrives / capacity : 1; }

/// To this share of what arrives the estimate falls: 0.85 on a path of our own. Where others send
/// too, the larger our part the lower, so that unequal flows become equal.
double yield(double arrives, double capacity) {
  const double part = part_of(arrives, capacity);
  const double shared = std::clamp(kYieldMost - kYieldByPart * part, kYieldLeast, kYieldMost);
  const double alone = std::clamp((part - kShared) / (kAlone - kShared), 0.0, 1.0);
  return alone * kFall + (1 - alone) * shared;
}

double rise_near_full(double arrives, double capacity) {
  if (capacity <= 0) return kRiseBits;
  const double rise =
      std::clamp(kRiseBits, kRiseOfCapacityMin * capacity, kRiseOfCapacityMax * capacity);
  const double part = part_of(arrives, capacity);
  return part > kAlone ? rise : rise * std::clamp(kRiseSmall - part, kRiseLeast, kRiseSmall);
}

double share_to_drain(Duration queue) {
  const double queue_s = static_cast<double>(to_us(queue)) / 1e6;
  return std::clamp(1 - queue_s / kDrainSeconds, kDrainLeast, kDrainMost);
}

}  // namespace

bool RateControl::update(const PathState& path) {
  const double seconds =
      updated_ == kLongAgo
          ? 0
          : std::clamp(static_cast<double>(to_us(path.now - updated_)) / 1e6, 0.0, 0.1);
  updated_ = path.now;
  if (path.competing) {
    drain_.reset();
    compete(path, seconds);
    return false;
  }
  if (drain_) return drain_step(path);
  const bool high = path.queue > kQueueMax;
  const bool twice = high && high_before_;
  high_before_ = high;
  if (path.growing || twice) {
    fall(path);
  } else if (path.queue < kQueueToRise) {
    rise(path, seconds);
    // What arrives without a queue where trains see room is carried, whatever made the estimate
    // fall below it. Media that follows has followed by then.
    const bool room = path.capacity > kRoom * path.delivered && path.queue < kNoQueue;
    if (room && path.now - fell_at_ > path.srtt + kFollowed) {
      set(std::max(estimate_, kArrived * path.delivered));
    }
  }
  return false;
}

double RateControl::target() const {
  if (!drain_) return estimate_;
  return std::clamp(std::min(drain_->rate, estimate_), min_, max_);
}

Instant RateControl::drain_deadline() const { return drain_ ? drain_->began + kDrainMax : kNever; }

void RateControl::fall(const PathState& path) {
  const bool grew = path.growing || path.slope > 0.05;
  // While the queue grows fast the last 150 ms are all of the new rate; else the longer window is
  // the steadier one.
  const bool fast = grew && (path.queue > kQueueMax || path.slope > 0.15);
  double arrives =
      (fast ? std::min(path.delivered_now, path.delivered) : path.delivered) / (1 - path.floor);
  // Without growth what is sent arrives; a leap of the delay only made a gap in the arrivals.
  if (!grew && !path.losing) arrives = std::max(arrives, path.sent);
  const double share = grew ? share_to_drain(path.queue) : kDrainUnsure;
  const double fall_to = yield(arrives, path.capacity);
  drain_ = Drain{path.now, path.queue, share * arrives, share, estimate_, grew};
  if (grew) full_.add(arrives);
  set(std::min(estimate_, fall_to * arrives));
  fell_at_ = path.now;
  if (grew) filled_at_ = path.now;
  before_loss_.reset();
}

bool RateControl::drain_step(const PathState& path) {
  const Duration since = path.now - drain_->began;
  if (path.queue < kQueueEmpty || since >= kDrainMax) {
    drain_.reset();
    high_before_ = false;
    return false;
  }
  if (!drain_->ours && since > path.srtt + kJudgeAfter) {
    if (unmoved(path)) {
      // What was never sent proves nothing: another flow may have filled the queue.
      const double arrived = drain_->rate / drain_->share;
      set(std::max(estimate_, kArrived * std::min(drain_->estimate_before, arrived)));
      drain_.reset();
      return true;
    }
    drain_->ours = true;
    filled_at_ = path.now;
  }
  // The path has become still narrower since.
  if (path.growing && path.slope > 0.05 && since > path.srtt + milliseconds{100} &&
      path.delivered_now / (1 - path.floor) < 0.9 * drain_->rate) {
    fall(path);
  } else if (drain_->ours) {
    // While a queue stands, what arrives is what the path carries, better known than at the fall.
    double arrived = drain_->rate / drain_->share;
    if (since > kKnown && path.queue > kQueueToRise) {
      arrived = std::min(arrived, path.delivered / (1 - path.floor));
      set(std::min(estimate_, yield(arrived, path.capacity) * arrived));
    }
    drain_->share = share_to_drain(path.queue);
    drain_->rate = arrived * drain_->share;
  }
  return false;
}

// Where all that fills the path is ours, the queue falls by (1 - share) of the time; where others
// send too, by as much less as our part of the capacity is.
bool RateControl::unmoved(const PathState& path) const {
  const double arrived = drain_->rate / drain_->share;
  const double part = path.capacity > 0 ? std::clamp(arrived / path.capacity, 0.05, 1.0) : 1.0;
  const double expected_us = (1 - drain_->share) * part * static_cast<double>(to_us(kJudgeAfter));
  return static_cast<double>(to_us(drain_->queue - path.queue)) < expected_us / 3;
}

void RateControl::rise(const PathState& path, double seconds) {
  double limit = std::min(path.ceiling, kAheadMax * path.delivered / (1 - path.floor) + 10'000);
  if (path.capacity > 0) {
    limit = std::min(limit, std::max(kOfTrains * path.capacity, path.delivered));
  }
  if (estimate_ >= limit) return;
  if (full_.above(estimate_)) full_ = {};
  double more = kRisePerSecond * estimate_;
  if (full_.near(estimate_)) more = rise_near_full(path.delivered, path.capacity);
  set(std::min(estimate_ + more * seconds, limit));
}

void RateControl::compete(const PathState& path, double seconds) {
  const double rtt_s = std::max(static_cast<double>(to_us(path.srtt)) / 1e6, 0.02);
  if (path.loss_to_answer) {
    set(kCompeteFall * std::min(estimate_, 1.2 * path.delivered));
    fell_at_ = path.now;
    before_loss_.reset();
    return;
  }
  const double limit = std::min(path.ceiling, kAheadMax * path.delivered + 10'000);
  if (estimate_ < limit) set(std::min(estimate_ + kPacketBits / rtt_s * seconds / rtt_s, limit));
}

void RateControl::fall_by_loss(const PathState& path) {
  const double before = estimate_;
  set(std::min(estimate_, kFall * path.delivered / (1 - path.floor)));
  fell_at_ = path.now;
  before_loss_ = before;
}

void RateControl::take_back() {
  if (before_loss_) set(std::max(estimate_, *before_loss_));
  before_loss_.reset();
}

void RateControl::proved(double bits_per_s) {
  if (drain_) return;
  set(std::max(estimate_, bits_per_s));
}

void RateControl::set(double bits_per_s) { estimate_ = std::clamp(bits_per_s, min_, max_); }

// The published filter: smoothing 0.05, the variance relative to the mean between 0.4 and 2.5.
void RateControl::FullRate::add(double bits_per_s) {
  const double kilobits = bits_per_s / kBitsPerKilobit;
  if (mean == 0) {
    mean = kilobits;
    return;
  }
  mean = 0.95 * mean + 0.05 * kilobits;
  const double error = mean - kilobits;
  variance = 0.95 * variance + 0.05 * error * error / std::max(mean, 1.0);
  variance = std::clamp(variance, 0.4, 2.5);
}

bool RateControl::FullRate::near(double bits_per_s) const {
  const double kilobits = bits_per_s / kBitsPerKilobit;
  return mean > 0 && std::fabs(kilobits - mean) < kSigmas * std::sqrt(variance * mean);
}

bool RateControl::FullRate::above(double bits_per_s) const {
  const double kilobits = bits_per_s / kBitsPerKilobit;
  return mean > 0 && kilobits > mean + kSigmas * std::sqrt(variance * mean);
}

}  // namespace sluice::congestion
