#include "client/jitter_buffer.h"

#include <algorithm>

#include "proto/base/check.h"

namespace sluice::client {
namespace {

/// How long a frame waits for a quiet track that may bring an earlier one: tracks pushed together
/// arrive within a few frames of each other.
constexpr Duration kInterleaveHold = std::chrono::milliseconds{100};

/// The first frames of a track wait for lost ones before them: two retransmissions, and what a loss
/// needs to be seen. Nothing says where a stream begins but what arrives.
constexpr Duration kStartHoldMin = std::chrono::milliseconds{250};
constexpr Duration kLossSeen = std::chrono::milliseconds{100};

/// After the stream's end, for what was lost at its very end.
constexpr Duration kEndLinger = std::chrono::milliseconds{200};

/// Half of the window in which the shortest path is looked for (P-TIME-01).
constexpr Duration kBaseHalfWindow = std::chrono::seconds{5};

std::int32_t dts_difference(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::int32_t>(a - b);
}

}  // namespace

void JitterBuffer::add_track(TrackId id, TrackKind kind) {
  std::erase_if(tracks_, [id](const auto& track) { return track->id == id; });
  tracks_.push_back(std::make_unique<Track>(id, kind));
  ended_at_ = kNever;
}

JitterBuffer::Track* JitterBuffer::find(TrackId id) {
  for (const auto& track : tracks_) {
    if (track->id == id) return track.get();
  }
  return nullptr;
}

Status<> JitterBuffer::handle_part(Instant now, TrackId id, Bytes ring_form) {
  Track* track = find(id);
  if (track == nullptr) return Unexpected{DropReason::kUnknownTrack};
  if (ring_form.size() <= kMediaHeaderBytes || ring_form.size() > kPartPlaintextBytesMax) {
    return Unexpected{DropReason::kMalformed};
  }
  const wire::MediaView part{wire::decode_media_header(ring_form.first<kMediaHeaderBytes>()),
                             ring_form.subspan(kMediaHeaderBytes)};
  if (!dts_reference_ms_) dts_origin_ms_ = part.header.dts;
  const std::uint32_t reference = dts_reference_ms_.value_or(part.header.dts);
  const auto added = track->table.add(now, part, ring_form, reference);
  if (!added) {
    if (added.error() == DropReason::kStalePart) note_late(*track, part.header.first_seq());
    if (added.error() == DropReason::kDuplicatePart) ++counters_.parts_again;
    return Unexpected{added.error()};
  }
  if (added->behind) ++counters_.parts_behind;
  dts_reference_ms_ = expand_dts(part.header.dts, reference);
  update_base(now, *dts_reference_ms_);
  return Done{};
}

void JitterBuffer::handle_skip(TrackId id, Seq from, Seq to) {
  if (Track* track = find(id)) track->table.skip(from, to);
}

void JitterBuffer::handle_end(Instant now) {
  if (ended_at_ == kNever) ended_at_ = now;
}

void JitterBuffer::update_base(Instant now, std::uint32_t dts_ms) {
  if (now - base_turned_at_ >= kBaseHalfWindow) {
    base_before_ = base_turned_at_ == kLongAgo ? kNever : base_now_;
    base_now_ = kNever;
    base_turned_at_ = now;
  }
  const auto since_origin = std::chrono::milliseconds{dts_difference(dts_ms, dts_origin_ms_)};
  base_now_ = std::min(base_now_, now - since_origin);
}

Instant JitterBuffer::play_at(std::uint32_t dts_ms) const {
  const Instant base = std::min(base_now_, base_before_);
  return base + std::chrono::milliseconds{dts_difference(dts_ms, dts_origin_ms_)} + config_.delay;
}

Duration JitterBuffer::start_hold() const {
  return std::max(kStartHoldMin, 4 * round_trip_ + kLossSeen);
}

/// When a gap before the head is given up.
Instant JitterBuffer::gap_until(const Track& track, const FrameTable::Entry& head) const {
  if (track.started || config_.mode == PlayMode::kPlayOut) return whole_until(head);
  return head.first_arrival + std::min(start_hold(), config_.delay);
}

/// When an incomplete head is given up.
Instant JitterBuffer::whole_until(const FrameTable::Entry& head) const {
  if (config_.mode == PlayMode::kComplete || catching_up_)
    return head.first_arrival + config_.delay;
  return play_at(head.dts_ms);
}

/// When a ready head may leave, as far as its own track is concerned.
Instant JitterBuffer::leaves_at(const FrameTable::Entry& head) const {
  if (config_.mode == PlayMode::kComplete || catching_up_) return head.whole_at;
  return play_at(head.dts_ms);
}

JitterBuffer::Head JitterBuffer::settle_head(Instant now, Track& track) {
  while (const FrameTable::Entry* head = track.table.head()) {
    if (!track.table.head_follows()) {
      const bool is_start = !track.started && track.kind == TrackKind::kVideo && head->keyframe;
      if (!is_start && now < gap_until(track, *head)) return Head::kWaiting;
      give_up_gap(track);
    } else if (!head->whole()) {
      if (now < whole_until(*head)) return Head::kWaiting;
      give_up_head(track);
    } else if (decodable(track, *head)) {
      return Head::kReady;
    } else {
      give_up_head(track);
    }
  }
  return Head::kEmpty;
}

/// P-MEDIA-05.
bool JitterBuffer::decodable(const Track& track, const FrameTable::Entry& entry) const {
  if (track.kind != TrackKind::kVideo || entry.keyframe) return true;
  if (!track.started) return false;
  if (entry.dep == wire::kDependsOnNothing) return true;
  if (entry.dep == wire::kDependsOnAll) return track.chain_whole;
  const Seq needed = entry.first() - entry.dep;
  const std::size_t known = std::min(track.past_count, track.past.size());
  for (std::size_t i = 1; i <= known; ++i) {
    const Past& past = track.past[(track.past_count - i) % track.past.size()];
    if (past.last == needed) return past.decodable;
  }
  return false;
}

/// Nobody saw how many frames a gap held; the distance of its edges tells, one at the least.
std::uint64_t JitterBuffer::unseen_frames(const Track& track, const FrameTable::Entry& head) const {
  if (!track.last_dts_ms || track.step_ms == 0) return 1;
  const std::int32_t span = dts_difference(head.dts_ms, *track.last_dts_ms);
  const auto step = static_cast<std::int32_t>(track.step_ms);
  return static_cast<std::uint64_t>(std::max(1, (span + step / 2) / step - 1));
}

void JitterBuffer::give_up_gap(Track& track) {
  const FrameTable::Entry& head = *track.table.head();
  if (track.started) {
    counters_.skipped_frames += unseen_frames(track, head);
    break_chain(track);
  }
  track.table.begin_at_head();
}

void JitterBuffer::give_up_head(Track& track) {
  const FrameTable::Entry& head = *track.table.head();
  // What came before the first key frame was never going to be shown.
  if (track.started || head.keyframe) ++counters_.skipped_frames;
  if (!head.whole()) {
    track.given_up[track.given_up_count++ % track.given_up.size()] = head.first();
  }
  pass_head(track, false);
}

void JitterBuffer::pass_head(Track& track, bool left) {
  const FrameTable::Entry& head = *track.table.head();
  track.past[track.past_count++ % track.past.size()] = {head.last(), left};
  if (left && head.keyframe) {
    track.chain_whole = true;
    track.key_requested = false;
  } else if (!left && !head.discardable) {
    break_chain(track);
  }
  if (track.last_dts_ms) {
    const std::int32_t step = dts_difference(head.dts_ms, *track.last_dts_ms);
    if (step > 0) track.step_ms = static_cast<std::uint32_t>(step);
  }
  track.last_dts_ms = head.dts_ms;
  track.started = track.started || left;
  track.table.pop_head();
}

void JitterBuffer::break_chain(Track& track) {
  if (track.kind != TrackKind::kVideo) return;
  track.chain_whole = false;
  if (!track.key_requested) track.key_wanted = true;
  track.key_requested = true;
}

Duration JitterBuffer::interleave_hold(const Track& other) const {
  // Sound may wait for the first picture as long as for anything else.
  const bool awaits_first_key = !other.started && other.kind == TrackKind::kVideo;
  return awaits_first_key ? config_.delay : std::min(kInterleaveHold, config_.delay);
}

bool JitterBuffer::must_wait_for(Instant now, const Track& other, Head state,
                                 const FrameTable::Entry& chosen) const {
  if (config_.mode == PlayMode::kPlayOut || other.kind == TrackKind::kData) return false;
  if (other.last_dts_ms && dts_difference(chosen.dts_ms, *other.last_dts_ms) <= 0) return false;
  switch (state) {
    case Head::kReady:
      return false;  // the chosen one has the least dts
    case Head::kWaiting:
      return !other.table.head_follows() ||
             dts_difference(other.table.head()->dts_ms, chosen.dts_ms) < 0;
    case Head::kEmpty:
      return ended_at_ == kNever && now < chosen.whole_at + interleave_hold(other);
  }
  return false;
}

std::optional<ReceivedFrame> JitterBuffer::poll_frame(Instant now) {
  for (;;) {
    states_.clear();
    Track* chosen = nullptr;
    for (const auto& track : tracks_) {
      states_.push_back(settle_head(now, *track));
      if (states_.back() != Head::kReady || now < leaves_at(*track->table.head())) continue;
      if (chosen == nullptr ||
          dts_difference(track->table.head()->dts_ms, chosen->table.head()->dts_ms) < 0) {
        chosen = track.get();
      }
    }
    if (chosen == nullptr) return std::nullopt;
    for (std::size_t i = 0; i < tracks_.size(); ++i) {
      if (tracks_[i].get() == chosen) continue;
      if (must_wait_for(now, *tracks_[i], states_[i], *chosen->table.head())) return std::nullopt;
    }
    if (auto frame = take(*chosen)) return frame;
  }
}

/// Nothing when the head turns out to be no frame: it is given up.
std::optional<ReceivedFrame> JitterBuffer::take(Track& track) {
  const auto media = track.table.read_head();
  if (!media) {
    give_up_head(track);
    return std::nullopt;
  }
  const FrameTable::Entry& head = *track.table.head();
  if (play_at(head.dts_ms) > head.whole_at) catching_up_ = false;
  const ReceivedFrame frame{track.id, track.kind, *media, head.whole_at};
  pass_head(track, true);
  return frame;
}

/// A part of a frame that is past: too late, or once more.
void JitterBuffer::note_late(Track& track, Seq first) {
  for (auto& given_up : track.given_up) {
    if (given_up != first) continue;
    given_up.reset();
    ++counters_.late_frames;
    return;
  }
  ++counters_.parts_again;
}

std::optional<TrackId> JitterBuffer::poll_key_request() {
  for (const auto& track : tracks_) {
    if (!track->key_wanted) continue;
    track->key_wanted = false;
    return track->id;
  }
  return std::nullopt;
}

Instant JitterBuffer::next_deadline(Instant now) const {
  Instant next = kNever;
  const auto consider = [&](Instant at) {
    if (at > now) next = std::min(next, at);
  };
  for (const auto& track : tracks_) {
    const FrameTable::Entry* head = track->table.head();
    if (head == nullptr) continue;
    if (!track->table.head_follows()) {
      consider(gap_until(*track, *head));
    } else if (!head->whole()) {
      consider(whole_until(*head));
    } else {
      consider(leaves_at(*head));
      for (const auto& other : tracks_) consider(head->whole_at + interleave_hold(*other));
    }
  }
  if (ended_at_ != kNever) consider(ended_at_ + std::max(kEndLinger, 3 * round_trip_));
  return next;
}

bool JitterBuffer::drained(Instant now) const {
  if (ended_at_ == kNever || now < ended_at_ + std::max(kEndLinger, 3 * round_trip_)) return false;
  return std::all_of(tracks_.begin(), tracks_.end(),
                     [](const auto& track) { return track->table.empty(); });
}

JitterBuffer::Report JitterBuffer::report(std::size_t index) const {
  CHECK(index < tracks_.size());
  return {tracks_[index]->id, tracks_[index]->table.oldest_open()};
}

}  // namespace sluice::client
