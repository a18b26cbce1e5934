#include "proto/link/repair_odds.h"

#include <algorithm>
#include <utility>

namespace sluice::link {

namespace {

/// Below it, in parts of the likeliest outcome, probabilities are taken for zero: three orders
/// below the smallest target times the number of outcomes.
constexpr double kNegligible = 1e-10;

/// Repairs of one window at once.
constexpr std::size_t kTrainMax = 255;

/// A window that fails with more than this is not given up, whatever repairs cost.
constexpr double kLikely = 0.5;

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

/// How many of a row of packets are lost that leave one behind the other: exactly what a two-state
/// channel does, all lost in its bad state. The row grows by one packet at a time.
class Train {
 public:
  Train(double loss, double mean_burst) {
    loss = std::clamp(loss, 0.0, 1.0);
    const bool bursts = loss > 0 && loss < 1 && std::max(mean_burst, 1.0) * (1 - loss) > 1;
    stays_bad_ = bursts ? 1 - 1 / mean_burst : loss;
    turns_bad_ = bursts ? loss / (mean_burst * (1 - loss)) : loss;
    good_[0] = 1 - loss;
    bad_[0] = loss;  // the state of the packet to come
  }

  void grow() {
    // good_ and bad_: k losses so far, and the next packet will pass, or will be lost.
    double lost_before = 0;
    double bad_before = 0;
    for (std::size_t k = 0; k <= packets_; ++k) {
      // The next packet is sent: in the good state k stays, in the bad one it is k + 1.
      lost_before = std::exchange(bad_before, bad_[k]);
      const double passed = good_[k];
      good_[k] = passed * (1 - turns_bad_) + lost_before * (1 - stays_bad_);
      bad_[k] = passed * turns_bad_ + lost_before * stays_bad_;
    }
    ++packets_;
    good_[packets_] = bad_before * (1 - stays_bad_);
    bad_[packets_] = bad_before * stays_bad_;
  }

  std::size_t packets() const { return packets_; }

  double at(std::size_t losses) const { return good_[losses] + bad_[losses]; }

 private:
  double stays_bad_ = 0, turns_bad_ = 0;
  std::size_t packets_ = 0;
  std::array<double, kTrainMax + 1> good_, bad_;  // up to packets_
};

/// The odds of one window with any number of repairs added.
class Odds {
 public:
  explicit Odds(const OpenWindow& window) : window_(window) {
    const std::size_t once = std::size_t{window.parts_by_copies[1]} + window.equations_in_flight;
    more_than_[0] = 1;  // odds of each number at first
    add({once, window.loss, window.mean_burst});
    add({window.parts_by_copies[2], power(window.loss, 2), window.mean_burst});
    add({window.parts_by_copies[3], power(window.loss, 3), window.mean_burst});
    double above = 0;
    for (std::size_t k = most_ + 1; k-- > 0;) above += std::exchange(more_than_[k], above);
  }

  double miss_probability(const Train& repairs) const {
    const std::size_t gone = window_.parts_by_copies[0];
    const std::size_t have =
        std::size_t{window_.equations_in_hand} + window_.equations_in_flight + repairs.packets();
    if (have < gone) return 1;
    const std::size_t bearable = have - gone;
    double miss = 0;
    for (std::size_t k = 0; k <= repairs.packets(); ++k) {
      if (k > bearable) {
        miss += repairs.at(k);
      } else if (bearable - k < most_) {
        miss += repairs.at(k) * more_than_[bearable - k];
      }
    }
    return miss;
  }

 private:
  void add(const LossCount& more) {
    if (more.last() == 0) return;
    const std::size_t most = std::min(most_ + more.last(), kOddsPacketsMax);
    std::fill(more_than_.begin() + static_cast<std::ptrdiff_t>(most_) + 1,
              more_than_.begin() + static_cast<std::ptrdiff_t>(most) + 1, 0.0);
    for (std::size_t sum = most + 1; sum-- > 0;) {
      double odds = 0;
      const std::size_t from = std::max(more.first(), sum > most_ ? sum - most_ : 0);
      for (std::size_t k = from; k <= std::min(more.last(), sum); ++k) {
        odds += more.at(k) * more_than_[sum - k];
      }
      more_than_[sum] = odds;
    }
    most_ = most;
  }

  const OpenWindow& window_;
  std::size_t most_ = 0;                               // packets in flight that may be lost
  std::array<double, kOddsPacketsMax + 1> more_than_;  // P(that many and more), up to most_
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
  return Odds{window}.miss_probability(Train{window.loss, window.mean_burst});
}

std::uint16_t repairs_needed(const OpenWindow& window, double miss_target,
                             std::uint16_t repairs_max) noexcept {
  const Odds odds{window};
  const std::size_t most = std::min<std::size_t>(repairs_max, kTrainMax);
  Train train{window.loss, window.mean_burst};
  while (train.packets() < most && odds.miss_probability(train) > miss_target) train.grow();
  return static_cast<std::uint16_t>(train.packets());
}

RepairChoice repairs_worth(const OpenWindow& window, double price,
                           std::uint16_t repairs_max) noexcept {
  const Odds odds{window};
  const std::size_t most = std::min<std::size_t>(repairs_max, kTrainMax);
  Train train{window.loss, window.mean_burst};
  RepairChoice best{0, odds.miss_probability(train)};
  double least = best.miss;
  // While a miss is likelier than not, one repair more may gain little and the next one much; in
  // the end no number of repairs gains more than the miss that is left.
  for (double miss = best.miss; miss > price && train.packets() < most;) {
    train.grow();
    miss = odds.miss_probability(train);
    const double cost = miss + price * static_cast<double>(train.packets());
    if (cost > least && best.miss < kLikely) continue;
    least = cost;
    best = {static_cast<std::uint16_t>(train.packets()), miss};
  }
  return best;
}

}  // namespace sluice::link
