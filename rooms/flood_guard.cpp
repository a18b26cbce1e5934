#include "rooms/flood_guard.h"

#include <algorithm>

namespace sluice::rooms {

double FloodGuard::refilled(const Bucket& bucket, Instant now) const {
  const auto rate = static_cast<double>(per_second_);
  const double seconds = static_cast<double>(to_us(now - bucket.at)) * 1e-6;
  return std::min(2 * rate, bucket.tokens + rate * std::max(0.0, seconds));
}

bool FloodGuard::allow(Instant now, Address peer) {
  if (per_second_ == 0) return true;
  peer.port = 0;
  if (!peer.is_v4()) std::fill(peer.ip.begin() + 8, peer.ip.end(), std::byte{});
  auto at = buckets_.find(peer);
  if (at == buckets_.end()) {
    if (buckets_.size() >= kFloodAddressesMax && !make_place(now)) return true;
    at = buckets_.emplace(peer, Bucket{2 * static_cast<double>(per_second_), now}).first;
  }
  Bucket& bucket = at->second;
  bucket.tokens = refilled(bucket, now);
  bucket.at = now;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

/// Forgets those that would start full anyway.
bool FloodGuard::make_place(Instant now) {
  const double full = 2 * static_cast<double>(per_second_);
  std::erase_if(buckets_, [&](const auto& entry) { return refilled(entry.second, now) >= full; });
  return buckets_.size() < kFloodAddressesMax;
}

}  // namespace sluice::rooms
