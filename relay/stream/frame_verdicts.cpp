#include "relay/stream/frame_verdicts.h"

#include <algorithm>

#include "proto/wire/media_header.h"

namespace sluice::relay {

FrameVerdicts::Verdict FrameVerdicts::judge(const MediaFrameState& frame, Queue queue) {
  Entry& entry = entries_[frame.ordinal % kVerdictsPerTrack];
  if (entry.ordinal == frame.ordinal) return {entry.dropped, false};
  if (entry.ordinal != kNone && entry.ordinal > frame.ordinal) {
    return {DropReason::kTooLate, false};
  }
  const std::optional<DropReason> dropped = decide(frame, queue);
  entry = {frame.ordinal, frame.last(), dropped};
  newest_ordinal_ = std::max(newest_ordinal_, frame.ordinal);
  return {dropped, true};
}

void FrameVerdicts::start_with(const MediaFrameState& frame) {
  start_ = frame.first;
  broken_ = kind_ == TrackKind::kVideo && !frame.keyframe;
}

std::optional<DropReason> FrameVerdicts::decide(const MediaFrameState& frame, Queue queue) {
  if (start_ && frame.first.distance_from(*start_) < 0) return DropReason::kTooLate;
  if (kind_ != TrackKind::kVideo) {
    if (queue == Queue::kFull) return DropReason::kQueueFull;
    return std::nullopt;
  }
  if (!frame.keyframe && needs_dropped_frame(frame)) return DropReason::kBrokenUntilKey;
  if (queue == Queue::kTight && frame.discardable) return DropReason::kQueueFull;
  if (queue == Queue::kFull) {
    if (!frame.discardable) broken_ = true;
    return DropReason::kQueueFull;
  }
  if (frame.keyframe && broken_) {
    broken_ = false;
    start_ = frame.first;  // what came before leads nowhere
  }
  return std::nullopt;
}

bool FrameVerdicts::needs_dropped_frame(const MediaFrameState& frame) const {
  if (frame.dep != wire::kDependsOnAll && frame.dep != wire::kDependsOnNothing) {
    const Entry* needed = find_last(frame.first - frame.dep);
    if (needed != nullptr) return needed->dropped.has_value();
  }
  return broken_;
}

const FrameVerdicts::Entry* FrameVerdicts::find_last(Seq last) const {
  // The frame needed is nearly always the one judged before: looked for from the newest on.
  for (std::size_t back = 0; back < kVerdictsPerTrack && back <= newest_ordinal_; ++back) {
    const Entry& entry = entries_[(newest_ordinal_ - back) % kVerdictsPerTrack];
    if (entry.ordinal != kNone && entry.last == last) return &entry;
  }
  return nullptr;
}

}  // namespace sluice::relay
