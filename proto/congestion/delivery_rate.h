// DeliveryRate: bits per second that arrive, by the peer's clock, and that were sent, by ours, over
// the same recent packets. While a queue stands the first is the path's capacity, or our share of
// it; where the first falls behind the second a queue grows or packets are lost.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "proto/base/time.h"

namespace sluice::congestion {

/// Bytes over time in buckets of 10 ms; the newest stretch can be asked up to 1.2 s.
class ByteWindow {
 public:
  void add(Duration at, std::uint32_t bytes);

  /// Bits per second in the last `window` before the newest bucket; over what there is when less.
  double bits_per_s(Duration window) const;

 private:
  static constexpr std::int64_t kBucketUs = 10'000;
  static constexpr std::int64_t kBuckets = 128;  // a power of two, so that slot() is a mask

  static constexpr std::size_t slot(std::int64_t bucket) {
    return static_cast<std::size_t>(static_cast<std::uint64_t>(bucket) % kBuckets);
  }

  static void add_to(std::uint32_t& sum, std::uint32_t bytes);

  std::array<std::uint32_t, kBuckets> bytes_{};  // by bucket mod kBuckets
  std::int64_t first_ = INT64_MAX;
  std::int64_t newest_ = INT64_MIN;
  std::int64_t newest_began_us_ = INT64_MIN;
};

class DeliveryRate {
 public:
  /// A packet was settled; `arrival` only when it arrived at a known time.
  void on_sent(Instant sent_at, std::uint32_t bytes) { sent_.add(Duration{to_us(sent_at)}, bytes); }

  void on_arrival(Duration arrival, std::uint32_t bytes) { arrived_.add(arrival, bytes); }

  /// Windows up to 1.2 s.
  double delivered_bits_per_s(Duration window) const { return arrived_.bits_per_s(window); }

  double sent_bits_per_s(Duration window) const { return sent_.bits_per_s(window); }

 private:
  ByteWindow arrived_, sent_;
};

}  // namespace sluice::congestion
