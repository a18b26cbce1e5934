#include "proto/congestion/queue_delay.h"

#include <algorithm>
#include <cstdlib>

namespace sluice::congestion {

namespace {

/// Packets that came within this of each other met the same state of the path, and are one group.
constexpr std::int64_t kGroupUs = 10'000;

/// A packet sent so long after the one before is the first of a train and waits for none of it.
constexpr std::int64_t kTrainUs = 5'000;

/// Beyond a pause of this nothing is in a line.
constexpr std::int64_t kPauseUs = 500'000;

/// Of independent values the median size of a second difference is 1.65 times their deviation. The
/// frames of a full path, whose sizes differ, make some ms of it.
constexpr std::int64_t kOffOfTenDeviations = 16;
constexpr std::int64_t kOffMinUs = 16'000, kOffPackets = 2;

/// Even when they are older, so many groups speak: one alone may be late by itself.
constexpr std::uint64_t kGroupsMin = 5;

/// The packets that speak are not the one that the round trip is of: in between a queue moves.
constexpr std::int64_t kBoundSlackUs = 5'000;

constexpr std::int64_t kSecondUs = 1'000'000, kLongerUs = 6'000'000;

}  // namespace

void QueueDelay::add(Instant sent_at, Duration arrival) {
  const std::int64_t delay_us = arrival.count() - to_us(sent_at);
  seconds_.add(to_us(sent_at) / kSecondUs, delay_us);
  longer_.add(to_us(sent_at) / kLongerUs, delay_us);
  note(arrival.count(), delay_us);
  note_jitter(to_us(sent_at), delay_us);
}

void QueueDelay::note_jitter(std::int64_t sent_us, std::int64_t delay_us) {
  const std::int64_t pause_us = sent_us - last_sent_us_;
  last_sent_us_ = sent_us;
  if (pause_us < kTrainUs) return;
  if (pause_us > kPauseUs) firsts_in_row_ = 0;
  if (firsts_in_row_ >= 2) {
    const std::int64_t off_us = std::abs(delay_us - 2 * firsts_[0] + firsts_[1]);
    differences_[difference_count_++ % kDifferences] = off_us;
  }
  firsts_ = {delay_us, firsts_[0]};
  firsts_in_row_ = std::min(firsts_in_row_ + 1, 2);
}

Duration QueueDelay::jitter(Duration packet_time) const {
  auto sorted = differences_;
  std::nth_element(sorted.begin(), sorted.begin() + kDifferences / 2, sorted.end());
  const std::int64_t off_us = sorted[kDifferences / 2];
  const bool none = off_us < std::max(kOffMinUs, packet_time.count() * kOffPackets);
  return Duration{none ? 0 : off_us * 10 / kOffOfTenDeviations};
}

void QueueDelay::note(std::int64_t arrival_us, std::int64_t delay_us) {
  Group* newest = count_ > 0 ? &groups_[(count_ - 1) % kGroups] : nullptr;
  if (newest == nullptr || arrival_us - newest->began_us >= kGroupUs) {
    groups_[count_++ % kGroups] = {arrival_us, delay_us};
  } else {
    newest->delay_us = std::min(newest->delay_us, delay_us);
  }
}

Duration QueueDelay::now() const { return std::min(beyond(seconds_), bound_); }

Duration QueueDelay::beyond_minute() const { return std::min(beyond(longer_), minute_bound_); }

Duration QueueDelay::beyond(const Least& least) const {
  if (count_ == 0) return Duration{0};
  return Duration{std::max<std::int64_t>(smallest_of_newest() - least.least(), 0)};
}

void QueueDelay::add_round_trip(Instant now, Duration rtt) {
  const std::int64_t rtt_us = rtt.count();
  round_trips_.add(to_us(now) / kSecondUs, rtt_us);
  longer_round_trips_.add(to_us(now) / kLongerUs, rtt_us);
  bound_ = Duration{rtt_us - round_trips_.least() + kBoundSlackUs};
  minute_bound_ = Duration{rtt_us - longer_round_trips_.least() + kBoundSlackUs};
}

void QueueDelay::rebase() {
  if (count_ == 0) return;
  const std::int64_t second = seconds_.newest;
  seconds_.forget();
  seconds_.add(second, smallest_of_newest());
}

void QueueDelay::Least::add(std::int64_t unit, std::int64_t delay_us) {
  if (unit == newest && !empty) {
    units[at] = std::min(units[at], delay_us);
    return;
  }
  if (empty || unit - newest >= kSeconds) {
    units.fill(kNone);
    newest = unit;
    empty = false;
  }
  const auto slot = [](std::int64_t u) {
    return static_cast<std::size_t>((u % kSeconds + kSeconds) % kSeconds);
  };
  for (std::int64_t u = newest + 1; u <= unit; ++u) units[slot(u)] = kNone;
  newest = std::max(newest, unit);
  at = slot(newest);
  units[at] = std::min(units[at], delay_us);
}

void QueueDelay::Least::forget() { empty = true; }

std::int64_t QueueDelay::Least::least() const {
  return *std::min_element(units.begin(), units.end());
}

std::int64_t QueueDelay::smallest_of_newest() const {
  const std::uint64_t kept = std::min<std::uint64_t>(count_, kGroups);
  const std::int64_t newest_us = groups_[(count_ - 1) % kGroups].began_us;
  std::int64_t smallest = kNone;
  for (std::uint64_t i = 1; i <= kept; ++i) {
    const Group& group = groups_[(count_ - i) % kGroups];
    if (i > kGroupsMin && newest_us - group.began_us > kWindow.count()) break;
    smallest = std::min(smallest, group.delay_us);
  }
  return smallest;
}

}  // namespace sluice::congestion
