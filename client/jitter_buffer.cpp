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

/// A request for a key frame is answered in a round trip, the relay's 500 ms between two requests,
/// and the time in which an encoder makes the picture and a path brings it. Asked again sooner, the
/// answer that is under way would be made twice; much later, a request that was lost with its
/// repetition is a frozen picture.
constexpr Duration kKeyAnswer = std::chrono::seconds{1};

/// A frame that lowers base by more than this came faster than it was made: it is of a burst. Less
/// is the jitter of a path.
constexpr Duration kBurstStep = std::chrono::milliseconds{10};

/// 2.4 MB a track, 2 s of 9 Mbit/s: four times what the largest play-out delay can hold. A complete
/// pull must not lose what waits behind a gap at the rate of a file, so its rings grow further.
constexpr std::size_t kPlayOutRingPartsMax = 2048;

std::int32_t dts_difference(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::int32_t>(a - b);
}

}  // namespace

JitterBuffer::JitterBuffer(Config config)
    : config_(config),
      play_out_(config.adaptive.value_or(PlayOutDelay::Bounds{config.delay, config.delay})) {}

void JitterBuffer::add_track(TrackId id, TrackKind kind) {
  std::erase_if(tracks_, [id](const auto& track) { return track->id == id; });
  const std::size_t parts_max =
      config_.mode == PlayMode::kPlayOut ? kPlayOutRingPartsMax : kTrackRingPartsMax;
  tracks_.push_back(std::make_unique<Track>(id, kind, parts_max));
  ended_at_ = kNever;
}

JitterBuffer::Track* JitterBuffer::find(TrackId id) {
  for (const auto& track : tracks_) {
    if (track->id == id) return track.get();
  }
  return nullptr;
}

const PacketRing* JitterBuffer::ring(TrackId id) const {
  for (const auto& track : tracks_) {
    if (track->id == id) return &track->table.ring();
  }
  return nullptr;
}

void JitterBuffer::set_round_trip(Duration rtt) {
  round_trip_ = rtt;
  play_out_.set_round_trip(rtt);
}

Status<> JitterBuffer::handle_part(Instant now, TrackId id, Bytes ring_form, bool revived) {
  Track* track = find(id);
  if (track == nullptr) return Unexpected{DropReason::kUnknownTrack};
  if (ring_form.size() <= kMediaHeaderBytes || ring_form.size() > kPartPlaintextBytesMax) {
    return Unexpected{DropReason::kMalformed};
  }
  if (is_idle(*track)) forget_leftovers(now, *track);
  const wire::MediaView media{wire::decode_media_header(ring_form.first<kMediaHeaderBytes>()),
                              ring_form.subspan(kMediaHeaderBytes)};
  if (track->table.has(media.header.seq)) {
    ++counters_.parts_again;
    return Unexpected{DropReason::kDuplicatePart};
  }
  const std::uint32_t dts_ms =
      expand_dts(media.header.dts, dts_reference_ms_.value_or(media.header.dts));
  const bool recovered = revived ? note_revived(now, *track, media.header.seq)
                                 : note_gaps(now, *track, media.header.seq, dts_ms);
  const auto added = track->table.add(now, {media, ring_form, dts_ms, recovered});
  const bool stale = !added && added.error() == DropReason::kStalePart;
  if ((added || stale) && !recovered) note_arrival(now, *track, dts_ms);
  if (stale) {
    // Its frame was given up: the delay was too short for it.
    if (!recovered && !is_idle(*track)) {
      play_out_.on_frame(now, now - track->clock.expected(dts_ms));
    }
    note_late(*track, media.header.first_seq());
  }
  if (!added) return Unexpected{added.error()};
  dts_reference_ms_ = dts_ms;
  const FrameTable::Entry& frame = **added;
  if (frame.whole() && !frame.recovered && !in_burst(*track, frame)) {
    play_out_.on_frame(now, now - track->clock.expected(dts_ms));
  }
  return Done{};
}

/// What the number of a new part tells of losses; true when the part itself had been lost.
bool JitterBuffer::note_gaps(Instant now, Track& track, Seq seq, std::uint32_t dts_ms) {
  const PartGaps::Seen seen = track.gaps.on_part(now, seq);
  if (seen.behind) ++counters_.parts_behind;
  if (!seen.missing_since) {
    play_out_.on_parts(now, 1, seen.jumped);
    if (seen.jumped > 0) track.table.keep_history();
    return false;
  }
  // What is asked for and comes is late by a round trip at the least: this was only overtaken. Not
  // measured from the gap, which for the last part of a frame is seen with the next frame only.
  const Instant expected = track.clock.running() ? track.clock.expected(dts_ms) : kNever;
  if (now - std::min(expected, *seen.missing_since) < round_trip_ - round_trip_ / 8) {
    play_out_.on_found(now, 1);
    return false;
  }
  ++counters_.parts_recovered;
  play_out_.on_recovered(now, now - *seen.missing_since);
  return true;
}

