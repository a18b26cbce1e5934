#include "client/pusher.h"

#include <algorithm>
#include <variant>

#include "client/link_end.h"
#include "proto/base/check.h"
#include "proto/wire/control_message.h"
#include "proto/wire/feedback.h"

namespace sluice::client {
namespace {

/// Audio repeats its configuration this often, so that who joins later can decode (P-MEDIA-06).
constexpr std::uint32_t kAudioConfigEveryMs = 1000;

/// Pushing faster than in real time, a queue this long keeps the path busy.
constexpr Duration kQueueWanted = std::chrono::milliseconds{100};

/// After the last frame left: time for its losses to be seen and sent again.
constexpr Duration kFinishLingerMin = std::chrono::milliseconds{200};

/// After UNPUSH: time for it to be sent again once.
constexpr Duration kUnpushLingerMin = std::chrono::milliseconds{60};

/// How often a queue that still drains is looked at.
constexpr Duration kFinishPoll = std::chrono::milliseconds{20};

/// A path that does not drain its queue in this time is not waited for.
constexpr Duration kFinishMax = std::chrono::seconds{5};

Error refusal(wire::AnswerStatus status, std::string_view stream) {
  const std::string name{stream};
  switch (status) {
    case wire::AnswerStatus::kNotAllowed:
      return {ExitCode::kRefused, "not allowed to push " + name + "; the ticket lacks the right"};
    case wire::AnswerStatus::kNameTaken:
      return {ExitCode::kRefused,
              "another user pushes " + name + " in this room; choose another name"};
    case wire::AnswerStatus::kTooMany:
      return {ExitCode::kRefused, "the relay's limit of tracks or streams is reached"};
    case wire::AnswerStatus::kCodecNotCarried:
      return {ExitCode::kBadInput, name + ": the relay does not carry one of its codecs"};
    case wire::AnswerStatus::kDraining:
      return {ExitCode::kRefused, "the relay is being shut down and takes no new stream"};
    case wire::AnswerStatus::kRenditionsDiffer:
      return {ExitCode::kBadInput, name + ": its renditions differ in more than size"};
    case wire::AnswerStatus::kOk:
    case wire::AnswerStatus::kMalformed:
    case wire::AnswerStatus::kNoSuchStream:
      break;
  }
  return {ExitCode::kRefused,
          "the relay refused " + name + ": " + std::string{wire::answer_status_name(status)}};
}

}  // namespace

Pusher::Pusher(Config config) : config_(std::move(config)) {
  stats_.pushing = true;
  for (const auto& described : config_.tracks)
    tracks_.push_back(std::make_unique<Track>(described));
}

std::vector<std::byte> Pusher::first_commands() const {
  std::vector<std::byte> out;
  const wire::Push push{request_, config_.stream, config_.tracks};
  const auto encoded = wire::encode_room_message(push, out);
  CHECK(encoded.has_value());  // at most three tracks have a configuration of a few KiB
  return out;
}

void Pusher::handle_event(const link::Event& event) {
  if (const auto* message = std::get_if<link::MessageArrived>(&event)) {
    if (message->stream == link::ControlStreamId::kRoom) handle_answer(*message);
  } else if (const auto* closed = std::get_if<link::Closed>(&event)) {
    handle_closed(*closed);
  } else if (const auto* report = std::get_if<link::TrackReported>(&event)) {
    if (report->recover_within_ms == wire::kNoMilliseconds) return;
    const Duration within = std::chrono::milliseconds{report->recover_within_ms};
    for (const auto& track : tracks_) {
      if (track->fragmenter.track() == report->track) {
        track->recover_within = std::min(within, kRecoverWithinMax);
      }
    }
  }
  // A file or pipe has the key frames that it has: KEY_REQUEST is not answered (no key_on_request).
}

void Pusher::handle_answer(const link::MessageArrived& message) {
  const auto decoded = wire::decode_room_message({message.type, message.body});
  if (!decoded) {
    stats_.count_drop(decoded.error());
    return;
  }
  const auto* answer = std::get_if<wire::PushAnswer>(&*decoded);
  if (answer == nullptr || answer->request != request_ || state_ != State::kAnnounced) return;
  if (answer->status == wire::AnswerStatus::kNotAllowed && push_without_data()) return;
  if (answer->status != wire::AnswerStatus::kOk) {
    state_ = State::kRefused;
    error_ = refusal(answer->status, config_.stream.view());
    return;
  }
  handle_ = answer->stream;
  start_pushing();
}

bool Pusher::push_without_data() {
  const auto is_data = [](const auto& track) { return track.kind == TrackKind::kData; };
  if (!config_.data_is_optional || std::erase_if(config_.tracks, is_data) == 0) return false;
  std::erase_if(tracks_, [&](const auto& track) { return is_data(*track); });
  request_ = wire::RequestId{2};
  send(wire::Push{request_, config_.stream, config_.tracks});
  return true;
}

/// Refused only when 64 KiB of messages wait, which a pusher's few never do.
void Pusher::send(const wire::RoomMessage& message) {
  std::vector<std::byte> out;
  if (!wire::encode_room_message(message, out)) return;
  static_cast<void>(link_->send_message(link::ControlStreamId::kRoom, to_u8(out[0]),
                                        Bytes{out}.subspan(wire::kMessageHeaderBytes)));
}

void Pusher::start_pushing() {
  state_ = State::kPushing;
  for (const auto& track : tracks_) {
    link_->open_egress_track(track->fragmenter.track(), &track->ring,
                             link::priority_of(track->kind));
  }
}

void Pusher::handle_closed(const link::Closed& closed) {
  if (state_ != State::kFinishing) error_ = error_of(closed);
  state_ = State::kDone;
  finish_at_ = kNever;
}

bool Pusher::has_room() const {
  return state_ == State::kPushing && link_->queue_delay() < kQueueWanted;
}

void Pusher::push(Instant now, const SourceFrame& frame) {
  if (state_ != State::kPushing) return;
  const TrackKind kind = track_kind_of(frame.type);
  const auto found = std::find_if(tracks_.begin(), tracks_.end(), [&](const auto& track) {
    return track->kind == kind &&
           (kind != TrackKind::kVideo || track->rendition == frame.rendition);
  });
  if (found == tracks_.end()) {
    stats_.count_drop(DropReason::kUnknownTrack);
    ++stats_.skipped_frames;
    return;
  }
  Track& track = **found;
  if (drop(track, frame)) return;
  wire::MediaFrame media;
  media.type = frame.type;
  media.timestamp_ms = frame.timestamp_ms;
  media.keyframe = frame.keyframe;
  media.discardable = frame.discardable;
  media.layer = frame.layer;
  media.body = frame.body;
  if (config_due(track, frame)) media.config = frame.config;
  if (config_.stamp) media.stamp_us = static_cast<std::uint64_t>(to_us(now));
  send(now, track, media);
}

/// The verdict of a live push, when a frame begins.
bool Pusher::drop(Track& track, const SourceFrame& frame) {
  if (frame.keyframe) track.broken = false;
  DropReason reason{};
  if (track.broken) {
    reason = DropReason::kBrokenUntilKey;
  } else if (config_.live && link_->queue_delay() > kPushQueueMax) {
    reason = DropReason::kQueueFull;
  } else if (config_.live && frame.discardable && link_->shedding()) {
    reason = DropReason::kQueueFull;
    link_->note_shed(frame.body.size());
  } else {
    return false;
  }
  if (track.kind == TrackKind::kVideo && !frame.discardable) track.broken = true;
  stats_.count_drop(reason);
  ++stats_.skipped_frames;
  return true;
}

bool Pusher::config_due(Track& track, const SourceFrame& frame) const {
  if (frame.config.empty()) return false;
  if (track.kind == TrackKind::kVideo) return frame.keyframe;
  const bool same = std::equal(frame.config.begin(), frame.config.end(), track.config_sent.begin(),
                               track.config_sent.end());
  if (same && frame.timestamp_ms - track.config_sent_ms < kAudioConfigEveryMs) return false;
  track.config_sent.assign(frame.config.begin(), frame.config.end());
  track.config_sent_ms = frame.timestamp_ms;
  return true;
}

void Pusher::send(Instant now, Track& track, const wire::MediaFrame& frame) {
  while (!track.recent.empty() && track.recent.front().at + kRecoverWithinMax < now) {
    track.recent.pop_front();
  }
  const Seq keep_from =
      track.recent.empty() ? track.fragmenter.next_seq() : track.recent.front().first;
  const auto written =
      track.fragmenter.write(frame, [&](const wire::MediaHeader& header, Bytes part) {
        // A fresh number is never refused; what it overwrites is beyond recovery by then.
        static_cast<void>(track.ring.insert(header.seq, part, keep_from));
      });
  if (!written) {
    stats_.count_drop(written.error());
    ++stats_.skipped_frames;
    return;
  }
  track.recent.push_back({now, written->first});
  const auto queued = link_->queue_media(track.fragmenter.track(), written->first, written->count,
                                         now + track.recover_within);
  if (!queued) {
    stats_.count_drop(queued.error());
    ++stats_.skipped_frames;
    if (track.kind == TrackKind::kVideo && !frame.discardable) track.broken = true;
    return;
  }
  ++stats_.frames;
  if (frame.keyframe) ++stats_.key_frames;
  stats_.bytes_media += frame.body.size();
}

void Pusher::finish(Instant now) {
  if (state_ != State::kPushing && state_ != State::kAnnounced) return;
  state_ = State::kFinishing;
  finish_limit_ = now + kFinishMax;
  finish_at_ = now;
}

void Pusher::handle_turn(Instant now) {
  stats_.sample(now, link_->stats());
  if (state_ != State::kFinishing || now < finish_at_) return;
  const Duration round_trip = link_->stats().srtt;
  switch (finishing_) {
    case Finishing::kSending:
      if (link_->queue_delay() > Duration{0} && now < finish_limit_) {
        finish_at_ = now + kFinishPoll;
        return;
      }
      finishing_ = Finishing::kRecovering;
      finish_at_ = now + std::max(kFinishLingerMin, 4 * round_trip);
      return;
    case Finishing::kRecovering:
      finishing_ = Finishing::kUnpushed;
      finish_at_ = now + std::max(kUnpushLingerMin, 2 * round_trip);
      // CLOSE is not acknowledged: where all three of it are lost, the stream would stand still for
      // the relay's idle time. UNPUSH goes again until it has come.
      if (handle_) send(wire::Unpush{*handle_});
      return;
    case Finishing::kUnpushed:
      finish_at_ = kNever;
      link_->close(now, link::CloseCode::kDone, "");
      return;
  }
}

}  // namespace sluice::client
