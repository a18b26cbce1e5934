// MissPrice: what one coded repair must be worth, in odds of a miss, so that on the whole as many
// media frames of a class are missed as may be, and no fewer: below that every repair is wasted.
// The repair controller of one egress track asks it in the last round of a frame and tells it the
// odds that it left. Where most frames never come to a last round, those that do may be given up
// with greater odds.
//
// The odds come from a model of the path. What was missed in truth corrects them, the more the
// longer it was watched, so that a path that loses unlike the model is paid for as it is.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "proto/link/link_types.h"

namespace sluice::link {

class MissPrice {
 public:
  void on_frame(MissClass of) {
    raise(of, kStep);
    promised_ *= 1 - kForget;
    missed_ *= 1 - kForget;
  }

  /// A frame goes with these odds of being missed.
  void promise(MissClass of, double odds) {
    promised_ += odds;
    raise(of, -std::min(kStep * odds * bias() / kGoals[index(of)], kLargestStep));
  }

  void on_missed() { missed_ += 1; }

  double of(MissClass of) const { return prices_[index(of)]; }

  /// Misses for each that was promised.
  double bias() const {
    return std::clamp((missed_ + kDoubt * kFirstBias) / (promised_ + kDoubt), kBiasMin, kBiasMax);
  }

 private:
  static std::size_t index(MissClass of) { return static_cast<std::size_t>(of); }

  void raise(MissClass of, double step) {
    const std::size_t i = index(of);
    prices_[i] = std::clamp(prices_[i] * std::exp(step), kGoals[i] * kLeast, kGoals[i] * kMost);
  }

  /// Share of frames that may be missed, by MissClass: 0.1 % with some room for what is seen late.
  /// Key frames are worth more, as everything else hangs on them; on the top layer nothing does.
  static constexpr std::array<double, kMissClasses> kGoals{0.00065, 0.0002, 0.007};

  /// A frame that was missed for nothing is made good by a hundred that were not.
  static constexpr double kStep = 0.01, kLargestStep = 1;

  /// Bounds of a price, in goals. Few frames come to a last round where a price is high.
  static constexpr double kLeast = 0.1, kMost = 40;

  /// Misses that must be seen before they count as much as the model, which is taken to promise too
  /// much by a little; half of all is forgotten after an hour at 30 frames a second.
  static constexpr double kDoubt = 10, kFirstBias = 1.3, kForget = 6e-6;
  static constexpr double kBiasMin = 0.5, kBiasMax = 4;

  std::array<double, kMissClasses> prices_ = kGoals;
  double promised_ = 0, missed_ = 0;
};

}  // namespace sluice::link