/// The last part of all, rebuilt before anything behind it came, was not missed yet.
bool JitterBuffer::note_revived(Instant now, Track& track, Seq seq) {
  const PartGaps::Seen seen = track.gaps.on_part(now, seq);
  if (!seen.missing_since && !seen.behind) play_out_.on_parts(now, 0, 1 + seen.jumped);
  return true;
}

/// Only what came by itself tells how long the path is.
void JitterBuffer::note_arrival(Instant now, Track& track, std::uint32_t dts_ms) {
  const bool began = !track.clock.running();
  const Instant before = began ? kNever : track.clock.expected(dts_ms);
  const bool stepped = track.clock.on_arrival(now, dts_ms);
  if (began || stepped || track.clock.expected(dts_ms) < before - kBurstStep) {
    track.burst_until = now;
  }
  if (!track.catching_up) return;
  track.catching_up = is_late(track, now, dts_ms);
  if (track.catching_up) track.burst_until = now;
}

void JitterBuffer::handle_skip(Instant now, TrackId id, Seq from, Seq to) {
  Track* track = find(id);
  if (track == nullptr) return;
  track->table.skip(from, to);
  play_out_.on_found(now, track->gaps.on_skip(from, to));
}

void JitterBuffer::handle_end(Instant now) {
  if (ended_at_ == kNever) ended_at_ = now;
}

Duration JitterBuffer::play_out_delay() const {
  return config_.mode == PlayMode::kPlayOut ? play_out_.value() : config_.delay;
}

PlayOutDelay::Bounds JitterBuffer::delay_bounds() const {
  if (config_.mode == PlayMode::kPlayOut) return play_out_.bounds();
  return {config_.delay, config_.delay};
}

Duration JitterBuffer::delay(Instant now) const {
  if (config_.mode == PlayMode::kComplete) return config_.delay;
  for (const auto& track : tracks_) {
    if (now - track->burst_until < start_patience()) return start_patience();
  }
  return play_out_.value();
}

/// When the head's time comes; the frames of another time line, which a pusher left behind when it
/// set its clock, are kept no longer than any.
Instant JitterBuffer::play_at(const Track& track, const FrameTable::Entry& head) const {
  const Duration delay = play_out_.value();
  const Instant by_arrival = head.first_arrival + delay;
  if (!track.clock.running()) return by_arrival;
  return std::min(track.clock.expected(head.dts_ms) + delay, by_arrival);
}

bool JitterBuffer::in_burst(const Track& track, const FrameTable::Entry& head) {
  return head.first_arrival <= track.burst_until;
}

Duration JitterBuffer::start_hold() const {
  return std::max(kStartHoldMin, 4 * round_trip_ + kLossSeen);
}

/// How long what begins a stream is waited for: everything hangs on its key frame, and being late
/// with it delays nothing behind it.
Duration JitterBuffer::start_patience() const {
  return std::max(play_out_.value(), std::min(start_hold(), play_out_.bounds().max));
}

/// When a gap before the head is given up.
Instant JitterBuffer::gap_until(const Track& track, const FrameTable::Entry& head) const {
  if (track.started) return whole_until(track, head);
  if (config_.mode == PlayMode::kPlayOut) return play_at(track, head);
  return head.first_arrival + std::min(start_hold(), config_.delay);
}

/// When an incomplete head is given up.
Instant JitterBuffer::whole_until(const Track& track, const FrameTable::Entry& head) const {
  if (config_.mode == PlayMode::kComplete) return head.first_arrival + config_.delay;
  if (in_burst(track, head)) return head.first_arrival + start_patience();
  return play_at(track, head);
}

/// When a ready head may leave, as far as its own track is concerned.
Instant JitterBuffer::leaves_at(const Track& track, const FrameTable::Entry& head) const {
  if (config_.mode == PlayMode::kComplete || in_burst(track, head)) return head.whole_at;
  return play_at(track, head);
}

