#include "relay/stream/branch_feed.h"

#include "relay/stream/stream.h"

namespace sluice::relay {

namespace {

/// Slots left free for parts of frames that were begun before: eight frames of 25 parts.
constexpr std::size_t kReserveSlots = 200;

}  // namespace

BranchFeed::BranchFeed(Stream& stream, WorkerIndex worker, HandoverRing& ring,
                       WorkerMetrics& metrics)
    : stream_(&stream), worker_(worker), ring_(&ring), metrics_(&metrics) {
  for (std::size_t i = 0; i < stream.track_count(); ++i) {
    verdicts_.emplace_back(stream.track(i).kind());
  }
}

void BranchFeed::start(Instant now) {
  std::optional<std::int64_t> video_dts;
  for (std::size_t i = 0; i < verdicts_.size(); ++i) {
    if (stream_->track(i).kind() != TrackKind::kVideo) continue;
    const std::optional<std::size_t> key = stream_->track(i).start_frame();
    if (!key) {
      stream_->want_key(now, i);
      continue;
    }
    video_dts = stream_->track(i).frames()[*key].dts_ms;
    start_track(i, *key);
  }
  for (std::size_t i = 0; i < verdicts_.size(); ++i) {
    const Track& track = stream_->track(i);
    std::optional<std::size_t> first;
    if (track.kind() == TrackKind::kAudio) first = track.audio_start(video_dts);
    if (track.kind() == TrackKind::kData) first = track.start_frame();
    if (first) start_track(i, *first);
  }
}

void BranchFeed::start_track(std::size_t index, std::size_t first_frame) {
  const Track& track = stream_->track(index);
  verdicts_[index].start_with(track.frames()[first_frame]);
  for (std::size_t i = first_frame; i < track.frames().size(); ++i) {
    const MediaFrameState& frame = track.frames()[i];
    const bool room = ring_->free_slots() >= frame.count + kReserveSlots;
    if (verdicts_[index].judge(frame, room ? Queue::kFine : Queue::kFull).dropped) {
      metrics_->drop(DropReason::kHandoverFull, frame.received);
      continue;
    }
    for (std::uint32_t p = 0; p < frame.count; ++p) {
      const Bytes part = track.ring().find(frame.first + p);
      if (!part.empty() && !push_part(index, frame.arrival, part)) {
        verdicts_[index].break_until_key();
      }
    }
  }
}

void BranchFeed::forward(Instant now, std::size_t index, const MediaFrameState& frame, Seq first,
                         std::uint16_t count) {
  const bool room = ring_->free_slots() >= frame.count + kReserveSlots;
  const auto verdict = verdicts_[index].judge(frame, room ? Queue::kFine : Queue::kFull);
  if (verdict.dropped) {
    const bool overflow = *verdict.dropped == DropReason::kQueueFull;
    metrics_->drop(overflow ? DropReason::kHandoverFull : *verdict.dropped, count);
    if (verdict.made_now) skip(index, frame.first, frame.last());
    if (verdicts_[index].waits_for_key()) stream_->want_key(now, index);
    return;
  }
  const PacketRing& ring = stream_->track(index).ring();
  for (std::uint32_t p = 0; p < count; ++p) {
    if (push_part(index, frame.arrival, ring.find(first + p))) continue;
    verdicts_[index].break_until_key();
    stream_->want_key(now, index);
  }
}

void BranchFeed::skip(std::size_t track, Seq first, Seq last) {
  HandoverPart* slot = ring_->begin_push();
  if (slot == nullptr) return metrics_->drop(DropReason::kHandoverFull);
  slot->room = stream_->identity().room;
  slot->stream = stream_->identity().handle;
  slot->track = static_cast<std::uint8_t>(track);
  slot->bytes = 0;
  slot->first = first;
  slot->last = last;
  ring_->publish();
  written_ = true;
}

bool BranchFeed::push_part(std::size_t track, Instant arrival, Bytes part) {
  HandoverPart* slot = ring_->begin_push();
  if (slot == nullptr) {
    metrics_->drop(DropReason::kHandoverFull);
    return false;
  }
  slot->room = stream_->identity().room;
  slot->arrival = arrival;
  slot->stream = stream_->identity().handle;
  slot->track = static_cast<std::uint8_t>(track);
  slot->set_part(part);
  ring_->publish();
  metrics_->handover_parts_out.add();
  written_ = true;
  return true;
}

}  // namespace sluice::relay
