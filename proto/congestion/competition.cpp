#include "proto/congestion/competition.h"

#include <algorithm>

namespace sluice::congestion {

namespace {

constexpr Duration kHigh = std::chrono::milliseconds{60};
constexpr Duration kEmpty = std::chrono::milliseconds{20};
constexpr double kSmallShare = 0.5;
constexpr double kLargeShare = 0.85;

/// A drain of our own ends within 1.5 s; what stays for twice that is not ours.
constexpr Duration kHighFor = std::chrono::seconds{3};

/// Long enough that the sawtooth's short bottom of a TCP does not end it.
constexpr Duration kAloneFor = std::chrono::seconds{1};

}  // namespace

void Competition::update(Instant now, Duration queue, double delivered_bits_per_s,
                         double capacity_bits_per_s) {
  if (!active_) {
    const bool high = queue > kHigh && delivered_bits_per_s < kSmallShare * capacity_bits_per_s;
    high_since_ = high ? std::min(high_since_, now) : kNever;
    if (high && now - high_since_ >= kHighFor) enter_or_leave(true);
    return;
  }
  const bool alone = queue < kEmpty || delivered_bits_per_s > kLargeShare * capacity_bits_per_s;
  alone_since_ = alone ? std::min(alone_since_, now) : kNever;
  if (alone && now - alone_since_ >= kAloneFor) enter_or_leave(false);
}

void Competition::enter_or_leave(bool enter) {
  active_ = enter;
  high_since_ = alone_since_ = kNever;
}

}  // namespace sluice::congestion
