// LossFloor: tells the loss that we cause from the loss that is there anyway (p0). The floor
// follows the loss slowly while the queue is empty and the rate steady. Loss clearly above it,
// while less arrives than is sent, is put on trial: the rate falls once, and when the loss does not
// fall with it, it was not ours; it becomes the floor and the rate comes back. So random loss of
// any height costs one short dip, and a policer, which has no queue to see, is obeyed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "proto/base/time.h"

namespace sluice::congestion {

class LossFloor {
 public:
  enum class Verdict : std::uint8_t { kNone, kFloor, kOurs };

  /// A packet was settled.
  void add(Instant now, Instant sent_at, bool lost);

  /// Share of the last second, and how many packets that is of.
  double loss() const;
  std::uint32_t packets() const;

  double floor() const { return floor_; }

  /// After each feedback. `calm`: empty queue, no recent fall, so that loss is none of ours.
  void update(Instant now, bool calm);

  /// Loss above the floor by more than chance: max(3 %, 3 sigma), sigma that of losses in bursts as
  /// long as those of the last second.
  bool excess() const;

  /// A trial may begin: none is on, and after those that found a floor some time has passed.
  bool may_try(Instant now) const { return !trial_ && now >= next_trial_; }

  /// The rate falls now, because of excess().
  void begin_trial(Instant now);

  /// kFloor or kOurs once when the trial has ended.
  Verdict verdict(Instant now);

 private:
  struct Count {
    std::uint32_t settled = 0, lost = 0, bursts = 0;

    double ratio() const {
      return settled == 0 ? 0.0 : static_cast<double>(lost) / static_cast<double>(settled);
    }
  };

  struct Trial {
    Instant from{};  // what was sent earlier is not asked
    Instant until{};
    double loss_before = 0;
    Count count;
  };

  static constexpr std::int64_t kBuckets = 10;
  static constexpr Duration kBucket = std::chrono::milliseconds{100};

  static constexpr std::size_t slot(std::int64_t bucket) {
    return static_cast<std::size_t>((bucket % kBuckets + kBuckets) % kBuckets);
  }

  void turn_to(Instant now);

  std::array<Count, kBuckets> buckets_{};  // by time mod kBuckets
  Count second_;                           // the sum of them
  std::int64_t newest_ = INT64_MIN;
  std::size_t at_ = 0;            // slot of the newest
  Instant turned_at_ = kLongAgo;  // beginning of the bucket that the last `now` fell in
  double floor_ = 0;
  bool lost_before_ = false;  // the packet settled last
  Instant updated_ = kLongAgo;
  std::optional<Trial> trial_;
  Instant next_trial_ = kLongAgo;
  Duration trial_gap_ = std::chrono::seconds{2};
};

}  // namespace sluice::congestion
