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
    Price& price = prices_[index(of)];
    price.promised *= 1 - kForget;
    price.missed *= 1 - kForget;
  }

  /// A frame goes with these odds of being missed.
  void promise(MissClass of, double odds) {
    prices_[index(of)].promised += odds;
    raise(of, -std::min(kStep * odds * bias(of) / kGoals[index(of)], kLargestStep));
  }

  void on_missed(MissClass of) { prices_[index(of)].missed += 1; }

  double of(MissClass of) const { return prices_[index(of)].odds; }

  /// Misses for each that was promised. Of its own class: what ordinary frames lack, by the
  /// hundred, says little about a key frame, and must not make one cheap.
  double bias(MissClass of) const {
    const Price& price = prices_[index(of)];
    return std::clamp((price.missed + kDoubt * kFirstBias) / (price.promised + kDoubt), kBiasMin,
                      kBiasMax);
  }

 private:
  static std::size_t index(MissClass of) { return static_cast<std::size_t>(of); }

  void raise(MissClass of, double step) {
    double& odds = prices_[index(of)].odds;
    const double goal = kGoals[index(of)];
    odds = std::clamp(odds * std::exp(step), goal * kLeast, goal * kMost);
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

  struct Price {
    double odds = 0;                  // that a repair must take away
    double promised = 0, missed = 0;  // frames, of late
  };

  std::array<Price, kMissClasses> prices_{{{kGoals[0]}, {kGoals[1]}, {kGoals[2]}}};
};

}  // namespace sluice::link
