#include "proto/congestion/loss_floor.h"

#include <algorithm>
#include <cmath>

namespace sluice::congestion {

namespace {

/// Less than this above the floor is no reason to act: codecs and repairs bear it.
constexpr double kExcessMin = 0.03;
constexpr double kSigmas = 3;

/// The floor's time constants: slowly up, so that loss of our own making is caught by a trial
/// first; faster down, as a floor too high hides congestion.
constexpr double kRiseSeconds = 4, kFallSeconds = 1;

/// An encoder needs so long to follow the target; what was sent before says nothing of the trial.
constexpr Duration kTrialLead = std::chrono::milliseconds{150};
constexpr Duration kTrialMax = std::chrono::milliseconds{1500};
constexpr std::uint32_t kTrialPackets = 80;

/// Still so much of the loss after the fall: it does not answer to us.
constexpr double kStays = 0.6;

constexpr Duration kTrialGapMin = std::chrono::seconds{2};
constexpr Duration kTrialGapMax = std::chrono::seconds{60};

}  // namespace

void LossFloor::add(Instant now, Instant sent_at, bool lost) {
  turn_to(now);
  for (Count* count : {&buckets_[at_], &second_}) {
    ++count->settled;
    count->lost += lost ? 1 : 0;
    count->bursts += lost && !lost_before_ ? 1 : 0;
  }
  lost_before_ = lost;
  if (trial_ && sent_at >= trial_->from) {
    ++trial_->count.settled;
    trial_->count.lost += lost ? 1 : 0;
  }
}

double LossFloor::loss() const { return second_.ratio(); }

std::uint32_t LossFloor::packets() const { return second_.settled; }

void LossFloor::update(Instant now, bool calm) {
  turn_to(now);
  const double seconds =
      updated_ == kLongAgo ? 0
                           : std::clamp(static_cast<double>(to_us(now - updated_)) / 1e6, 0.0, 0.1);
  updated_ = now;
  if (packets() == 0) return;
  const double difference = loss() - floor_;
  if (difference > 0 && !calm) return;
  floor_ += difference * seconds / (difference > 0 ? kRiseSeconds : kFallSeconds);
  floor_ = std::clamp(floor_, 0.0, 0.9);
}

bool LossFloor::excess() const {
  const Count& count = second_;
  if (count.settled < 20) return false;
  const double p = std::clamp(std::max(count.ratio(), floor_), 0.01, 0.99);
  // Of a chain with bursts of mean length b the share varies by (2 b (1 - p) - 1) as much.
  const double burst =
      count.bursts == 0 ? 1 : static_cast<double>(count.lost) / static_cast<double>(count.bursts);
  const double clustered = std::max(2 * burst * (1 - p) - 1, 1.0);
  const double sigma = std::sqrt(clustered * p * (1 - p) / static_cast<double>(count.settled));
  return count.ratio() - floor_ > std::max(kExcessMin, kSigmas * sigma);
}

void LossFloor::begin_trial(Instant now) {
  trial_ = Trial{now + kTrialLead, now + kTrialLead + kTrialMax, loss(), {}};
}

LossFloor::Verdict LossFloor::verdict(Instant now) {
  if (!trial_) return Verdict::kNone;
  if (trial_->count.settled < kTrialPackets && now < trial_->until) return Verdict::kNone;
  const Trial trial = *trial_;
  trial_.reset();
  if (trial.count.settled < kTrialPackets / 4 || trial.count.ratio() < kStays * trial.loss_before) {
    trial_gap_ = kTrialGapMin;
    next_trial_ = now;
    return Verdict::kOurs;
  }
  floor_ = std::min(trial.count.ratio(), 0.9);
  next_trial_ = now + trial_gap_;
  trial_gap_ = std::min(trial_gap_ * 2, kTrialGapMax);
  return Verdict::kFloor;
}

void LossFloor::turn_to(Instant now) {
  if (now < turned_at_ + kBucket && now >= turned_at_) return;
  const std::int64_t bucket = now.time_since_epoch() / kBucket;
  turned_at_ = Instant{bucket * kBucket};
  if (bucket == newest_) return;
  if (newest_ == INT64_MIN || bucket - newest_ >= kBuckets) {
    buckets_.fill({});
    second_ = {};
    newest_ = bucket;
  }
  for (std::int64_t b = newest_ + 1; b <= bucket; ++b) {
    Count& oldest = buckets_[slot(b)];
    second_.settled -= oldest.settled;
    second_.lost -= oldest.lost;
    second_.bursts -= oldest.bursts;
    oldest = {};
  }
  newest_ = std::max(newest_, bucket);
  at_ = slot(newest_);
}

}  // namespace sluice::congestion
