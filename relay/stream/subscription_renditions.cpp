// Subscription: which rendition of the picture is sent, and how one follows another (P-REND-02).
#include <algorithm>
#include <utility>

#include "relay/stream/stream.h"
#include "relay/stream/subscription.h"

namespace sluice::relay {

/// The dts of the picture that is shown first; nothing when there is none yet.
std::optional<std::int64_t> Subscription::start_video(Instant now) {
  const std::optional<Rendition> wanted = choice_.wanted();
  if (!wanted) return std::nullopt;
  // A smaller picture fits where the wanted one does; a larger one is better than none.
  std::optional<Rendition> first;
  for (Rendition r = 0; r < renditions_.size(); ++r) {
    const bool better = !first || r <= *wanted || *first < *wanted;
    const bool usable =
        stream_.is_alive(renditions_[r]) && stream_.track(renditions_[r]).start_frame();
    if (usable && better) first = r;
    if (first && *first >= *wanted) break;
  }
  if (first != wanted) stream_.want_key(now, renditions_[*wanted]);
  if (!first) return std::nullopt;
  const Track& track = stream_.track(renditions_[*first]);
  const std::size_t key = *track.start_frame();
  if (!switch_to(now, *first, key)) return std::nullopt;
  return track.frames()[key].dts_ms;
}

void Subscription::want(Instant now, std::optional<Rendition> rendition,
                        wire::Sending::Reason reason) {
  if (!rendition) {
    if (paused_ || !announce(std::nullopt, reason)) return;
    reason_ = reason;
    choice_.want(std::nullopt);
    return pause(true);
  }
  reason_ = reason;
  if (rendition == choice_.wanted()) return see_to_switch(now);
  const bool first = !choice_.wanted() && !paused_;
  const std::optional<Rendition> before = choice_.current();
  pause(false);
  choice_.want(rendition);
  if (!choice_.switching()) return;
  // Up there is time until the next key frame; down, and out of nothing, there is none.
  const bool hurry = !first && (!before || *rendition > *before);
  const bool makes_keys = stream_.track(renditions_[*rendition]).description().key_on_request;
  stream_.want_key(now, renditions_[*rendition]);
  switch_until_ = kNever;
  if (hurry) switch_until_ = before && makes_keys ? now + kSwitchPatience : now;
  see_to_switch(now);
}

/// A switch that waits for a key frame must not wait for ever.
void Subscription::see_to_switch(Instant now) {
  if (!choice_.switching()) return;
  const std::size_t wanted = renditions_[*choice_.wanted()];
  const std::optional<Rendition> current = choice_.current();
  const bool still = current && !stream_.is_alive(renditions_[*current]);
  if (now >= switch_until_ || still) {
    if (start_from_cache(now, *choice_.wanted())) return;
  }
  stream_.want_key(now, wanted);
}

bool Subscription::start_from_cache(Instant now, Rendition rendition) {
  const std::optional<std::size_t> key = stream_.track(renditions_[rendition]).start_frame();
  if (!key || !switch_to(now, rendition, *key)) return false;
  starting_until_ = std::max(starting_until_, now + kPlayOutDefault);
  return true;
}

/// From this key frame on. False when it could not be announced: then all stays as it is.
bool Subscription::switch_to(Instant now, Rendition rendition, std::size_t first_frame) {
  const std::size_t track = renditions_[rendition];
  const bool changes = choice_.current().has_value() && choice_.current() != rendition;
  if (renditions_.size() > 1 || announced_) {
    if (!announce(rendition, reason_)) return false;
  }
  if (changes) metrics_.rendition_switches.add();
  const MediaFrameState& frame = stream_.track(track).frames()[first_frame];
  choice_.begin(rendition, static_cast<std::uint32_t>(frame.dts_ms));
  if (choice_.current() == choice_.wanted()) switch_until_ = kNever;
  const std::optional<Seq> sent_end = tracks_[track]->sent_end;
  if (sent_end && sent_end->distance_from(frame.first) < 0) {
    skip(track, *sent_end, frame.first - 1);
  }
  start_track(now, track, first_frame);
  return true;
}

/// P-REND-03. False when the member's message backlog is full.
bool Subscription::announce(std::optional<Rendition> rendition, wire::Sending::Reason reason) {
  wire::Sending sending;
  sending.stream = stream_.identity().handle;
  if (rendition) sending.video = tracks_[renditions_[*rendition]]->id;
  sending.reason = reason;
  const bool sent = member_.send(sending);
  announced_ = announced_ || sent;
  return sent;
}

void Subscription::pause(bool paused) {
  if (paused == std::exchange(paused_, paused)) return;
  if (paused) {
    metrics_.subscriptions_paused.add();
  } else {
    metrics_.subscriptions_paused.subtract();
  }
}

/// Of what is sent, or decided about before; a switch may begin with it.
bool Subscription::admits(Instant now, std::size_t track, const MediaFrameState& frame) {
  if (stream_.track(track).kind() != TrackKind::kVideo) return true;
  if (tracks_[track]->verdicts.judged(frame)) return true;
  const Rendition rendition = rendition_of(track);
  const auto dts = static_cast<std::uint32_t>(frame.dts_ms);
  switch (choice_.judge(rendition, frame.keyframe, dts)) {
    case RenditionChoice::Step::kSend:
      return true;
    case RenditionChoice::Step::kSwitch: {
      // With it goes what has come of it and behind it.
      const FrameIndex& frames = stream_.track(track).frames();
      switch_to(now, rendition, frames.lower_bound(frame.first));
      return false;
    }
    case RenditionChoice::Step::kPass:
      break;
  }
  if (choice_.wanted() && !choice_.current()) {
    stream_.want_key(now, renditions_[*choice_.wanted()]);
  }
  return false;
}

Rendition Subscription::rendition_of(std::size_t track) const {
  const auto found = std::find(renditions_.begin(), renditions_.end(), track);
  return static_cast<Rendition>(found - renditions_.begin());
}

bool Subscription::is_sent(std::size_t track) const {
  if (!tracks_[track]) return false;
  if (stream_.track(track).kind() != TrackKind::kVideo) return true;
  return choice_.current() == rendition_of(track);
}

}  // namespace sluice::relay