JitterBuffer::Head JitterBuffer::settle_head(Instant now, Track& track) {
  while (const FrameTable::Entry* head = track.table.head()) {
    if (!track.table.head_follows()) {
      const bool is_start = !track.started && track.kind == TrackKind::kVideo && head->keyframe;
      if (!is_start && now < gap_until(track, *head)) return Head::kWaiting;
      give_up_gap(track);
    } else if (!head->whole()) {
      if (now < whole_until(track, *head)) return Head::kWaiting;
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
    track.key_request_at = kNever;
  } else if (!left && !head.discardable) {
    // The answer itself was lost: that is another broken chain.
    if (head.keyframe) track.key_request_at = kNever;
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
  if (track.key_request_at == kNever) track.key_request_at = kLongAgo;
}

Duration JitterBuffer::interleave_hold(const Track& other) const {
  // Sound may wait for the first picture as long as for anything else.
  const bool awaits_first_key = !other.started && other.kind == TrackKind::kVideo;
  return awaits_first_key ? config_.delay : std::min(kInterleaveHold, config_.delay);
}

bool JitterBuffer::must_wait_for(Instant now, const Track& other, Head state,
                                 const Track& chosen_track) const {
  const FrameTable::Entry& chosen = *chosen_track.table.head();
  if (config_.mode == PlayMode::kPlayOut || other.kind == TrackKind::kData) return false;
  if (is_idle(other)) return false;
  // A switch stops nothing: the picture shown goes on until the next one can.
  const bool switching = other.kind == TrackKind::kVideo && showing_ && shown_ != showing_;
  if (switching && (state == Head::kEmpty || (other.id == shown_ && chosen_track.id == showing_))) {
    return false;
  }
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

/// In play-out sound goes first: an ear hears what an eye does not see.
bool JitterBuffer::leaves_before(const Track& a, const Track& b) const {
  if (config_.mode == PlayMode::kPlayOut && a.kind != b.kind) {
    if (a.kind == TrackKind::kAudio || b.kind == TrackKind::kAudio) {
      return a.kind == TrackKind::kAudio;
    }
  }
  return dts_difference(a.table.head()->dts_ms, b.table.head()->dts_ms) < 0;
}

std::optional<ReceivedFrame> JitterBuffer::poll_frame(Instant now) {
  play_out_.update(now);
  for (;;) {
    states_.clear();
    Track* chosen = nullptr;
    for (const auto& track : tracks_) {
      states_.push_back(is_idle(*track) ? Head::kEmpty : settle_head(now, *track));
      if (states_.back() != Head::kReady || now < leaves_at(*track, *track->table.head())) continue;
      if (chosen == nullptr || leaves_before(*track, *chosen)) chosen = track.get();
    }
    if (chosen == nullptr) return std::nullopt;
    for (std::size_t i = 0; i < tracks_.size(); ++i) {
      if (tracks_[i].get() == chosen) continue;
      if (must_wait_for(now, *tracks_[i], states_[i], *chosen)) return std::nullopt;
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
  const ReceivedFrame frame{track.id, track.kind, *media, head.whole_at};
  pass_head(track, true);
  note_shown(track);
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

std::optional<TrackId> JitterBuffer::poll_key_request(Instant now) {
  for (const auto& track : tracks_) {
    if (now < track->key_request_at) continue;
    if (choosing_ && track->kind == TrackKind::kVideo && track->id != shown_) continue;
    track->key_request_at = now + kKeyAnswer + 2 * round_trip_;
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
    if (is_idle(*track)) continue;
    consider(track->key_request_at);
    const FrameTable::Entry* head = track->table.head();
    if (head == nullptr) continue;
    if (!track->table.head_follows()) {
      consider(gap_until(*track, *head));
    } else if (!head->whole()) {
      consider(whole_until(*track, *head));
    } else {
      consider(leaves_at(*track, *head));
      if (config_.mode == PlayMode::kPlayOut) continue;
      for (const auto& other : tracks_) consider(head->whole_at + interleave_hold(*other));
    }
  }
  if (ended_at_ != kNever) consider(ended_at_ + std::max(kEndLinger, 3 * round_trip_));
  return next;
}

bool JitterBuffer::drained(Instant now) const {
  if (ended_at_ == kNever || now < ended_at_ + std::max(kEndLinger, 3 * round_trip_)) return false;
  return std::all_of(tracks_.begin(), tracks_.end(),
                     [this](const auto& track) { return is_idle(*track) || track->table.empty(); });
}

JitterBuffer::Report JitterBuffer::report(std::size_t index) const {
  CHECK(index < tracks_.size());
  return {tracks_[index]->id, tracks_[index]->table.oldest_open()};
}

}  // namespace sluice::client
