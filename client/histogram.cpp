#include "client/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace sluice::client {

std::size_t Histogram::bucket_of(std::uint64_t value) {
  constexpr std::uint64_t kSub = 1ULL << kSubBits;
  if (value < kSub) return static_cast<std::size_t>(value);
  const auto octave = static_cast<unsigned>(std::bit_width(value)) - 1 - kSubBits;
  const std::uint64_t within = (value >> octave) - kSub;
  return static_cast<std::size_t>((octave + 1) * kSub + within);
}

std::uint64_t Histogram::value_of(std::size_t bucket) {
  constexpr std::uint64_t kSub = 1ULL << kSubBits;
  if (bucket < kSub) return bucket;
  const std::uint64_t octave = bucket / kSub - 1;
  return (kSub + bucket % kSub) << octave;
}

void Histogram::add(std::int64_t sample_us) {
  constexpr std::int64_t kMax = (1LL << kMaxBits) - 1;
  const auto value = static_cast<std::uint64_t>(std::clamp<std::int64_t>(sample_us, 0, kMax));
  ++buckets_[bucket_of(value)];
  ++count_;
}

std::optional<std::uint64_t> Histogram::percentile(double ratio) const {
  if (count_ == 0) return std::nullopt;
  const double wanted = std::ceil(std::clamp(ratio, 0.0, 1.0) * static_cast<double>(count_));
  const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(wanted));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i];
    if (seen >= rank) return value_of(i);
  }
  return value_of(kBuckets - 1);
}

void Histogram::merge(const Histogram& other) {
  for (std::size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
}

}  // namespace sluice::client
