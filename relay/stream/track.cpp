#include "relay/stream/track.h"

#include <algorithm>

#include "proto/wire/fragment.h"

namespace sluice::relay {

Result<Track::Stored> Track::ingest(Instant arrival, Bytes part, Instant keep_since) {
  if (part.size() <= kMediaHeaderBytes) return Unexpected{DropReason::kMalformed};
  const wire::MediaView view{wire::decode_media_header(part.first<kMediaHeaderBytes>()),
                             part.subspan(kMediaHeaderBytes)};
  if (const Status<> sane = wire::check_part(view); !sane) return Unexpected{sane.error()};
  const Result<FrameIndex::Found> found = frames_.find_or_begin(view);
  if (!found) return Unexpected{found.error()};
  MediaFrameState& frame = *found->frame;
  if (found->began) begin_frame(frame, arrival, keep_since, view.header.dts);
  const Seq keep_from = frames_[std::min(keep_index_, frames_.size() - 1)].first;
  const PacketRing::Insert inserted = ring_.insert(view.header.seq, part, keep_from);
  if (inserted != PacketRing::Insert::kStored) {
    if (found->began) frames_.forget(frame.first);
    return Unexpected{inserted == PacketRing::Insert::kDuplicate ? DropReason::kDuplicatePart
                                                                 : DropReason::kStalePart};
  }
  if (frame.received == frame.count) return Unexpected{DropReason::kDuplicatePart};
  const bool completed = frames_.mark_received(frame);
  ++counters_.parts;
  counters_.media_bytes += view.body.size();
  rates_.add(arrival, layer_class(view.header.layer, view.header.discardable), view.body.size());
  if (completed) {
    ++counters_.frames;
    counters_.key_frames += frame.keyframe ? 1 : 0;
  }
  return Stored{&frame, found->began, completed};
}

void Track::begin_frame(MediaFrameState& frame, Instant arrival, Instant keep_since,
                        std::uint32_t dts_low) {
  frame.arrival = arrival;
  frame.dts_ms = base_.unroll(dts_low);
  // A frame that is told of late says nothing about the shortest path, and must not turn back the
  // newest dts that others are unrolled against.
  if (frames_.newest().first == frame.first) base_.add(arrival, frame.dts_ms);
  if (!open_from_) open_from_ = frame.first;
  keep_index_ = std::min(keep_index_, frames_.size() - 1);
  // The index may have dropped frames at its front since; walking back a few is cheap and bounded.
  while (keep_index_ > 0 && frames_[keep_index_ - 1].arrival >= keep_since) --keep_index_;
  while (keep_index_ + 1 < frames_.size() && frames_[keep_index_].arrival < keep_since) {
    ++keep_index_;
  }
}

std::optional<std::size_t> Track::start_frame() const {
  if (kind() == TrackKind::kVideo) {
    const std::optional<std::size_t> key = frames_.newest_whole_key();
    if (key && in_ring(frames_[*key])) return key;
    return std::nullopt;
  }
  for (std::size_t i = frames_.size(); i-- > 0;) {
    if (frames_[i].whole() && in_ring(frames_[i])) return i;
  }
  return std::nullopt;
}

std::optional<std::size_t> Track::audio_start(std::optional<std::int64_t> dts_ms) const {
  if (frames_.empty()) return std::nullopt;
  std::size_t first = frames_.size();
  if (dts_ms) {
    while (first > 0 && frames_[first - 1].dts_ms >= *dts_ms && in_ring(frames_[first - 1]))
      --first;
  } else {
    const std::int64_t since = frames_.newest().dts_ms - kHistoryMin / std::chrono::milliseconds{1};
    for (std::size_t i = frames_.size(); i-- > 0 && frames_[i].dts_ms >= since;) {
      if (!frames_[i].config || !in_ring(frames_[i])) continue;
      first = i;
      break;
    }
    if (first == frames_.size()) --first;
  }
  if (first == frames_.size()) return std::nullopt;
  return first;
}

Seq Track::oldest_open(Instant now, Duration patience) {
  if (frames_.empty()) return open_from_.value_or(Seq{});
  Seq open = open_from_.value_or(frames_[0].first);
  const Seq end = frames_.newest().last() + 1;
  if (open.distance_from(frames_[0].first) < 0) open = frames_[0].first;
  while (open.distance_from(end) < 0) {
    if (!ring_.find(open).empty()) {
      ++open;
      continue;
    }
    // Missing. The frame it belongs to, or the first one behind the gap, tells how long already.
    const std::size_t at = frames_.lower_bound(open);
    if (at == frames_.size() || now - frames_[at].arrival <= patience) break;
    const MediaFrameState& frame = frames_[at];
    open = frame.holds(open) ? open + 1 : frame.first;
  }
  open_from_ = open;
  return open;
}

bool Track::take_key_request(Instant now) {
  if (kind() != TrackKind::kVideo || !description_.key_on_request) return false;
  if (now - key_requested_at_ < kKeyRequestInterval) return false;
  key_requested_at_ = now;
  return true;
}

}  // namespace sluice::relay
