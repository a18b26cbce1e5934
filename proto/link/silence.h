// Silence: when a peer that was heard is heard no more. A client that only receives would notice a
// new address of its own last of all: what is sent to the old one is lost, and it has nothing to
// answer. So it asks when media stops coming (P-KEEP-02), and the relay sees the new address in
// that. Silence that outlasts every answer says that the path itself may be dead.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include "proto/base/time.h"

namespace sluice::link {

/// Media that stopped is asked for no sooner: less is two frames of sound, and a PING for each.
inline constexpr Duration kAskAfterMin = std::chrono::milliseconds{40};

/// A path is not doubted sooner: hosts that are busy are silent for that long.
inline constexpr Duration kDoubtfulMin = std::chrono::milliseconds{300};

/// A gap beyond this is a pause of the source and says nothing about its rhythm.
inline constexpr Duration kPause = std::chrono::milliseconds{250};

class Silence {
 public:
  /// An authentic packet came; `media` when it asks for feedback.
  void on_heard(Instant now, bool media) {
    unanswered_since_ = kNever;
    if (!media) return;
    asked_ = false;
    const Duration gap = now - std::exchange(last_media_, now);
    if (now - slice_began_ >= kSlice) {
      before_ = now - slice_began_ < 2 * kSlice ? present_ : Slice{};
      present_ = {};
      slice_began_ = now;
    }
    ++present_.packets;
    if (gap < kPause) present_.longest_gap = std::max(present_.longest_gap, gap);
  }

  /// A packet was sent that the peer has to answer.
  void on_asked(Instant now) {
    if (unanswered_since_ == kNever) unanswered_since_ = now;
  }

  /// When to send a PING, because media was coming and stopped; once for each silence.
  Instant ask_at() const {
    if (asked_ || before_.packets + present_.packets < kRhythm) return kNever;
    const Duration gap = std::max(before_.longest_gap, present_.longest_gap);
    return last_media_ + std::max(kAskAfterMin, gap * 3 / 2);
  }

  /// The PING of ask_at() is on its way.
  void note_asked() { asked_ = true; }

  /// Nothing was heard since the oldest question, which was asked then; kNever without one.
  Instant unanswered_since() const { return unanswered_since_; }

 private:
  struct Slice {
    std::uint32_t packets = 0;
    Duration longest_gap{};
  };

  static constexpr Duration kSlice = std::chrono::seconds{1};
  static constexpr std::uint32_t kRhythm = 4;  // packets before a silence means anything

  Instant last_media_ = kLongAgo;
  Instant slice_began_ = kLongAgo;
  Slice before_, present_;
  bool asked_ = false;
  Instant unanswered_since_ = kNever;
};

}  // namespace sluice::link
