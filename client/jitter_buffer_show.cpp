// JitterBuffer: one picture of several renditions (P-REND-04).
#include "client/jitter_buffer.h"

namespace sluice::client {
namespace {

/// Media may overtake the message that says what is shown by this, while that is sent again. What
/// is older belongs to an earlier switch.
constexpr Duration kOvertaken = std::chrono::seconds{1};

}  // namespace

void JitterBuffer::show(Instant now, std::optional<TrackId> video) {
  if (choosing_ && video == shown_) return;
  for (const auto& track : tracks_) {
    if (!choosing_ && track->kind == TrackKind::kVideo && track->started) showing_ = track->id;
  }
  choosing_ = true;
  shown_ = video;
  Track* next = video ? find(*video) : nullptr;
  if (next == nullptr || video == showing_) return;
  forget_leftovers(now, *next);
  const Track* before = showing_ ? find(*showing_) : nullptr;
  if (before == nullptr || !before->clock.running()) return;
  // One clock for all renditions: the next one goes on where the one before stands. Its cached
  // pictures are late by that clock, and leave as they come until they have caught up.
  next->clock = before->clock;
  next->catching_up = true;
  const FrameTable::Entry* head = next->table.head();
  const bool late = head != nullptr && is_late(*next, head->first_arrival, head->dts_ms);
  next->burst_until = late ? now : kLongAgo;
}

bool JitterBuffer::is_idle(const Track& track) const {
  return choosing_ && track.kind == TrackKind::kVideo && track.id != shown_ && track.id != showing_;
}

bool JitterBuffer::is_late(const Track& track, Instant arrival, std::uint32_t dts_ms) const {
  return arrival > track.clock.expected(dts_ms) + play_out_.value();
}

void JitterBuffer::forget_leftovers(Instant now, Track& track) {
  const FrameTable::Entry* head = track.table.head();
  if (head != nullptr && now - head->first_arrival > kOvertaken) forget(track);
}

void JitterBuffer::forget(Track& track) {
  track.table.forget();
  track.started = track.chain_whole = track.catching_up = false;
  track.past_count = track.given_up_count = 0;
  track.given_up = {};
  track.key_request_at = kNever;
  track.last_dts_ms.reset();
  track.step_ms = 0;
}

/// A frame of it has left: the first one ends what was shown before it.
void JitterBuffer::note_shown(const Track& track) {
  if (!choosing_ || track.id != shown_ || shown_ == showing_) return;
  if (Track* before = showing_ ? find(*showing_) : nullptr; before != nullptr) forget(*before);
  showing_ = shown_;
}

}  // namespace sluice::client
