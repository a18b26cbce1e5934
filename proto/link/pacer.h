// Pacer: spaces runs so that what leaves in a short while fits the path. Its grain is a run: it
// grants up to quantum() packets at once, then waits for their time at the path's capacity. The
// capacity is set from outside: a fixed figure until congestion control measures one. 0 bits/s is
// the null pacer, which never waits.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "proto/base/limits.h"
#include "proto/base/time.h"

namespace sluice::link {

class Pacer {
 public:
  explicit Pacer(std::uint64_t capacity_bits_per_s) : capacity_(capacity_bits_per_s) {}

  void set_capacity(std::uint64_t bits_per_s) { capacity_ = bits_per_s; }

  std::uint64_t capacity_bits_per_s() const { return capacity_; }

  /// Packets of one run: 5 ms of the capacity, at least 2 so that a train can be measured, at most
  /// what one system call takes.
  std::size_t quantum() const {
    if (capacity_ == 0) return kRunPacketsMax;
    const std::uint64_t packets = capacity_ / (8 * 200) / kDatagramBytesMax;
    return std::clamp<std::size_t>(packets, 2, kRunPacketsMax);
  }

  bool may_send(Instant now) const { return free_at_ <= now; }

  /// When the next run may go; in the past when it may go now.
  Instant free_at() const { return free_at_; }

  /// `bytes` were sent now, granted or not (audio and control do not ask).
  void on_sent(Instant now, std::size_t bytes) {
    if (capacity_ == 0) return;
    free_at_ = std::max(free_at_, now - kCreditMax) + time_of(bytes);
  }

  /// What `bytes` need at this capacity.
  Duration time_of(std::uint64_t bytes) const {
    if (capacity_ == 0) return Duration{0};
    // 2^64 / 8e6 bytes is 2 TB: far more than any queue holds, so this does not overflow.
    return Duration{static_cast<std::int64_t>(bytes * 8'000'000 / capacity_)};
  }

 private:
  /// Time not used that still counts: timers wake up to 1 ms late, and without it a capacity above
  /// one run per millisecond could never be reached. More would let whole frames out unspaced.
  static constexpr Duration kCreditMax = std::chrono::milliseconds{1};

  std::uint64_t capacity_;
  Instant free_at_ = kLongAgo;
};

}  // namespace sluice::link
