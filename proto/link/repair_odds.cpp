#include "proto/link/repair_odds.h"

#include <algorithm>
#include <utility>

namespace sluice::link {

namespace {

/// Below it, in parts of the likeliest outcome, probabilities are taken for zero: three orders
/// below the smallest target times the number of outcomes.
constexpr double kNegligible = 1e-10;

double power(double base, std::size_t exponent) {
  double result = 1;
  for (; exponent != 0; exponent >>= 1U) {
    if ((exponent & 1U) != 0) result *= base;
    base *= base;
  }
  return result;
}

/// How many of some packets are lost: the probability of each number in first..last, and no other
/// number has one worth counting.
class LossCount {
 public:
  /// Of `packets`, each with probability `loss`.
  LossCount(std::size_t packets, double loss, double mean_burst)
      : packets_(std::min(packets, kOddsPacketsMax)), lost_(loss), kept_(1 - loss) {
    if (loss <= 0 || loss >= 1 || packets_ == 0) {
      set_certain(loss >= 1 ? packets_ : 0);
      return;
    }
    const auto n = static_cast<double>(packets_);
    // Wholly correlated losses, all or nothing, have n times the variance; that is no distribution.
    const double variance = std::min(burst_variance(loss, mean_burst, packets_), 0.95 * n);
    correlation_ = packets_ > 1 ? (variance - 1) / (n - variance) : 0;
    spread();
  }

  std::size_t first() const { return first_; }

  std::size_t last() const { return last_; }

  double at(std::size_t losses) const { return chance_[losses]; }

 private:
  void set_certain(std::size_t losses) {
    first_ = last_ = losses;
    chance_[losses] = 1;
  }

  /// P(k + 1) / P(k) of the beta-binomial with alpha = loss / correlation and beta = (1 - loss) /
  /// correlation, which without correlation is the binomial.
  double ratio(std::size_t k) const {
    const auto done = static_cast<double>(k);
    const auto left = static_cast<double>(packets_ - k);
    return left * (lost_ + done * correlation_) /
           ((done + 1) * (kept_ + (left - 1) * correlation_));
  }

  /// From the mean both ways until nothing is left worth counting; then the sum is made 1. Needs
  /// no factorial and no logarithm, and no power of a small number gets out of range. Heavy bursts
  /// have no single peak, so the walk ends only where the outcomes fall.
  void spread() {
    const auto mean =
        std::min(packets_, static_cast<std::size_t>(lost_ * static_cast<double>(packets_)));
    chance_[mean] = 1;
    double sum = 1;
    for (last_ = mean; last_ < packets_; ++last_) {
      const double next = chance_[last_] * ratio(last_);
      if (next < kNegligible && next < chance_[last_]) break;
      sum += chance_[last_ + 1] = next;
    }
    for (first_ = mean; first_ > 0; --first_) {
      const double next = chance_[first_] / ratio(first_ - 1);
      if (next < kNegligible && next < chance_[first_]) break;
      sum += chance_[first_ - 1] = next;
    }
    for (std::size_t k = first_; k <= last_; ++k) chance_[k] /= sum;
  }

  std::size_t packets_;
  double lost_;
  double kept_;
  double correlation_ = 0;
  std::size_t first_ = 0;
  std::size_t last_ = 0;
  std::array<double, kOddsPacketsMax + 1> chance_;  // only first_..last_ are set
};

/// The odds of one window with any number of repairs added.
class Odds {
 public:
  explicit Odds(const OpenWindow& window)
      : window_(window),
        in_flight_(std::size_t{window.parts_by_copies[1]} + window.equations_in_flight) {
    const LossCount twice{window.parts_by_copies[2], power(window.loss, 2), window.mean_burst};
    const LossCount thrice{window.parts_by_copies[3], power(window.loss, 3), window.mean_burst};
    most_ = std::min(twice.last() + thrice.last(), kOddsPacketsMax);
    std::fill_n(more_than_.begin(), most_ + 1, 0.0);
    for (std::size_t a = twice.first(); a <= twice.last(); ++a) {
      for (std::size_t b = thrice.first(); b <= thrice.last() && a + b <= most_; ++b)
        more_than_[a + b] += twice.at(a) * thrice.at(b);
    }
    double above = 0;
    for (std::size_t k = most_ + 1; k-- > 0;) above += std::exchange(more_than_[k], above);
  }

  /// Repairs without which the window has no chance at all.
  std::size_t least() const {
    const std::size_t have = std::size_t{window_.equations_in_hand} + window_.equations_in_flight;
    const std::size_t gone = window_.parts_by_copies[0];
    return gone > have ? gone - have : 0;
  }

  double miss_probability(std::size_t repairs) const {
    if (repairs < least()) return 1;
    const std::size_t bearable = window_.equations_in_hand + window_.equations_in_flight + repairs -
                                 window_.parts_by_copies[0];
    if (bearable >= in_flight_ + repairs + most_) return 0;
    const LossCount lost{in_flight_ + repairs, window_.loss, window_.mean_burst};
    double miss = 0;
    for (std::size_t k = lost.first(); k <= lost.last(); ++k) {
      if (k > bearable) {
        miss += lost.at(k);
      } else if (bearable - k < most_) {
        miss += lost.at(k) * more_than_[bearable - k];
      }
    }
    return miss;
  }

 private:
  const OpenWindow& window_;
  std::size_t in_flight_;
  std::size_t most_ = 0;                               // parts of several copies that may be lost
  std::array<double, kOddsPacketsMax + 1> more_than_;  // P(Y > k), for k up to most_
};

}  // namespace

double burst_variance(double loss, double mean_burst, std::size_t packets) noexcept {
  if (loss <= 0 || loss >= 1 || packets == 0) return 1;
  // One packet lost makes the next one's loss likelier by this much, the one after by its square.
  const double memory = 1 - 1 / (std::max(mean_burst, 1.0) * (1 - loss));
  if (memory <= 0) return 1;
  const auto n = static_cast<double>(packets);
  const double forgets = 1 - memory;
  return (1 + memory) / forgets -
         2 * memory * (1 - power(memory, packets)) / (n * forgets * forgets);
}

double miss_probability(const OpenWindow& window) noexcept {
  return Odds{window}.miss_probability(0);
}

std::uint16_t repairs_needed(const OpenWindow& window, double miss_target,
                             std::uint16_t repairs_max) noexcept {
  const Odds odds{window};
  const std::size_t most = std::min<std::size_t>(repairs_max, 255);
  std::size_t enough = odds.least();
  if (enough >= most) return static_cast<std::uint16_t>(most);
  if (odds.miss_probability(enough) <= miss_target) return static_cast<std::uint16_t>(enough);
  // Doubling steps until it is enough, then halving between the last two.
  std::size_t too_few = enough;
  for (std::size_t step = 1;; step *= 2) {
    enough = std::min(too_few + step, most);
    if (enough == most || odds.miss_probability(enough) <= miss_target) break;
    too_few = enough;
  }
  while (enough - too_few > 1) {
    const std::size_t middle = too_few + (enough - too_few) / 2;
    if (odds.miss_probability(middle) <= miss_target) {
      enough = middle;
    } else {
      too_few = middle;
    }
  }
  return static_cast<std::uint16_t>(enough);
}

}  // namespace sluice::link
