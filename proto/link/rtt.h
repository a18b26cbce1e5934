// RttEstimator: smoothed round trip, its variation and its minimum, from what FEEDBACK shows (the
// sending time of its highest packet and its age). The estimator of RFC 6298, the minimum over a
// moving 10 s window. Loss detection, PTO and deadlines ask it; the link feeds it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "proto/base/time.h"

namespace sluice::link {

/// Taken for the round trip while none was measured: a path across a continent.
inline constexpr Duration kInitialRtt = std::chrono::milliseconds{100};

/// A receiver may hold its FEEDBACK this long (P-FEEDBACK-04); PTO allows for it.
inline constexpr Duration kFeedbackDelayMax = std::chrono::milliseconds{50};

/// So long it means to hold it. The rest is for late timers of a busy host: PTO leaves no more than
/// 1 ms on a short path, and a timer later than that made the sender take packets for lost.
inline constexpr Duration kFeedbackDelay = std::chrono::milliseconds{40};

/// The least that is kept before a deadline: 20 ms instead cost 3 points of overhead in
/// simulations, as the last round of repairs then knows less.
inline constexpr Duration kGuardMin = std::chrono::milliseconds{5};

/// PTO doubles up to this (P-LOSS-02).
inline constexpr Duration kPtoMax = std::chrono::seconds{2};

class RttEstimator {
 public:
  /// One measurement; a sample below zero (a peer that lies about its age) counts as zero.
  void sample(Instant now, Duration rtt) {
    rtt = std::max(rtt, Duration{0});
    latest_ = rtt;
    if (!measured_) {
      srtt_ = rtt;
      rttvar_ = rtt / 2;
      variation_ = Duration{0};
      measured_ = true;
    } else {
      const Duration error = rtt > srtt_ ? rtt - srtt_ : srtt_ - rtt;
      rttvar_ = (rttvar_ * 3 + error) / 4;
      variation_ = (variation_ * 3 + error) / 4;
      srtt_ = (srtt_ * 7 + rtt) / 8;
    }
    remember_minimum(now, rtt);
  }

  /// A new path: what was learnt of the old one says nothing.
  void reset() { *this = RttEstimator{}; }

  bool measured() const { return measured_; }

  Duration srtt() const { return srtt_; }

  Duration rttvar() const { return rttvar_; }

  Duration latest() const { return latest_; }

  /// Smallest of the last 9 to 10 s before the newest sample; zero before the first.
  Duration min_rtt() const { return least_; }

  /// Half the smallest round trip: what a packet needs at the least. Zero while unknown, so that
  /// nothing is given up on a guess.
  Duration min_owd() const { return min_rtt() / 2; }

  /// What a packet must leave before its deadline to be there in time: 5 ms for the timers of both
  /// ends, and twice the variation for the 1 % that are slowest. As far as it was seen: the half
  /// round trip that stands for it at first would give up what can still be saved just after a path
  /// moved.
  Duration guard() const { return kGuardMin + variation_ * 2; }

  /// P-LOSS-02, before any doubling.
  Duration pto() const {
    return srtt_ + std::max(rttvar_ * 4, Duration{std::chrono::milliseconds{1}}) +
           kFeedbackDelayMax;
  }

 private:
  static constexpr std::int64_t kBuckets = 10;
  static constexpr Duration kNone{INT64_MAX};

  void remember_minimum(Instant now, Duration rtt) {
    const std::int64_t second = to_us(now) / 1'000'000;
    if (!started_ || second - newest_second_ >= kBuckets) {
      seconds_.fill(kNone);
      started_ = true;
    } else {
      for (std::int64_t s = newest_second_ + 1; s <= second; ++s) bucket(s) = kNone;
    }
    newest_second_ = std::max(newest_second_, second);
    bucket(second) = std::min(bucket(second), rtt);
    least_ = *std::min_element(seconds_.begin(), seconds_.end());
  }

  Duration& bucket(std::int64_t second) {
    return seconds_[static_cast<std::size_t>((second % kBuckets + kBuckets) % kBuckets)];
  }

  Duration srtt_ = kInitialRtt;
  Duration rttvar_ = kInitialRtt / 2;
  Duration variation_{0};  // rttvar_ without the guess that it begins with
  Duration latest_{0};
  Duration least_{0};                         // of seconds_; each packet asks
  std::array<Duration, kBuckets> seconds_{};  // minimum of each second, by second mod 10
  std::int64_t newest_second_ = INT64_MIN;
  bool measured_ = false;
  bool started_ = false;
};

}  // namespace sluice::link
