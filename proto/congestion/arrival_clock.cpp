#include "proto/congestion/arrival_clock.h"

#include <algorithm>

namespace sluice::congestion {

namespace {

/// Differences beyond a minute are a peer's lie; bounded, no sum of them can overflow.
constexpr std::int64_t kDifferenceUsMax = 60'000'000;

/// The receiver cuts the way from its highest to each packet down to whole grains: half a grain
/// later is nearest to the truth. Without it each feedback would start 125 us too early, 4 ms in a
/// second, and a queue that grows by less would not be seen.
constexpr std::int64_t kCutUs = ArrivalClock::kUnit.count() / 2;

}  // namespace

void ArrivalClock::begin(Instant now, Duration age, PacketNumber highest) {
  by_age_us_ = to_us(now) - to_us(age);
  read_[0] = {highest.value, 0};
  read_count_ = 1;
}

void ArrivalClock::add(PacketNumber number, std::int32_t units) {
  if (read_count_ == 0 || read_count_ == read_.size()) return;
  const Entry& later = read_[read_count_ - 1];
  if (number.value >= later.number) return;
  const std::int64_t earlier_us =
      std::clamp<std::int64_t>(units * kUnit.count(), -kDifferenceUsMax, kDifferenceUsMax);
  // The highest one's time was not cut. Once: the receiver carries the rest.
  const std::int64_t cut_us = read_count_ == 1 ? kCutUs : 0;
  read_[read_count_++] = {number.value, later.at_us - earlier_us - cut_us};
}

void ArrivalClock::finish() {
  if (read_count_ == 0) return;
  const std::optional<std::int64_t> overlap = origin_by_overlap();
  const std::int64_t origin = overlap ? *overlap : by_age_us_ - way_back_us_.value_or(0);
  // The way back without its own queue would be its minimum; the newest is near enough for a gap,
  // after which the queue is measured anew in any case.
  way_back_us_ = by_age_us_ - origin;
  for (std::size_t i = 0; i < unknown_count_; ++i) {
    keep({read_[i].number, read_[i].at_us + origin});
  }
  read_count_ = 0;
}

std::optional<Duration> ArrivalClock::arrival_of(PacketNumber number) const {
  const std::int64_t* at_us = find(number.value);
  if (at_us == nullptr) return std::nullopt;
  return Duration{*at_us};
}

// An entry is taken for that of a packet 2^32 before at the most: nobody asks for one so old.
const std::int64_t* ArrivalClock::find(std::uint64_t number) const {
  const auto wanted = static_cast<std::uint32_t>(number) + 1;
  if (wanted == 0 || kept_numbers_[number % kKept] != wanted) return nullptr;
  return &kept_at_us_[number % kKept];
}

void ArrivalClock::keep(const Entry& entry) {
  kept_numbers_[entry.number % kKept] = static_cast<std::uint32_t>(entry.number) + 1;
  kept_at_us_[entry.number % kKept] = entry.at_us;
}

// The mean over all that both name: one pair alone is off by up to a grain, and from feedback to
// feedback such errors add up. What is known stays, as a packet has one arrival, whoever tells it
// again: the others come to the front of read_.
std::optional<std::int64_t> ArrivalClock::origin_by_overlap() {
  std::int64_t sum = 0;
  unknown_count_ = 0;
  for (std::size_t i = 0; i < read_count_; ++i) {
    const std::int64_t* known = find(read_[i].number);
    if (known == nullptr) {
      read_[unknown_count_++] = read_[i];
    } else {
      sum += *known - read_[i].at_us;
    }
  }
  const auto count = static_cast<std::int64_t>(read_count_ - unknown_count_);
  if (count == 0) return std::nullopt;
  return sum / count;
}

}  // namespace sluice::congestion
