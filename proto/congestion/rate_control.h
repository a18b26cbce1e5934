// RateControl: the estimate itself. It rises by 8 % a second where nothing is known, by about a
// packet per 200 ms near the capacity that was met last, and falls to a share of what arrives; then
// the path is drained: less is sent until the queue has gone, so that no queue stays. A queue that
// does not answer to a drain is not ours: a longer path, which is told to the caller. In
// competition it rises and falls by loss as a TCP does, a little gentler.
#pragma once

#include <cstdint>
#include <optional>

#include "proto/base/time.h"

namespace sluice::congestion {

/// What the other parts say at one feedback. Rates in bits per second.
struct PathState {
  Instant now{};
  Duration queue{0};  // beyond what jitter can be taken for
  Duration srtt{0};
  bool growing = false;      // DelayTrend
  double slope = 0;          // of the delay, where it is sure
  double delivered = 0;      // over 500 ms
  double delivered_now = 0;  // over 150 ms
  double sent = 0;           // over 500 ms
  double floor = 0;          // LossFloor
  double capacity = 0;       // TrainCapacity, recent; 0 unknown
  double ceiling = 0;        // the estimate need not go higher
  bool losing = false;       // more than the floor
  bool competing = false;
  bool loss_to_answer = false;  // in competition: packets sent after the last fall were lost
};

class RateControl {
 public:
  RateControl(double start, double min, double max) : estimate_(start), min_(min), max_(max) {}

  /// One step. True when the path proved to be a longer one: the queue must be counted anew.
  bool update(const PathState& path);

  /// Falls because of loss (LossFloor's trial).
  void fall_by_loss(const PathState& path);

  /// That fall was for nothing: back to the estimate before it, unless another reason came.
  void take_back();

  /// A probe proved this rate.
  void proved(double bits_per_s);

  double estimate() const { return estimate_; }

  /// The estimate, or less during a drain.
  double target() const;

  bool draining() const { return drain_.has_value(); }

  /// And the queue is ours for sure: it was seen to grow, or answers to the drain.
  bool draining_ours() const { return drain_ && drain_->ours; }

  /// When the drain ends at the latest; kNever without one.
  Instant drain_deadline() const;

  /// When it last fell, for whatever reason; kLongAgo before the first.
  Instant fell_at() const { return fell_at_; }

  /// When a queue of ours was last seen to begin.
  Instant filled_at() const { return filled_at_; }

 private:
  struct Drain {
    Instant began{};
    Duration queue{0};  // when it began
    double rate = 0;
    double share = 0;  // of what arrived
    double estimate_before = 0;
    bool ours = false;  // the delay was growing, or answers to the drain
  };

  /// Mean and deviation of the rates at which the path was full.
  struct FullRate {
    void add(double bits_per_s);
    bool near(double bits_per_s) const;
    bool above(double bits_per_s) const;

    double mean = 0;
    double variance = 0.4;  // relative to the mean, in kbit/s
  };

  void fall(const PathState& path);
  bool drain_step(const PathState& path);
  bool unmoved(const PathState& path) const;
  void rise(const PathState& path, double seconds);
  void compete(const PathState& path, double seconds);
  void set(double bits_per_s);

  double estimate_;
  double min_, max_;
  std::optional<Drain> drain_;
  FullRate full_;
  Instant updated_ = kLongAgo;
  Instant fell_at_ = kLongAgo;
  Instant filled_at_ = kLongAgo;
  std::optional<double> before_loss_;  // the estimate before fall_by_loss()
  bool high_before_ = false;           // the queue was too high at the step before
};

}  // namespace sluice::congestion
