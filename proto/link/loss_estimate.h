// LossEstimate: what a link takes its path to lose: the share of packets, over about 3 s, and how
// many in a row. Up at once when the newest half second says so beyond chance, down slowly. Zero
// while nothing was lost for ten seconds: a clean link plans no repairs.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "proto/base/time.h"

namespace sluice::link {

class LossEstimate {
 public:
  /// Packets settled by one feedback; `bursts`: of the lost ones so many followed one that was not.
  void add(Instant now, std::uint32_t acknowledged, std::uint32_t lost, std::uint32_t bursts) {
    if (acknowledged + lost == 0) return;
    const double seconds = static_cast<double>((now - last_).count()) / 1e6;
    last_ = now;
    slow_.fade(std::exp(-seconds / kSlowSeconds));
    fast_.fade(std::exp(-seconds / kFastSeconds));
    const double fade = std::exp(-seconds / kBurstSeconds);
    lost_in_bursts_ = lost_in_bursts_ * fade + lost;
    bursts_ = bursts_ * fade + bursts;
    slow_.add(acknowledged, lost);
    fast_.add(acknowledged, lost);
    if (lost > 0) last_loss_ = now;
  }

  /// So many packets that add() was told of as lost have arrived after all.
  void take_back(std::uint32_t late) {
    slow_.take_back(late);
    fast_.take_back(late);
    lost_in_bursts_ = std::max(0.0, lost_in_bursts_ - late);
    bursts_ = std::min(bursts_, lost_in_bursts_);
    if (slow_.lost < kNoneLost) last_loss_ = kLongAgo;
  }

  double loss(Instant now) const {
    if (last_loss_ + kCleanAfter < now) return 0;
    const double chance =
        3 * std::sqrt(slow_.share() * (1 - slow_.share()) / std::max(1.0, fast_.all()));
    const bool rises = fast_.all() >= kFastPackets && fast_.share() > slow_.share() + chance;
    return std::clamp(rises ? fast_.share() : slow_.share(), kFloor, kCeiling);
  }

  double burst() const { return bursts_ > 0 ? std::max(1.0, lost_in_bursts_ / bursts_) : 1.0; }

 private:
  struct Share {
    double acknowledged = 0, lost = 0;

    void fade(double by) {
      acknowledged *= by;
      lost *= by;
    }

    void add(double more_acknowledged, double more_lost) {
      acknowledged += more_acknowledged;
      lost += more_lost;
    }

    void take_back(double late) {
      acknowledged += std::min(late, lost);
      lost -= std::min(late, lost);
    }

    double all() const { return acknowledged + lost; }

    double share() const { return all() > 0 ? lost / all() : 0; }
  };

  static constexpr double kSlowSeconds = 3, kFastSeconds = 0.4, kBurstSeconds = 10;
  static constexpr double kFastPackets = 30;
  static constexpr double kNoneLost = 0.01;  // of one packet
  static constexpr double kFloor = 0.005, kCeiling = 0.9;
  static constexpr Duration kCleanAfter = std::chrono::seconds{10};

  Share slow_, fast_;
  double lost_in_bursts_ = 0, bursts_ = 0;
  Instant last_ = kLongAgo, last_loss_ = kLongAgo;
};

}  // namespace sluice::link
