#include "relay/stream/subscription.h"

#include <algorithm>

#include "proto/wire/feedback.h"
#include "relay/stream/stream.h"

namespace sluice::relay {

Subscription::Subscription(Member& member, Stream& stream, const Member::Rule& rule,
                           WorkerMetrics& metrics)
    : member_(member),
      stream_(stream),
      metrics_(metrics),
      tracks_(stream.track_count()),
      choice_(0),
      play_out_(
          rule.delay_max_ms == 0
              ? kPlayOutDefault
              : std::min<Duration>(std::chrono::milliseconds{rule.delay_max_ms}, kPlayOutMax)) {
  for (std::size_t i = 0; i < tracks_.size(); ++i) {
    const TrackKind kind = stream.track(i).kind();
    if (!rule.wants(kind)) continue;
    const std::optional<TrackId> id = member.open_egress({this, static_cast<std::uint8_t>(i)});
    if (!id) break;
    tracks_[i].emplace(EgressTrack{*id, FrameVerdicts{kind}});
    if (kind == TrackKind::kVideo) renditions_.push_back(static_cast<std::uint8_t>(i));
    member.link().open_egress_track(*id, &stream.track(i).ring(), link::priority_of(kind));
  }
  std::sort(renditions_.begin(), renditions_.end(), [&](std::uint8_t a, std::uint8_t b) {
    return stream.track(a).description().rendition < stream.track(b).description().rendition;
  });
  choice_ = RenditionChoice{renditions_.size()};
  priority_ = rule.priority;
  video_bits_per_s_max_ = rule.video_bits_per_s_max;
  member.subscriptions.push_back(this);
  metrics_.subscriptions.add();
}

Subscription::~Subscription() {
  for (const auto& track : tracks_) {
    if (!track) continue;
    member_.link().close_egress_track(track->id);
    member_.close_egress(track->id);
  }
  std::erase(member_.subscriptions, this);
  pause(false);
  metrics_.subscriptions.subtract();
}

wire::StreamEvent Subscription::announcement() const {
  wire::StreamEvent event = stream_.event(wire::StreamEvent::Change::kUp);
  for (std::size_t i = 0; i < tracks_.size(); ++i) {
    if (!tracks_[i]) continue;
    event.tracks.push_back(stream_.track(i).description());
    event.tracks.back().id = tracks_[i]->id;
  }
  return event;
}

void Subscription::start(Instant now) {
  starting_until_ = now + kPlayOutDefault;
  const std::optional<std::int64_t> video_dts = start_video(now);
  // Sound for which no picture can be shown yet is not sent for the past.
  if (!renditions_.empty() && !choice_.paused() && !video_dts) return;
  for (std::size_t i = 0; i < tracks_.size(); ++i) {
    if (!tracks_[i]) continue;
    std::optional<std::size_t> first;
    if (stream_.track(i).kind() == TrackKind::kAudio)
      first = stream_.track(i).audio_start(video_dts);
    if (stream_.track(i).kind() == TrackKind::kData) first = stream_.track(i).start_frame();
    if (first) start_track(now, i, *first);
  }
}

void Subscription::start_track(Instant now, std::size_t track, std::size_t first_frame) {
  const FrameIndex& frames = stream_.track(track).frames();
  tracks_[track]->sent_end = frames.newest().last() + 1;
  FrameVerdicts& verdicts = tracks_[track]->verdicts;
  verdicts.start_with(frames[first_frame]);
  // Every frame from the start on is forwarded, those with parts still missing included: what comes
  // late finds its verdict here.
  for (std::size_t i = first_frame; i < frames.size(); ++i) verdicts.judge(frames[i], Queue::kFine);
  metrics_.frames_forwarded.add(frames.size() - first_frame);
  queue_stored(now, track, frames[first_frame].first, frames.newest().last() + 1);
}

void Subscription::queue_stored(Instant now, std::size_t track, Seq from, Seq end) {
  const PacketRing& ring = stream_.track(track).ring();
  // The past has no date: it is needed to show the present, so it counts from now.
  const Instant deadline = now + play_out_;
  while (from.distance_from(end) < 0) {
    if (ring.find(from).empty()) {
      ++from;
      continue;
    }
    std::uint32_t count = 1;
    while ((from + count).distance_from(end) < 0 && !ring.find(from + count).empty()) ++count;
    if (!member_.link().queue_media(tracks_[track]->id, from, count, deadline)) {
      metrics_.drop(DropReason::kQueueFull, count);
      tracks_[track]->verdicts.break_until_key();
      break;
    }
    metrics_.parts_forwarded.add(count);
    from = from + count;
  }
  member_.touch();
}

void Subscription::forward(Instant now, std::size_t track, const MediaFrameState& frame, Seq first,
                           std::uint16_t count) {
  if (!tracks_[track] || !admits(now, track, frame)) return;
  EgressTrack& egress = *tracks_[track];
  if (!egress.sent_end || egress.sent_end->distance_from(frame.last()) <= 0) {
    egress.sent_end = frame.last() + 1;
  }
  const TrackKind kind = stream_.track(track).kind();
  const Duration patience_min = now < starting_until_ ? play_out_ : kDeadlineMin;
  const Instant due = stream_.track(track).expected(frame) + play_out_;  // P-TIME-01
  const Instant deadline = std::clamp(due, now + patience_min, now + kPlayOutMax);
  const Queue queue = queue_state(now, kind, deadline);
  const FrameVerdicts::Verdict verdict = egress.verdicts.judge(frame, queue);
  if (verdict.dropped) {
    metrics_.drop(*verdict.dropped, count);
    if (frame.discardable) note_shed(track, first, count);
    if (verdict.made_now) drop(now, track, frame, *verdict.dropped);
    return;
  }
  if (verdict.made_now) metrics_.frames_forwarded.add();
  if (const Status<> queued = member_.link().queue_media(egress.id, first, count, deadline);
      !queued) {
    metrics_.drop(queued.error(), count);
    egress.verdicts.break_until_key();
    stream_.want_key(now, track);
  } else {
    metrics_.parts_forwarded.add(count);
  }
  member_.touch();
}

void Subscription::note_shed(std::size_t track, Seq first, std::uint16_t count) {
  std::uint64_t bytes = 0;
  for (std::uint16_t i = 0; i < count; ++i) {
    bytes += stream_.track(track).ring().find(first + i).size();
  }
  member_.link().note_shed(bytes);
}

void Subscription::drop(Instant now, std::size_t track, const MediaFrameState& frame,
                        DropReason reason) {
  metrics_.frames_dropped.add();
  if (reason != DropReason::kQueueFull && reason != DropReason::kBrokenUntilKey) return;
  if (tracks_[track]->verdicts.waits_for_key()) stream_.want_key(now, track);
  skip(track, frame.first, frame.last());
}

void Subscription::skip(std::size_t track, Seq first, Seq last) {
  if (!is_sent(track)) return;
  member_.link().send_skip(tracks_[track]->id, first, last);
  member_.touch();
}

void Subscription::set_rule(const Member::Rule& rule) {
  if (rule.delay_max_ms != 0) set_play_out(std::chrono::milliseconds{rule.delay_max_ms});
  priority_ = rule.priority;
  video_bits_per_s_max_ = rule.video_bits_per_s_max;
}

void Subscription::set_play_out(Duration delay) {
  play_out_ = std::clamp<Duration>(delay, std::chrono::milliseconds{20}, kPlayOutMax);
}

void Subscription::handle_report(std::size_t track, const link::TrackReported& report) {
  if (!tracks_[track]) return;
  tracks_[track]->oldest_open = report.oldest_open;
  if (report.play_out_delay_ms == wire::kNoMilliseconds) return;
  set_play_out(std::chrono::milliseconds{report.play_out_delay_ms});
}

bool Subscription::has_everything() const {
  for (std::size_t i = 0; i < tracks_.size(); ++i) {
    const FrameIndex& frames = stream_.track(i).frames();
    if (!is_sent(i) || frames.empty()) continue;
    const std::optional<Seq>& open = tracks_[i]->oldest_open;
    if (!open || open->distance_from(frames.newest().last()) <= 0) return false;
  }
  return true;
}

Duration Subscription::uplink_patience() const {
  // The downlink keeps a round trip and a half for its own retransmission.
  const link::LinkStats stats = member_.link().stats();
  const Duration reserve = stats.srtt + stats.srtt / 2 + 2 * stats.rttvar;
  return std::max<Duration>(play_out_ - reserve, Duration{0});
}

Queue Subscription::queue_state(Instant now, TrackKind kind, Instant deadline) const {
  // The cached GOP came all at once and may fill the queue on purpose; sound is small and goes
  // first, so it is given up last.
  Duration limit = kEgressQueueMax;
  if (now < starting_until_) limit = std::max(limit, play_out_);
  if (kind != TrackKind::kVideo) limit *= 2;
  const Duration waits = member_.link().queue_delay();
  if (waits > limit) return Queue::kFull;
  // What is left of its time behind the queue is for its own sending and one round of recovery.
  const bool late = waits > (deadline - now) / 2;
  return late || member_.link().shedding() ? Queue::kTight : Queue::kFine;
}

}  // namespace sluice::relay
