// FloodGuard: how many requests an address may send, as a bucket that refills with time. Whoever
// sends more is answered 429 until it has refilled. One IPv4 address or one IPv6 network of 64 bits
// counts as one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "proto/base/address.h"
#include "proto/base/time.h"

namespace sluice::rooms {

/// Addresses remembered at a time, 100 bytes each. When all are used and none has refilled, a new
/// address is let through uncounted: refusing it would let a flood lock others out.
inline constexpr std::size_t kFloodAddressesMax = 16384;

class FloodGuard {
 public:
  /// `per_second` 0: everything passes. Twice as many may come at once.
  explicit FloodGuard(std::uint64_t per_second) : per_second_(per_second) {}

  bool allow(Instant now, Address peer);

  std::size_t remembered() const { return buckets_.size(); }

 private:
  struct Bucket {
    double tokens = 0;
    Instant at{};
  };

  double refilled(const Bucket& bucket, Instant now) const;
  bool make_place(Instant now);

  std::uint64_t per_second_;
  std::map<Address, Bucket> buckets_;
};

}  // namespace sluice::rooms
