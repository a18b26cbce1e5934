// FrameTable: the parts of one track, sorted into media frames in the order in which they were
// pushed. Parts come in any order, late, twice or never; the table says what stands at the head,
// whether anything is missing before it, and puts a whole frame together. It does not decide when
// to wait or to give up: jitter_buffer.h does. Time is an argument; memory is the ring's and one
// entry a frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "proto/base/packet_ring.h"
#include "proto/base/result.h"
#include "proto/base/seq.h"
#include "proto/base/time.h"
#include "proto/wire/fragment.h"
#include "proto/wire/media_header.h"

namespace sluice::client {

class FrameTable {
 public:
  struct Entry {
    wire::FrameShape shape;
    std::uint16_t have = 0;  // different parts seen
    bool keyframe = false;
    bool discardable = false;
    bool recovered = false;  // a part of it was lost and came again, or was rebuilt
    std::uint8_t dep = 0;
    std::uint32_t dts_ms = 0;  // expanded against the reference that came with its first part
    Instant first_arrival{};
    Instant whole_at = kNever;

    Seq first() const { return shape.first_seq(); }

    Seq last() const { return shape.first_seq() + (shape.count() - 1U); }

    bool whole() const { return have == shape.count(); }
  };

  /// Frames wait in a ring of this many parts at most, a power of two (packet_ring.h).
  explicit FrameTable(std::size_t ring_parts_max = kTrackRingPartsMax) : ring_(ring_parts_max) {}

  /// A part, and what is known of it.
  struct Part {
    const wire::MediaView& media;
    Bytes ring_form;  // the same as link::MediaArrived has it
    std::uint32_t dts_ms = 0;
    bool recovered = false;  // it was lost, and came again or was rebuilt
  };

  /// The part is kept in the ring, also when its frame is past: others may be rebuilt with it.
  /// Returns its frame, until the next call of anything here. Errors: kDuplicatePart, kStalePart
  /// (its frame is past), kMalformed (it contradicts its frame), kQueueFull (kEntriesMax frames are
  /// open).
  Result<const Entry*> add(Instant now, const Part& part);

  /// The parts that have come, those of past frames included as far as there is room.
  const PacketRing& ring() const { return ring_; }

  bool has(Seq seq) const { return !ring_.find(seq).empty(); }

  /// Parts of the track get lost: a span of parts is kept for rebuilding (P-REPAIR-01).
  void keep_history() { history_parts_ = kRepairSpanParts; }

  /// Parts [from, to] will never come.
  void skip(Seq from, Seq to);

  /// The oldest open frame; nothing when there is none.
  const Entry* head() const { return entries_.empty() ? nullptr : &entries_.front(); }

  /// Nothing is missing before the head. False before begin_at_head() was called once.
  bool head_follows() const;

  /// Gives up everything before the head.
  void begin_at_head();

  /// The head, which is whole. The view lives until the next call of anything here. kOverwritten
  /// when the ring lost a part of it, kMalformed when the parts make no frame.
  Result<wire::MediaFrameView> read_head();

  /// The head was taken or given up.
  void pop_head();

  /// Nothing of what came counts any more, and what comes next has no place to follow: the track
  /// was left and begins anew. The ring keeps its parts.
  void forget();

  bool empty() const { return entries_.empty(); }

  /// The first part that is neither past nor here: what FEEDBACK reports as oldest open.
  Seq oldest_open() const;

  /// Frames open at once. 4096 are 80 s of audio; beyond it the newest is refused.
  static constexpr std::size_t kEntriesMax = 4096;

 private:
  using Entries = std::deque<Entry>;

  /// What the span field of REPAIR can say. Kept only for tracks that lose parts: it is 300 KB.
  static constexpr std::uint32_t kRepairSpanParts = 256;

  Status<> keep(const Part& part);
  Entries::iterator find_or_insert(Instant now, const Part& part);
  Seq behind_skips(Seq at) const;

  struct Range {
    Seq from, to;
  };

  PacketRing ring_;
  Entries entries_;
  std::vector<Range> skips_;
  std::optional<Seq> next_;  // where the next frame in order begins
  Seq forgotten_;            // the end of what forget() left behind
  std::uint32_t history_parts_ = 0;
  std::vector<std::byte> unit_;
};

}  // namespace sluice::client
