#include "proto/congestion/queue_delay.h"

#include <algorithm>

namespace sluice::congestion {

namespace {

/// Packets that arrived this long before the newest still speak of now: a frame's train at 30
/// frames a second. Twice it answers to a fall one frame later; half lets jitter through.
constexpr std::int64_t kNowUs = 50'000;

/// Even when they are older, so many speak: one alone may be late by itself.
constexpr std::uint64_t kPacketsMin = 3;

/// The packets that speak are not the one that the round trip is of: in between a queue moves.
constexpr std::int64_t kBoundSlackUs = 5'000;

constexpr std::int64_t kSecondUs = 1'000'000, kLongerUs = 6'000'000;

}  // namespace

void QueueDelay::add(Instant sent_at, Duration arrival) {
  const std::int64_t delay_us = arrival.count() - to_us(sent_at);
  seconds_.add(to_us(sent_at) / kSecondUs, delay_us);
  longer_.add(to_us(sent_at) / kLongerUs, delay_us);
  newest_[count_ % kNewest] = {arrival.count(), delay_us};
  ++count_;
  const std::int64_t smallest = smallest_of_newest();
  now_ = Duration{std::max<std::int64_t>(smallest - seconds_.least(), 0)};
  beyond_minute_ = Duration{std::max<std::int64_t>(smallest - longer_.least(), 0)};
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
  now_ = Duration{0};
}

void QueueDelay::Least::add(std::int64_t unit, std::int64_t delay_us) {
  if (empty || unit - newest >= kSeconds) {
    units.fill(kNone);
    newest = unit;
    empty = false;
  }
  const auto slot = [this](std::int64_t u) -> std::int64_t& {
    return units[static_cast<std::size_t>((u % kSeconds + kSeconds) % kSeconds)];
  };
  for (std::int64_t u = newest + 1; u <= unit; ++u) slot(u) = kNone;
  newest = std::max(newest, unit);
  slot(newest) = std::min(slot(newest), delay_us);
}

void QueueDelay::Least::forget() { empty = true; }

std::int64_t QueueDelay::Least::least() const {
  return *std::min_element(units.begin(), units.end());
}

std::int64_t QueueDelay::smallest_of_newest() const {
  const std::uint64_t kept = std::min<std::uint64_t>(count_, kNewest);
  const std::int64_t newest_us = newest_[(count_ - 1) % kNewest].arrival_us;
  std::int64_t smallest = kNone;
  for (std::uint64_t i = 1; i <= kept; ++i) {
    const Sample& sample = newest_[(count_ - i) % kNewest];
    if (i > kPacketsMin && newest_us - sample.arrival_us > kNowUs) break;
    smallest = std::min(smallest, sample.delay_us);
  }
  return smallest;
}

}  // namespace sluice::congestion
