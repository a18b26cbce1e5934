#include "proto/congestion/delivery_rate.h"

#include <algorithm>
#include <numeric>

namespace sluice::congestion {

void ByteWindow::add(Duration at, std::uint32_t bytes) {
  if (at.count() >= newest_began_us_ && at.count() < newest_began_us_ + kBucketUs) {
    return add_to(bytes_[slot(newest_)], bytes);
  }
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
  // Times before 0 are cut towards it, and the shortcut above is not theirs.
  newest_began_us_ = newest_ > 0 ? newest_ * kBucketUs : INT64_MIN;
  add_to(bytes_[slot(bucket)], bytes);
}

void ByteWindow::add_to(std::uint32_t& sum, std::uint32_t bytes) {
  sum = static_cast<std::uint32_t>(std::min<std::uint64_t>(std::uint64_t{sum} + bytes, UINT32_MAX));
}

// The newest bucket is still filling and yet counts in full: asked just after an arrival, the
// window holds half a packet too many, and the two errors meet.
double ByteWindow::bits_per_s(Duration window) const {
  if (newest_ == INT64_MIN) return 0;
  const std::int64_t wanted = std::clamp<std::int64_t>(window.count() / kBucketUs, 1, kBuckets - 1);
  const std::int64_t count = std::min(wanted, newest_ - first_ + 1);
  // In one stretch or, where the ring's end lies in it, two.
  const std::size_t first = slot(newest_ - count + 1), last = slot(newest_);
  const auto at = [this](std::size_t i) { return bytes_.begin() + static_cast<std::ptrdiff_t>(i); };
  const std::uint64_t before_end =
      std::accumulate(at(first), first <= last ? at(last + 1) : bytes_.end(), std::uint64_t{0});
  const std::uint64_t bytes =
      first <= last ? before_end : std::accumulate(bytes_.begin(), at(last + 1), before_end);
  const double seconds = static_cast<double>(count) * static_cast<double>(kBucketUs) / 1e6;
  return static_cast<double>(bytes) * 8 / seconds;
}

}  // namespace sluice::congestion
