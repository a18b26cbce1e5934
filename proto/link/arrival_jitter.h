// ArrivalJitter: how unevenly media frames arrive, compared with their timestamps (RFC 3550 section
// 6.4.1, on one track). It tells how long to wait for the rest of a frame before reporting it
// incomplete (P-FEEDBACK-04).
#pragma once

#include <algorithm>
#include <cstdint>

#include "proto/base/ids.h"
#include "proto/base/seq.h"
#include "proto/base/time.h"

namespace sluice::link {

class ArrivalJitter {
 public:
  /// The first part of a media frame arrived. Follows the track that it saw first and changes over
  /// when that one has been silent for a second.
  void on_frame(Instant now, TrackId track, std::uint32_t dts_low24) {
    if (!any_ || (track != track_ && now - last_arrival_ > kSilence)) {
      any_ = true;
      track_ = track;
    } else if (track != track_) {
      return;
    } else {
      const auto sent_ms = Seq{dts_low24}.distance_from(Seq{last_dts_});
      const Duration sent = std::chrono::milliseconds{sent_ms};
      const Duration came = now - last_arrival_;
      const Duration d = std::min(came > sent ? came - sent : sent - came, kMost);
      jitter_ += (d - jitter_) / 16;
    }
    last_arrival_ = now;
    last_dts_ = dts_low24;
  }

  Duration value() const { return jitter_; }

 private:
  static constexpr Duration kSilence = std::chrono::seconds{1};

  /// A pause of the pusher is no jitter: one step counts as this at most.
  static constexpr Duration kMost = std::chrono::milliseconds{200};

  Duration jitter_{0};
  Instant last_arrival_{};
  std::uint32_t last_dts_ = 0;
  TrackId track_{};
  bool any_ = false;
};

}  // namespace sluice::link
