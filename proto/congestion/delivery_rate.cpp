#include "proto/congestion/delivery_rate.h"

#include <algorithm>

namespace sluice::congestion {

void ByteWindow::add(Duration at, std::uint32_t bytes) {
  const std::int64_t bucket = at.count() / kBucketUs;
  // A clock that leapt back (a peer's lie, a new path) starts anew.
  if (newest_ == INT64_MIN || bucket - newest_ >= kBuckets || newest_ - bucket >= kBuckets) {
    bytes_.fill(0);
    first_ = newest_ = bucket;
  }
  for (std::int64_t b = newest_ + 1; b <= bucket; ++b) {
    bytes_[slot(b)] = 0;
  }
  newest_ = std::max(newest_, bucket);
  first_ = std::min(first_, bucket);
  auto& sum = bytes_[slot(bucket)];
  sum = static_cast<std::uint32_t>(std::min<std::uint64_t>(std::uint64_t{sum} + bytes, UINT32_MAX));
}

// The newest bucket is still filling and yet counts in full: asked just after an arrival, the
// window holds half a packet too many, and the two errors meet.
double ByteWindow::bits_per_s(Duration window) const {
  if (newest_ == INT64_MIN) return 0;
  const std::int64_t wanted = std::clamp<std::int64_t>(window.count() / kBucketUs, 1, kBuckets - 1);
  const std::int64_t count = std::min(wanted, newest_ - first_ + 1);
  std::uint64_t bytes = 0;
  for (std::int64_t b = newest_ - count + 1; b <= newest_; ++b) {
    bytes += bytes_[slot(b)];
  }
  const double seconds = static_cast<double>(count) * static_cast<double>(kBucketUs) / 1e6;
  return static_cast<double>(bytes) * 8 / seconds;
}

}  // namespace sluice::congestion
