// TrainCapacity: the rate of the bottleneck, from packets that left back to back (the pacer's runs,
// a frame's parts): it spreads them out to its own rate, whatever else we send. One train is noise
// (250 us of grain, jitter that presses it together), so those of a second are summed; the largest
// second of 30 is the capacity that bounds the pacer, the newest ones are a hint for probing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "proto/base/seq.h"
#include "proto/base/time.h"

namespace sluice::congestion {

class TrainCapacity {
 public:
  /// A packet that arrived, ascending by number; lost ones are simply not named.
  void add(PacketNumber number, Instant sent_at, Duration arrival, std::uint32_t bytes);

  /// Delays jitter by so much (root of the mean square): a train is longer by that for nothing.
  void set_noise(Duration noise) { noise_us_ = noise.count(); }

  /// Largest of 30 s; 0 before the first second with trains enough.
  double bits_per_s() const { return largest_; }

  /// Over the last 1 to 2 s; 0 when there were no trains.
  double recent_bits_per_s() const { return recent_; }

  /// What was sent before `now` says nothing of the path as it is: it has become narrower.
  void begin_anew(Instant now);

  /// Of trains since then; 0 before there were enough.
  double anew_bits_per_s() const { return anew_.bits_per_s(); }

 private:
  struct Second {
    std::uint64_t bytes = 0;
    std::int64_t span_us = 0;
    std::uint32_t packets = 0;
    double fastest = 0;  // of its long trains, bits per second

    void add(std::uint64_t more_bytes, std::int64_t more_us, std::uint32_t more_packets);
    double bits_per_s() const;
  };

  static constexpr std::int64_t kSeconds = 30;

  static constexpr std::size_t slot(std::int64_t index) {
    return static_cast<std::size_t>((index % kSeconds + kSeconds) % kSeconds);
  }

  void end_train();
  Second& second(std::int64_t index);
  void sum_up();

  std::array<Second, kSeconds> seconds_{};  // by second mod kSeconds
  std::int64_t newest_ = INT64_MIN;
  double largest_before_ = 0;  // of the seconds before the newest
  double largest_ = 0, recent_ = 0;
  Second anew_;
  std::int64_t anew_from_us_ = INT64_MIN;
  std::int64_t noise_us_ = 0;

  std::uint64_t last_number_ = 0;
  std::int64_t train_sent_us_ = INT64_MIN;
  std::int64_t first_arrival_us_ = 0;
  std::int64_t last_arrival_us_ = 0;
  std::uint64_t train_bytes_ = 0;  // without its first packet
  std::uint32_t train_packets_ = 0;
};

}  // namespace sluice::congestion
