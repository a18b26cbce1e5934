// QueueDelay: how long packets wait in queues now: their one-way delay beyond the least of the last
// 10 s. Clocks of the two ends need not agree; only differences count. The smallest of the last
// 150 ms speaks, so that what a train waits behind itself, and jitter, is no queue. The least
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
  /// So long before the newest packet those that arrived speak of now: four frames at 30 a second.
  /// A queue lifts the least of them, jitter does not: of delays spread evenly over 60 ms all of
  /// seven are above 30 ms one time in 128.
  static constexpr Duration kWindow = std::chrono::milliseconds{150};

  /// A packet's one-way delay, from any fixed origin; in order of arrival.
  void add(Instant sent_at, Duration arrival);

  /// A round trip, without the time that the peer held it.
  void add_round_trip(Instant now, Duration rtt);

  /// Zero before the first packet.
  Duration now() const;

  /// The same beyond the least of the last minute; a rebase does not change it.
  Duration beyond_minute() const;

  /// Deviation of the delays from the line through their neighbours, each that of a train's first
  /// packet: jitter makes it, and no queue that grows or empties. Where the bottleneck takes
  /// `packet_time` for one packet, a few of those are no jitter. Cost: a median of fifteen.
  Duration jitter(Duration packet_time = Duration{0}) const;

  /// The delay stands since there is a new path: what is seen now counts as no queue.
  void rebase();

  /// True when a packet was added ever.
  bool measured() const { return count_ > 0; }

 private:
  /// Packets that arrived at one time, and the least of their delays.
  struct Group {
    std::int64_t began_us = 0;
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
    std::size_t at = 0;  // of the newest
    bool empty = true;
  };

  static constexpr std::size_t kGroups = 16;
  static constexpr std::size_t kDifferences = 15;

  void note(std::int64_t arrival_us, std::int64_t delay_us);
  Duration beyond(const Least& least) const;
  std::int64_t smallest_of_newest() const;
  void note_jitter(std::int64_t sent_us, std::int64_t delay_us);

  Least seconds_;
  Least longer_;                         // in units of 6 s
  std::array<Group, kGroups> groups_{};  // by count mod kGroups
  std::uint64_t count_ = 0;
  std::int64_t last_sent_us_ = INT64_MIN / 2;
  std::array<std::int64_t, 2> firsts_{};  // delays of the last two trains' first packets
  int firsts_in_row_ = 0;
  std::array<std::int64_t, kDifferences> differences_{};  // by difference_count_ mod their number
  std::uint64_t difference_count_ = 0;
  Least round_trips_, longer_round_trips_;
  Duration bound_{INT64_MAX}, minute_bound_{INT64_MAX};
};

}  // namespace sluice::congestion
