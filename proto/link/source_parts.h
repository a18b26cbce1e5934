// SourceParts: the parts of one egress track that were sent and may still be of use to the
// receiver, with what is known of each, and the media frames they belong to with their deadlines.
// The repair controller asks it what is missing; the link tells it what was sent, acknowledged and
// lost. A part is settled when the receiver has it or nobody waits for it any more. Tables grow to
// the track's rate and delay; beyond their limits the oldest is forgotten, and no longer repaired.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/ring_queue.h"
#include "proto/base/seq.h"
#include "proto/base/time.h"
#include "proto/link/link_types.h"

namespace sluice::link {

/// Parts of one track that are watched over: 8 Mbit/s for 4 s. What is beyond is still sent again,
/// not coded.
inline constexpr std::size_t kSourcePartsMax = 4096;

/// Media frames of one track between their sending and the end of their use: 4 s at 120 a second.
inline constexpr std::size_t kSourceFramesMax = 512;

struct SourcePart {
  Seq seq;
  bool held = false;  // the slot is in use
  bool settled = false;
  bool queued = false;      // waits to be sent again
  std::uint8_t copies = 0;  // in flight
};

struct SourceFrame {
  Seq first;
  std::uint16_t count = 0;  // parts
  std::uint16_t sent = 0;
  std::uint16_t open = 0;  // sent and not settled
  MissClass miss_class = MissClass::kPlain;
  bool guarded = false;  // its last round is over
  Instant deadline{};

  Seq last() const { return first + (count - 1U); }

  bool settled() const { return sent == count && open == 0; }
};

class SourceParts {
 public:
  SourceParts() : slots_(kSlotsMin) {}

  /// A part, in ring form, is sent for the first time. Its frame, and whether it began with it.
  struct Added {
    SourceFrame* frame = nullptr;
    bool began = false;
  };

  /// `audio` frames are precious whatever their header says.
  Added add(Seq seq, Bytes ring_part, Instant deadline, bool audio);

  SourcePart* find(Seq seq);
  const SourcePart* find(Seq seq) const;
  SourceFrame* frame_of(Seq seq);

  /// The receiver has it, or it is of no use any more.
  void settle(SourcePart& part);

  /// In the order of part numbers.
  std::size_t frames() const { return frames_.size(); }

  SourceFrame& frame(std::size_t index) { return frames_[index]; }

  const SourceFrame& frame(std::size_t index) const { return frames_[index]; }

  void pop_frame() { frames_.pop_front(); }

 private:
  static constexpr std::size_t kSlotsMin = 64;

  SourcePart& slot_of(Seq seq) { return slots_[seq.value() & (slots_.size() - 1)]; }

  void make_room(Seq seq);
  Added frame_for(Seq first, std::uint16_t count);

  std::vector<SourcePart> slots_;
  RingQueue<SourceFrame> frames_{kSourceFramesMax};
};

}  // namespace sluice::link
