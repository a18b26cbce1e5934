#include "client/subscriber.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "client/link_end.h"
#include "proto/base/check.h"
#include "proto/wire/feedback.h"
#include "proto/wire/media_header.h"

namespace sluice::client {
namespace {

constexpr wire::RequestId kSubscribeRequest{1};

/// Rounded up: a delay that says less than it is costs the last round of recovery.
std::uint16_t milliseconds_of(Duration delay) {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(delay).count();
  return static_cast<std::uint16_t>(std::clamp<std::int64_t>(ms, 0, wire::kNoMilliseconds - 1));
}

}  // namespace

Subscriber::Subscriber(Config config, const Handlers& handlers)
    : config_(config), handlers_(handlers), buffer_(config.buffer) {}

std::vector<std::byte> Subscriber::first_commands() const {
  std::vector<std::byte> out;
  wire::Subscribe subscribe;
  subscribe.request = kSubscribeRequest;
  subscribe.stream = config_.stream;
  subscribe.playout_delay_min_ms = milliseconds_of(buffer_.delay_bounds().min);
  subscribe.playout_delay_max_ms = milliseconds_of(buffer_.delay_bounds().max);
  subscribe.priority = config_.priority;
  subscribe.video_bits_per_s_max = config_.video_bits_per_s_max;
  const auto encoded = wire::encode_room_message(subscribe, out);
  CHECK(encoded.has_value());
  return out;
}

void Subscriber::handle_event(Instant now, const link::Event& event) {
  if (const auto* media = std::get_if<link::MediaArrived>(&event)) {
    handle_media(now, *media);
  } else if (const auto* message = std::get_if<link::MessageArrived>(&event)) {
    if (message->stream == link::ControlStreamId::kRoom) handle_message(now, *message);
  } else if (const auto* skipped = std::get_if<link::Skipped>(&event)) {
    buffer_.handle_skip(now, skipped->track, skipped->from, skipped->to);
  } else if (const auto* closed = std::get_if<link::Closed>(&event)) {
    handle_closed(*closed);
  }
}

void Subscriber::handle_media(Instant now, const link::MediaArrived& media) {
  if (!knows(media.track) && held_.size() < kHeldPartsMax) {
    held_.push_back({media.track, {media.part.begin(), media.part.end()}});
    return;
  }
  const auto taken = buffer_.handle_part(now, media.track, media.part, media.revived);
  if (!taken) stats_.count_drop(taken.error());
}

void Subscriber::take_held(Instant now) {
  for (const HeldPart& held : held_) {
    if (!knows(held.track)) continue;
    const auto taken = buffer_.handle_part(now, held.track, held.part);
    if (!taken) stats_.count_drop(taken.error());
  }
  std::erase_if(held_, [this](const HeldPart& held) { return knows(held.track); });
}

bool Subscriber::knows(TrackId track) const {
  return std::any_of(tracks_.begin(), tracks_.end(),
                     [&](const auto& known) { return known.id == track; });
}

void Subscriber::handle_message(Instant now, const link::MessageArrived& message) {
  const auto decoded = wire::decode_room_message({message.type, message.body});
  if (!decoded) {
    stats_.count_drop(decoded.error());
    return;
  }
  if (const auto* stream = std::get_if<wire::StreamEvent>(&*decoded)) {
    if (stream->stream == config_.stream) handle_stream(now, *stream);
    return;
  }
  if (const auto* sending = std::get_if<wire::Sending>(&*decoded)) {
    if (sending->stream == handle_) handle_sending(now, *sending);
    return;
  }
  if (const auto* answer = std::get_if<wire::SubscribeAnswer>(&*decoded)) {
    handle_answer(now, *answer);
  }
}

void Subscriber::handle_answer(Instant now, const wire::SubscribeAnswer& answer) {
  if (answer.status == wire::AnswerStatus::kOk) {
    if (!answered_at_) answered_at_ = now;
    return;
  }
  state_ = State::kRefused;
  const std::string name{config_.stream.view()};
  error_ = {ExitCode::kRefused,
            answer.status == wire::AnswerStatus::kNotAllowed
                ? "not allowed to pull " + name + "; the ticket lacks the right to subscribe"
                : "the relay refused " + name + ": " +
                      std::string{wire::answer_status_name(answer.status)}};
}

void Subscriber::handle_stream(Instant now, const wire::StreamEvent& event) {
  using Change = wire::StreamEvent::Change;
  if (event.change == Change::kDown) {
    // Of a stream that a new one of its name took the place of, it is told late.
    if (state_ != State::kReceiving || event.handle != handle_) return;
    buffer_.handle_end(now);
    state_ = State::kEnding;
    end_ = End::kStreamDown;
    return;
  }
  // The room tells of the stream before the subscription is made; its tracks have no ids yet.
  if (event.tracks.empty()) return;
  for (const wire::TrackDescription& track : event.tracks) {
    if (knows(track.id)) continue;
    buffer_.add_track(track.id, track.kind);
    link_->open_ingress_track(track.id, buffer_.ring(track.id));
    tracks_.push_back(track);
    has_video_ = has_video_ || track.kind == TrackKind::kVideo;
  }
  handle_ = event.handle;
  sending_.reset();
  const auto renditions =
      std::count_if(event.tracks.begin(), event.tracks.end(),
                    [](const auto& track) { return track.kind == TrackKind::kVideo; });
  // P-REND-03: which one is shown is told.
  if (renditions > 1) buffer_.show(now, std::nullopt);
  state_ = State::kReceiving;
  handlers_.on_tracks(tracks_);
  take_held(now);
}

void Subscriber::handle_sending(Instant now, const wire::Sending& sending) {
  sending_ = sending;
  if (sending.video == wire::kNoVideo) return buffer_.show(now, std::nullopt);
  if (knows(sending.video)) buffer_.show(now, sending.video);
}

std::string_view Subscriber::pause() const {
  if (!sending_ || sending_->video != wire::kNoVideo) return {};
  return sending_->reason == wire::Sending::Reason::kBandwidth ? "paused: bandwidth"
                                                               : "paused: as wanted";
}

void Subscriber::handle_closed(const link::Closed& closed) {
  if (state_ == State::kDone || state_ == State::kRefused) return;
  const bool in_order = closed.code == link::CloseCode::kDone ||
                        (closed.by_peer && (closed.code == link::CloseCode::kRoomClosed ||
                                            closed.code == link::CloseCode::kDraining));
  if (!in_order) error_ = error_of(closed);
  if (in_order && closed.by_peer) {
    end_ = closed.code == link::CloseCode::kRoomClosed ? End::kRoomClosed : End::kRelayLeft;
  }
  state_ = State::kDone;
}

std::string_view Subscriber::end_reason() const {
  switch (end_) {
    case End::kNone:
      break;
    case End::kStreamDown:
      return "its pusher ended it";
    case End::kRoomClosed:
      return "the room was closed";
    case End::kRelayLeft:
      return "the relay was shut down";
  }
  return {};
}

void Subscriber::handle_turn(Instant now) {
  if (state_ == State::kDone || state_ == State::kRefused) return;
  const auto link_stats = link_->stats();
  stats_.sample(now, link_stats, play_out_delay());
  if (link_stats.srtt > Duration{0}) buffer_.set_round_trip(link_stats.srtt);
  hand_on(now);
  while (const auto track = buffer_.poll_key_request(now)) link_->request_key(*track);
  report(now);
  const auto& counted = buffer_.counters();
  stats_.late_frames = counted.late_frames;
  stats_.skipped_frames +=
      counted.skipped_frames - std::exchange(skips_counted_, counted.skipped_frames);
  stats_.retransmitted = counted.parts_behind + counted.parts_again;
  stats_.recovered_by_retransmission = counted.parts_recovered;
  if (state_ == State::kEnding && buffer_.drained(now)) state_ = State::kDone;
}

std::optional<Duration> Subscriber::play_out_delay() const {
  if (config_.buffer.mode != PlayMode::kPlayOut) return std::nullopt;
  return buffer_.play_out_delay();
}

void Subscriber::hand_on(Instant now) {
  while (const auto frame = buffer_.poll_frame(now)) {
    // A stream with video has begun for a viewer with its first key frame.
    if (!stats_.first_frame_us && (frame->kind == TrackKind::kVideo || !has_video_)) {
      stats_.first_frame_us = to_us(frame->whole_at - config_.started_at);
    }
    measure_latency(*frame);
    ++stats_.frames;
    if (frame->media.header.keyframe) ++stats_.key_frames;
    stats_.bytes_media += frame->media.body.size();
    handlers_.on_frame(*frame);
  }
}

/// The cached GOP with which a subscription begins is old by design: only what was pushed after the
/// answer says how long the way is. The stamp is of our clock, or says nothing at all.
void Subscriber::measure_latency(const ReceivedFrame& frame) {
  if (!frame.media.stamp_us || !answered_at_) return;
  const auto pushed_us = static_cast<std::int64_t>(*frame.media.stamp_us);
  if (pushed_us < to_us(*answered_at_)) return;
  stats_.latency_us.add(to_us(frame.whole_at) - pushed_us);
}

void Subscriber::report(Instant now) {
  const std::uint16_t delay = milliseconds_of(buffer_.delay(now));
  for (std::size_t i = 0; i < buffer_.track_count(); ++i) {
    const auto track = buffer_.report(i);
    link_->set_report(track.track, track.oldest_open, delay, delay);
  }
}

}  // namespace sluice::client
