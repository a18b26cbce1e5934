// QueueDelay: how long packets wait in queues now: their one-way delay beyond the least of the last
// 10 s. Clocks of the two ends need not agree; only differences count. The smallest of the newest
// few packets speaks, so that what a train waits behind itself, and jitter, is no queue. The least
// of a minute is kept beside it: a queue that another flow never lets empty hides from the first.
// Arrival times are put together from feedback to feedback, and their small errors add up: by some
// ms in a second where packets come in bursts of one instant. A round trip has no such error, so no
// queue is taken for longer than the round trip grew by.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "proto/base/time.h"

namespace sluice::congestion {

class QueueDelay {
 public:
  /// A packet's one-way delay, from any fixed origin; in order of arrival.
  void add(Instant sent_at, Duration arrival);

  /// A round trip, without the time that the peer held it.
  void add_round_trip(Instant now, Duration rtt);

  /// Zero before the first packet.
  Duration now() const { return std::min(now_, bound_); }

  /// The same beyond the least of the last minute; a rebase does not change it.
  Duration beyond_minute() const { return std::min(beyond_minute_, minute_bound_); }

  /// The delay stands since there is a new path: what is seen now counts as no queue.
  void rebase();

  /// True when a packet was added ever.
  bool measured() const { return count_ > 0; }

 private:
  struct Sample {
    std::int64_t arrival_us = 0;
    std::int64_t delay_us = 0;
  };

  static constexpr std::int64_t kNone = INT64_MAX;
  static constexpr std::int64_t kSeconds = 10;

  /// The least of each of the last `kSeconds` units of time.
  struct Least {
    void add(std::int64_t unit, std::int64_t delay_us);
    void forget();
    std::int64_t least() const;

    std::array<std::int64_t, kSeconds> units{};  // by unit mod kSeconds
    std::int64_t newest = 0;
    bool empty = true;
  };

  static constexpr std::size_t kNewest = 8;

  std::int64_t smallest_of_newest() const;

  Least seconds_;
  Least longer_;                          // in units of 6 s
  std::array<Sample, kNewest> newest_{};  // by count mod kNewest
  std::uint64_t count_ = 0;
  Duration now_{0}, beyond_minute_{0};
  Least round_trips_, longer_round_trips_;
  Duration bound_{INT64_MAX}, minute_bound_{INT64_MAX};
};

}  // namespace sluice::congestion
