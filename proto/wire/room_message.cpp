#include "proto/wire/room_message.h"

#include <algorithm>

#include "proto/wire/message_codec.h"

namespace sluice::wire {
namespace {

// The fields of each message, once for both directions (P-CTRL-04). C is Encoder or Decoder.

template <class C>
void track_fields(C& c, typename C::template Of<TrackDescription>& m) {
  c.u8(m.id);
  c.choice(m.kind, TrackKind::kAudio, TrackKind::kData);
  c.u32(m.codec);
  c.u8(m.rendition);
  c.bits(m.key_on_request);
  c.bytes16(m.config, kCodecConfigBytesMax);
}

template <class C>
void fields(C& c, typename C::template Of<Push>& m) {
  c.u16(m.request);
  c.name(m.stream);
  c.list8(m.tracks, [&c](auto& track) { track_fields(c, track); });
}

template <class C>
void fields(C& c, typename C::template Of<PushAnswer>& m) {
  c.u16(m.request);
  c.choice(m.status, AnswerStatus::kOk, AnswerStatus::kRenditionsDiffer);
  c.u16(m.stream);
}

template <class C>
void fields(C& c, typename C::template Of<Unpush>& m) {
  c.u16(m.stream);
}

template <class C>
void fields(C& c, typename C::template Of<Subscribe>& m) {
  c.u16(m.request);
  c.name_or_empty(m.stream);
  c.u16(m.playout_delay_min_ms);
  c.u16(m.playout_delay_max_ms);
  c.bits(m.audio, m.video, m.data);
  c.u8(m.priority);
  c.u32(m.video_bits_per_s_max);
  if (m.playout_delay_min_ms > m.playout_delay_max_ms) c.fail();
}

template <class C>
void fields(C& c, typename C::template Of<SubscribeAnswer>& m) {
  c.u16(m.request);
  c.choice(m.status, AnswerStatus::kOk, AnswerStatus::kRenditionsDiffer);
}

template <class C>
void fields(C& c, typename C::template Of<Unsubscribe>& m) {
  c.name_or_empty(m.stream);
}

template <class C>
void fields(C& c, typename C::template Of<MemberEvent>& m) {
  c.choice(m.change, MemberEvent::Change::kIn, MemberEvent::Change::kOut);
  c.name(m.user);
  c.u16(m.rights);
  c.u8(m.reason);
}

template <class C>
void fields(C& c, typename C::template Of<StreamEvent>& m) {
  c.choice(m.change, StreamEvent::Change::kUp, StreamEvent::Change::kChanged);
  c.name(m.stream);
  c.name(m.user);
  c.u16(m.handle);
  c.list8(m.tracks, [&c](auto& track) { track_fields(c, track); });
}

template <class C>
void fields(C& c, typename C::template Of<Target>& m) {
  c.u16(m.stream);
  c.list8(m.rates, [&c](auto& rate) {
    c.u8(rate.track);
    c.u32(rate.bits_per_s);
  });
}

template <class C>
void fields(C& c, typename C::template Of<Stats>& m) {
  c.list_to_end(m.entries, [&c](auto& entry) {
    c.u8(entry.key);
    c.u64(entry.value);
  });
}

template <class C>
void fields(C& c, typename C::template Of<Reconnect>& m) {
  c.text8(m.address);
  c.bytes16(m.ticket, kControlMessageBytesMax);
  c.array(m.psk);
}

template <class C>
void fields(C& c, typename C::template Of<RoomWelcome>& m) {
  c.name(m.room);
  c.name(m.user);
  c.u16(m.members);
}

template <class C>
void fields(C& c, typename C::template Of<Sending>& m) {
  c.u16(m.stream);
  c.u8(m.video);
  c.choice(m.reason, Sending::Reason::kAsWanted, Sending::Reason::kBandwidth);
}

/// P-REND-01.
bool are_renditions(const std::vector<TrackDescription>& tracks) {
  for (auto a = tracks.begin(); a != tracks.end(); ++a) {
    const auto clashes = [&](const TrackDescription& b) {
      return a->kind == TrackKind::kVideo && b.kind == TrackKind::kVideo &&
             (a->codec != b.codec || a->rendition == b.rendition);
    };
    if (std::any_of(tracks.begin(), a, clashes)) return false;
  }
  return true;
}

constexpr auto kFields = [](auto& codec, auto& message) { fields(codec, message); };

}  // namespace

std::string_view answer_status_name(AnswerStatus status) noexcept {
  switch (status) {
    case AnswerStatus::kOk:
      return "ok";
    case AnswerStatus::kNotAllowed:
      return "not_allowed";
    case AnswerStatus::kNameTaken:
      return "name_taken";
    case AnswerStatus::kTooMany:
      return "too_many";
    case AnswerStatus::kCodecNotCarried:
      return "codec_not_carried";
    case AnswerStatus::kMalformed:
      return "malformed";
    case AnswerStatus::kNoSuchStream:
      return "no_such_stream";
    case AnswerStatus::kDraining:
      return "draining";
    case AnswerStatus::kRenditionsDiffer:
      return "renditions_differ";
  }
  return "unknown";
}

AnswerStatus check_tracks(const std::vector<TrackDescription>& tracks) {
  if (tracks.empty()) return AnswerStatus::kMalformed;
  if (tracks.size() > kTracksPerStreamMax) return AnswerStatus::kTooMany;
  for (auto track = tracks.begin(); track != tracks.end(); ++track) {
    const auto same_id = [&](const TrackDescription& other) { return other.id == track->id; };
    if (std::any_of(tracks.begin(), track, same_id)) return AnswerStatus::kMalformed;
    if (!is_carried(track->codec)) return AnswerStatus::kCodecNotCarried;
    if (kind_of_codec(track->codec) != track->kind) return AnswerStatus::kMalformed;
  }
  return are_renditions(tracks) ? AnswerStatus::kOk : AnswerStatus::kRenditionsDiffer;
}

Status<> encode_room_message(const RoomMessage& message, std::vector<std::byte>& out) {
  return encode_message(message, out, kFields);
}

Result<RoomMessage> decode_room_message(const MessageView& message) {
  return decode_message<RoomMessage>(message, kFields);
}

}  // namespace sluice::wire
