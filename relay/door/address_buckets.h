// AddressBuckets: what one neighbourhood of addresses (IPv4 /24, IPv6 /48) may cost the door:
// attempts without a cookie and failures. A fixed table under a secret hash, so a flood from
// made-up addresses takes no memory and cannot aim at a victim's bucket; neighbourhoods that meet
// in one share it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "proto/base/address.h"
#include "proto/base/random.h"
#include "proto/base/time.h"

namespace sluice::relay {

class AddressBuckets {
 public:
  /// Attempts at once and a second. Half sends an office that comes back together through one more
  /// round trip (a cookie); double lets one /24 spend 20 ms of the door's time a second.
  static constexpr float kBurst = 200;
  static constexpr float kPerSecond = 100;
  static constexpr std::size_t kBuckets = 1U << 16U;

  AddressBuckets(RandomSource random, Instant now)
      : buckets_(kBuckets, Bucket{kBurst, now}), key_(random.u64()) {}

  /// An attempt without a valid cookie: false when the neighbourhood has used up its share.
  [[nodiscard]] bool take(const Address& address, Instant now) {
    Bucket& bucket = refilled(address, now);
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  /// A failure: also of those that have a cookie.
  void penalize(const Address& address, Instant now) {
    Bucket& bucket = refilled(address, now);
    bucket.tokens = std::max(bucket.tokens - 1, -kBurst);
  }

  /// So many failures that not even a cookie helps.
  bool exhausted(const Address& address, Instant now) {
    return refilled(address, now).tokens <= -kBurst + 1;
  }

 private:
  struct Bucket {
    float tokens;
    Instant at;
  };

  Bucket& refilled(const Address& address, Instant now) {
    Bucket& bucket = buckets_[hash(address) % kBuckets];
    const auto seconds = static_cast<float>((now - bucket.at).count()) / 1e6F;
    bucket.tokens = std::min(bucket.tokens + seconds * kPerSecond, kBurst);
    bucket.at = now;
    return bucket;
  }

  std::uint64_t hash(const Address& address) const {
    constexpr std::size_t kV4PrefixBytes = 12 + 3;
    constexpr std::size_t kV6PrefixBytes = 6;
    std::uint64_t h = key_;
    const std::size_t bytes = address.is_v4() ? kV4PrefixBytes : kV6PrefixBytes;
    for (std::size_t i = 0; i < bytes; ++i) {
      // One round of SplitMix64 a byte, from a secret start.
      h = (h ^ static_cast<std::uint64_t>(address.ip[i])) + 0x9E3779B97F4A7C15ULL;
      h = (h ^ h >> 30U) * 0xBF58476D1CE4E5B9ULL;
      h = (h ^ h >> 27U) * 0x94D049BB133111EBULL;
      h ^= h >> 31U;
    }
    return h;
  }

  std::vector<Bucket> buckets_;
  std::uint64_t key_;
};

}  // namespace sluice::relay
