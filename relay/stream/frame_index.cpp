#include "relay/stream/frame_index.h"

#include <utility>

namespace sluice::relay {

namespace {

/// Frames further behind than this are forgotten at once: a jump of the numbers must not bring two
/// ends of the index more than half the number space apart.
constexpr std::int32_t kSpanMax = 1 << 21;

}  // namespace

Result<FrameIndex::Found> FrameIndex::find_or_begin(const wire::MediaView& part) {
  const Seq first = part.header.first_seq();
  const Seq last = part.header.last_seq();
  if (!frames_.empty()) {
    const std::int32_t ahead = first.distance_from(newest().first);
    if (ahead < -static_cast<std::int32_t>(kTrackRingPartsMax)) {
      return Unexpected{DropReason::kStalePart};
    }
    if (ahead > 0) drop_far_behind(first);
  }
  const std::size_t at = lower_bound(first);
  if (at < frames_.size() && frames_[at].holds(first)) {
    if (frames_[at].first != first) return Unexpected{DropReason::kMalformed};
    if (const Status<> same = frames_[at].shape->add(part); !same) return Unexpected{same.error()};
    return Found{&frames_[at], false};
  }
  if (at < frames_.size() && !before(last, frames_[at].first)) {
    return Unexpected{DropReason::kMalformed};
  }
  if (frames_.full()) {
    if (at == 0) return Unexpected{DropReason::kStalePart};
    frames_.pop_front();
    // The caller's frame moved one place to the front with all others.
    return find_or_begin(part);
  }
  MediaFrameState frame;
  frame.first = first;
  frame.count = part.header.count;
  frame.dep = part.header.dep;
  frame.keyframe = part.header.keyframe;
  frame.discardable = part.header.discardable;
  frame.config = part.header.config;
  frame.ordinal = next_ordinal_++;
  frame.shape.emplace(part);
  CHECK(frames_.push_back(std::move(frame)));
  for (std::size_t i = frames_.size() - 1; i > at; --i) std::swap(frames_[i], frames_[i - 1]);
  return Found{&frames_[at], true};
}

bool FrameIndex::mark_received(MediaFrameState& frame) {
  DCHECK(frame.received < frame.count);
  return ++frame.received == frame.count;
}

void FrameIndex::forget(Seq first) {
  std::size_t at = lower_bound(first);
  if (at == frames_.size() || frames_[at].first != first) return;
  for (; at > 0; --at) std::swap(frames_[at], frames_[at - 1]);
  frames_.pop_front();
}

std::size_t FrameIndex::lower_bound(Seq seq) const {
  std::size_t low = 0;
  std::size_t high = frames_.size();
  // New parts belong to the newest frame or one behind it: looked at first.
  if (high > 0 && before(frames_[high - 1].last(), seq)) return high;
  if (high > 0 && frames_[high - 1].holds(seq)) return high - 1;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (before(frames_[middle].last(), seq)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

std::optional<std::size_t> FrameIndex::newest_whole_key() const {
  for (std::size_t i = frames_.size(); i-- > 0;) {
    if (frames_[i].keyframe && frames_[i].whole()) return i;
  }
  return std::nullopt;
}

void FrameIndex::drop_far_behind(Seq newest_first) {
  while (!frames_.empty() && newest_first.distance_from(frames_[0].first) > kSpanMax) {
    frames_.pop_front();
  }
}

}  // namespace sluice::relay
