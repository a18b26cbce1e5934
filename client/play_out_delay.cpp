#include "client/play_out_delay.h"

#include <algorithm>

namespace sluice::client {
namespace {

/// From a loss to the sender's knowledge of it, beyond the way: a feedback is at most 10 ms away
/// while packets are lost, and timers and queues take some of the rest. Too little, and the round
/// that B was meant for does not fit by the sender's reckoning.
constexpr Duration kDetection = std::chrono::milliseconds{15};

/// Safety before the deadline, beyond what was seen.
constexpr Duration kGuard = std::chrono::milliseconds{5};

/// B before anything was seen: the upper end of what a clean path needs.
constexpr Duration kFirst = std::chrono::milliseconds{30};

/// 2 ms a second: a microsecond in this time.
constexpr std::int64_t kShrinkOneEveryUs = 500;

/// Loss beyond which a round, and a second one, is worth its delay.
constexpr double kLossOneRound = 0.001;
constexpr double kLossTwoRounds = 0.1;

/// One lost part says nothing: the ratio of the long window is taken of this many at the least, so
/// that one in 10 s is no loss.
constexpr std::int64_t kLongPartsMin = 1000;

/// Heavy loss is seen within a second. Beyond what 5 % reach there by chance: 4 sigma of 100 parts.
constexpr double kLossHeavy = 0.15;
constexpr std::int64_t kShortPartsMin = 100;

/// A median of fewer recoveries than this is chance.
constexpr std::ptrdiff_t kRecoveriesMin = 8;
constexpr Duration kRecoveryAge = std::chrono::seconds{10};

}  // namespace

PlayOutDelay::PlayOutDelay(Bounds bounds)
    : bounds_(bounds), value_(std::clamp(kFirst, bounds.min, std::max(bounds.min, bounds.max))) {}

void PlayOutDelay::on_parts(Instant now, std::uint32_t came, std::uint32_t missing) {
  Parts& parts = parts_.at(now);
  parts.came += came;
  parts.missing += missing;
}

void PlayOutDelay::on_found(Instant now, std::uint32_t found) { parts_.at(now).missing -= found; }

void PlayOutDelay::on_recovered(Instant now, Duration after) {
  recoveries_[recoveries_count_++ % kRecoveriesMax] = {now, after};
}

double PlayOutDelay::loss(std::size_t seconds, std::int64_t parts_min) const {
  std::int64_t came = 0;
  std::int64_t missing = 0;
  parts_.each(seconds, [&](const Parts& parts) {
    came += parts.came;
    missing += parts.missing;
  });
  missing = std::max<std::int64_t>(missing, 0);
  return static_cast<double>(missing) / static_cast<double>(std::max(came + missing, parts_min));
}

/// What one round takes: by our own round trip, or by what was seen where that is longer, as the
/// loss may be on the pusher's way to the relay. More than half of what is lost comes in its first
/// round, so the median tells it.
Duration PlayOutDelay::round(Instant now) const {
  std::array<Duration, kRecoveriesMax> seen{};
  std::ptrdiff_t count = 0;
  for (const Recovery& recovery : recoveries_) {
    if (now - recovery.at > kRecoveryAge) continue;
    seen[static_cast<std::size_t>(count++)] = recovery.after;
  }
  const Duration own = round_trip_ + kDetection;
  if (count < kRecoveriesMin) return own;
  const auto middle = seen.begin() + count / 2;
  std::nth_element(seen.begin(), middle, seen.begin() + count);
  return std::max(own, *middle);
}

Duration PlayOutDelay::wanted(Instant now) {
  parts_.at(now);
  const double of_late = std::max(loss(1, kShortPartsMin), loss(2, kShortPartsMin));
  const double steady = loss(kLossSeconds, kLongPartsMin);
  rounds_ = 0;
  if (steady > kLossOneRound) rounds_ = 1;
  if (steady > kLossTwoRounds || of_late > kLossHeavy) rounds_ = 2;
  const Duration recovery = rounds_ == 0 ? Duration{0} : rounds_ * round(now);
  return std::max(jitter_.p999(now) + recovery + kGuard, kPlayOutMin);
}

void PlayOutDelay::update(Instant now) {
  if (shrunk_at_ == kNever) shrunk_at_ = now;
  // Turns may be closer than one microsecond of shrinking takes: what is left of it is kept.
  const std::int64_t shrink =
      std::max<std::int64_t>(0, to_us(now - shrunk_at_)) / kShrinkOneEveryUs;
  shrunk_at_ += Duration{shrink * kShrinkOneEveryUs};
  value_ = std::clamp(std::max(wanted(now), value_ - Duration{shrink}), bounds_.min,
                      std::max(bounds_.min, bounds_.max));
}

}  // namespace sluice::client
