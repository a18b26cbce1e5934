// FrameVerdicts: what one subscription decided about the recent frames of one track. A verdict is
// made when the first part of a frame is seen and holds for all its parts, late and revived ones
// included: a frame goes whole or not at all. Dropping a frame that others need drops its
// dependents by name, until a key frame begins (P-MEDIA-05). Also used by the feed of a branch,
// whose queue is a ring between threads. No allocation.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "proto/base/drop_reason.h"
#include "proto/base/media.h"
#include "proto/base/seq.h"
#include "relay/stream/frame_index.h"

namespace sluice::relay {

/// Verdicts remembered: two seconds of 60 fps video. A late part of an older frame is dropped
/// (kTooLate); half does that to parts that a subscriber with 2 s of patience still wants.
inline constexpr std::size_t kVerdictsPerTrack = 128;

/// What waits for this subscriber when a frame begins. kTight: what no other frame needs goes
/// first, so that the rest arrives in time.
enum class Queue : std::uint8_t { kFine, kTight, kFull };

class FrameVerdicts {
 public:
  struct Verdict {
    std::optional<DropReason> dropped;  // nothing: forward
    bool made_now = false;              // else it was made with an earlier part
  };

  /// Waits for a key frame when video; forwards from the first frame on when not.
  explicit FrameVerdicts(TrackKind kind) : kind_(kind), broken_(kind == TrackKind::kVideo) {}

  /// The verdict on `frame`, made now if there is none yet.
  Verdict judge(const MediaFrameState& frame, Queue queue);

  /// There is a verdict on `frame` already.
  bool judged(const MediaFrameState& frame) const {
    return entries_[frame.ordinal % kVerdictsPerTrack].ordinal == frame.ordinal;
  }

  /// Forward this frame, and nothing before it from now on: the start of a subscription.
  void start_with(const MediaFrameState& frame);

  /// Video only: nothing is forwarded until a key frame begins.
  bool waits_for_key() const { return broken_; }

  /// Something of a forwarded frame could not be handed on after all.
  void break_until_key() { broken_ = kind_ == TrackKind::kVideo; }

 private:
  // 12 bytes, 1.5 KiB a track: a relay has as many tables as subscriptions times tracks.
  struct Entry {
    std::uint32_t ordinal = kNone;
    Seq last;
    std::optional<DropReason> dropped;
  };

  static constexpr std::uint32_t kNone = UINT32_MAX;

  std::optional<DropReason> decide(const MediaFrameState& frame, Queue queue);
  bool needs_dropped_frame(const MediaFrameState& frame) const;
  const Entry* find_last(Seq last) const;

  TrackKind kind_;
  bool broken_;
  std::optional<Seq> start_;
  std::uint32_t newest_ordinal_ = 0;
  std::array<Entry, kVerdictsPerTrack> entries_{};
};

}  // namespace sluice::relay
