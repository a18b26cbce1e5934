// PlayOutDelay: the choice of B, a subscriber's play-out delay (P-TIME-01). On a clean path B is
// what jitter asks for; on a lossy one it leaves time for rounds of recovery, as few as keep the
// cost of coding in bounds:
//
//   B = max(p99.9 of jitter + R (round trip + detection) + guard, 15 ms)
//
// R = 0 below 0.1 % loss, 1 up to 10 %, 2 beyond. B grows at once, as every frame until then would
// be lost, and shrinks by 2 ms a second, which nobody hears or sees. The user's bounds stand above
// all of it. Fed by the jitter buffer; sans-I/O, fixed memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "client/jitter_window.h"
#include "client/recent_seconds.h"
#include "proto/base/time.h"

namespace sluice::client {

/// No two frames are put out closer to their arrival: timers and a busy machine are late by this.
/// Half drops frames on a loaded computer; double is felt in a conversation.
inline constexpr Duration kPlayOutMin = std::chrono::milliseconds{15};

/// Ceiling unless the user names one: beyond it people talk into each other. It holds two rounds at
/// a round trip of 200 ms.
inline constexpr Duration kPlayOutMax = std::chrono::milliseconds{500};

class PlayOutDelay {
 public:
  struct Bounds {
    Duration min = kPlayOutMin;
    Duration max = kPlayOutMax;  // equal to min: B is fixed
  };

  explicit PlayOutDelay(Bounds bounds);

  /// B by what was told until now.
  Duration value() const { return value_; }

  const Bounds& bounds() const { return bounds_; }

  /// Takes everything told into account: once a turn.
  void update(Instant now);

  /// A frame of which nothing was lost became whole this long after base + dts.
  void on_frame(Instant now, Duration behind) { jitter_.add(now, behind); }

  /// Parts came, and so many before them are missing.
  void on_parts(Instant now, std::uint32_t came, std::uint32_t missing);

  /// Parts that had been told as missing were not lost: overtaken, or dropped on purpose.
  void on_found(Instant now, std::uint32_t found);

  /// A lost part came again, this long after it was missed.
  void on_recovered(Instant now, Duration after);

  /// Smoothed round trip of the link.
  void set_round_trip(Duration rtt) { round_trip_ = rtt; }

  /// Rounds of recovery for which B leaves time at present.
  std::uint32_t rounds() const { return rounds_; }

 private:
  struct Parts {
    std::int64_t came = 0, missing = 0;
  };

  struct Recovery {
    Instant at = kLongAgo;
    Duration after{0};
  };

  static constexpr std::size_t kLossSeconds = 10;

  /// The newest lost parts that came again: the median of 16 is steady, and follows within a
  /// second.
  static constexpr std::size_t kRecoveriesMax = 16;

  double loss(std::size_t seconds, std::int64_t parts_min) const;
  Duration round(Instant now) const;
  Duration wanted(Instant now);

  Bounds bounds_;
  Duration value_;
  Instant shrunk_at_ = kNever;
  JitterWindow jitter_;
  RecentSeconds<Parts, kLossSeconds> parts_;
  std::array<Recovery, kRecoveriesMax> recoveries_{};
  std::size_t recoveries_count_ = 0;
  Duration round_trip_{0};
  std::uint32_t rounds_ = 0;
};

}  // namespace sluice::client
