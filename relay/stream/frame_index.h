// FrameIndex: what is known of a track's recent media frames while their parts arrive in any order:
// the stream's assembler. It holds each part against those seen before (P-MEDIA-04), counts frames
// whole, and finds key frames to start from. One per track, fed with parts that were not seen
// before; a part that contradicts its frame is refused by name and changes nothing. Allocates only
// while growing to its limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "proto/base/limits.h"
#include "proto/base/result.h"
#include "proto/base/ring_queue.h"
#include "proto/base/seq.h"
#include "proto/base/time.h"
#include "proto/wire/fragment.h"

namespace sluice::relay {

/// Frames remembered of a track: 12 s at 85 a second. Half forgets the start of a cached GOP of 60
/// fps video; double costs 64 KiB more for each track.
inline constexpr std::size_t kFramesPerTrackMax = 1024;

struct MediaFrameState {
  Seq first;
  std::uint16_t count = 0;     // parts
  std::uint16_t received = 0;  // of them
  std::uint8_t dep = 0;
  bool keyframe = false;
  bool discardable = false;
  bool config = false;
  std::int64_t dts_ms = 0;    // unrolled
  Instant arrival{};          // of the first part seen
  std::uint32_t ordinal = 0;  // in the order of first parts seen; never repeats
  std::optional<wire::FrameShape> shape;

  Seq last() const { return first + (count - 1U); }

  bool whole() const { return received == count; }

  bool holds(Seq seq) const {
    const std::int32_t d = seq.distance_from(first);
    return d >= 0 && d < count;
  }
};

class FrameIndex {
 public:
  struct Found {
    MediaFrameState* frame = nullptr;
    bool began =
        false;  // this was the first part seen of it; dts_ms and arrival are the caller's to set
  };

  /// `part` passed check_part(). Does not count it yet: mark_received() does, once the ring has
  /// taken it. Errors: kMalformed (contradicts its frame, or overlaps another), kStalePart (before
  /// all that is remembered).
  Result<Found> find_or_begin(const wire::MediaView& part);

  /// Returns true when the frame became whole by it.
  bool mark_received(MediaFrameState& frame);

  /// Takes back a frame that find_or_begin began and the ring refused.
  void forget(Seq first);

  std::size_t size() const { return frames_.size(); }

  bool empty() const { return frames_.empty(); }

  /// In the order of part numbers, oldest first.
  const MediaFrameState& operator[](std::size_t index) const { return frames_[index]; }

  const MediaFrameState& newest() const { return frames_[frames_.size() - 1]; }

  /// Index of the frame that holds `seq`, or of the first one behind it; size() when there is none.
  std::size_t lower_bound(Seq seq) const;

  /// Index of the newest whole key frame.
  std::optional<std::size_t> newest_whole_key() const;

 private:
  bool before(Seq a, Seq b) const { return a.distance_from(b) < 0; }

  void drop_far_behind(Seq newest);

  RingQueue<MediaFrameState> frames_{kFramesPerTrackMax};
  std::uint32_t next_ordinal_ = 0;
};

}  // namespace sluice::relay
