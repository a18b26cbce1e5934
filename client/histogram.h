// Histogram: percentiles of durations without keeping the samples. Buckets are log-linear: each
// power of two is cut into 128, so a percentile is exact below 256 µs and within 0.8 % above. Fixed
// memory, no allocation, O(1) to add. For statistics of a client and of the load harness.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace sluice::client {

class Histogram {
 public:
  /// Negative samples (clocks of two hosts) count as 0, those beyond 2^40 µs as that.
  void add(std::int64_t sample_us);

  /// The smallest value that at least `ratio` (0 to 1) of the samples do not exceed; nothing
  /// without samples.
  std::optional<std::uint64_t> percentile(double ratio) const;

  std::uint64_t count() const { return count_; }

  void merge(const Histogram& other);

 private:
  static constexpr unsigned kSubBits = 7;
  static constexpr unsigned kMaxBits = 40;
  static constexpr std::size_t kBuckets = (kMaxBits - kSubBits + 1) << kSubBits;

  static std::size_t bucket_of(std::uint64_t value);
  static std::uint64_t value_of(std::size_t bucket);

  std::array<std::uint32_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
};

}  // namespace sluice::client
