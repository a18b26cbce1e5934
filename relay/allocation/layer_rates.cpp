#include "relay/allocation/layer_rates.h"

#include <algorithm>

namespace sluice::relay {
namespace {

std::int64_t bucket_of(Instant now) { return now.time_since_epoch() / LayerRates::kBucket; }

std::size_t slot_of(std::int64_t bucket) {
  return static_cast<std::size_t>(bucket % LayerRates::kBuckets);
}

}  // namespace

void LayerRates::turn_to(Instant now) {
  const std::int64_t bucket = bucket_of(now);
  const auto passed = std::min<std::int64_t>(bucket - newest_, kBuckets);
  for (std::int64_t i = 1; i <= passed; ++i) {
    ByClass& old = buckets_[slot_of(bucket - passed + i)];
    for (std::size_t c = 0; c < kLayerClasses; ++c) sums_[c] -= old[c];
    old.fill(0);
  }
  newest_ = std::max(newest_, bucket);
}

void LayerRates::add(Instant now, std::uint8_t layer_class, std::size_t bytes) {
  turn_to(now);
  if (first_ < 0) first_ = newest_;
  buckets_[slot_of(newest_)][layer_class] += bytes;
  sums_[layer_class] += bytes;
}

std::uint64_t LayerRates::bits_per_s(Instant now, std::uint8_t highest) {
  turn_to(now);
  if (first_ < 0) return 0;
  std::uint64_t bytes = 0;
  for (std::size_t c = 0; c <= highest && c < kLayerClasses; ++c) bytes += sums_[c];
  // A track that has just begun is averaged over the time that it has been there.
  const std::int64_t oldest = std::max<std::int64_t>(first_, newest_ - (kBuckets - 1));
  const Duration elapsed = std::max(now.time_since_epoch() - oldest * kBucket, kBucket);
  constexpr auto kSecond = static_cast<std::uint64_t>(Duration{std::chrono::seconds{1}}.count());
  return bytes * 8 * kSecond / static_cast<std::uint64_t>(elapsed.count());
}

bool LayerRates::present(Instant now, std::uint8_t layer_class) {
  turn_to(now);
  return sums_[layer_class] > 0;
}

}  // namespace sluice::relay
