#include "proto/link/source_parts.h"

#include <algorithm>
#include <utility>

#include "proto/wire/media_header.h"

namespace sluice::link {

SourceParts::Added SourceParts::add(Seq seq, Bytes ring_part, Instant deadline, bool audio) {
  const wire::MediaHeader header = wire::decode_media_header(ring_part.first<kMediaHeaderBytes>());
  const Added added = frame_for(seq - header.index, header.count);
  SourceFrame& frame = *added.frame;
  if (added.began) {
    if (audio || header.keyframe) {
      frame.miss_class = MissClass::kPrecious;
    } else if (header.discardable) {
      frame.miss_class = MissClass::kTopLayer;
    }
    frame.deadline = deadline;
  }
  frame.deadline = std::max(frame.deadline, deadline);
  make_room(seq);
  if (const SourcePart* known = find(seq); known != nullptr && !known->settled) return added;
  slot_of(seq) = {.seq = seq, .held = true, .settled = false, .queued = false, .copies = 1};
  if (frame.sent < frame.count) ++frame.sent;
  ++frame.open;
  return added;
}

SourcePart* SourceParts::find(Seq seq) {
  SourcePart& slot = slot_of(seq);
  return slot.held && slot.seq == seq ? &slot : nullptr;
}

const SourcePart* SourceParts::find(Seq seq) const {
  const SourcePart& slot = slots_[seq.value() & (slots_.size() - 1)];
  return slot.held && slot.seq == seq ? &slot : nullptr;
}

SourceFrame* SourceParts::frame_of(Seq seq) {
  std::size_t low = 0;
  std::size_t high = frames_.size();
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (frames_[middle].last().distance_from(seq) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == frames_.size() || frames_[low].first.newer_than(seq)) return nullptr;
  return &frames_[low];
}

void SourceParts::settle(SourcePart& part) {
  if (std::exchange(part.settled, true)) return;
  if (SourceFrame* frame = frame_of(part.seq); frame != nullptr && frame->open > 0) --frame->open;
}

/// While a part that is still watched over lies where this one goes, there are too few places.
void SourceParts::make_room(Seq seq) {
  for (;;) {
    SourcePart& slot = slot_of(seq);
    if (!slot.held || slot.settled || slot.seq == seq || frames_.empty() ||
        frames_.front().first.newer_than(slot.seq)) {
      return;
    }
    if (slots_.size() >= kSourcePartsMax) return settle(slot);
    std::vector<SourcePart> old(slots_.size() * 2);
    old.swap(slots_);
    for (const SourcePart& part : old) {
      if (part.held) slot_of(part.seq) = part;
    }
  }
}

SourceParts::Added SourceParts::frame_for(Seq first, std::uint16_t count) {
  if (!frames_.empty() && frames_.back().first == first) return {&frames_.back(), false};
  if (SourceFrame* known = frame_of(first); known != nullptr && known->first == first) {
    return {known, false};
  }
  if (frames_.full()) frames_.pop_front();
  static_cast<void>(frames_.push_back({.first = first, .count = count}));
  // A frame that came late to the relay goes to its place.
  std::size_t at = frames_.size() - 1;
  for (; at > 0 && frames_[at - 1].first.newer_than(first); --at) {
    std::swap(frames_[at - 1], frames_[at]);
  }
  return {&frames_[at], true};
}

}  // namespace sluice::link
