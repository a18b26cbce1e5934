// Messages of the room control stream (P-CTRL-04) as plain structs, and their coding. Both ends of
// a link use it, on the control plane only. decode is strict: every name is checked, every length
// must come out even, nothing may trail. A value that came through decode is safe to act on.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "proto/base/media.h"
#include "proto/base/name.h"
#include "proto/base/result.h"
#include "proto/wire/control_message.h"

namespace sluice::wire {

/// Names a pushed stream inside one link.
enum class StreamHandle : std::uint16_t {};

/// Pairs a request with its answer; chosen by the client.
enum class RequestId : std::uint16_t {};

enum class AnswerStatus : std::uint8_t {
  kOk = 0,
  kNotAllowed = 1,
  kNameTaken = 2,
  kTooMany = 3,
  kCodecNotCarried = 4,
  kMalformed = 5,
  kNoSuchStream = 6,
  kDraining = 7,
  kRenditionsDiffer = 8,
};

/// Stable snake_case name.
std::string_view answer_status_name(AnswerStatus status) noexcept;

struct TrackDescription {
  TrackId id{};
  TrackKind kind = TrackKind::kVideo;
  FourCC codec{};  // perhaps one that is not carried: the answer says so
  std::uint8_t rendition = 0;
  bool key_on_request = false;
  std::vector<std::byte> config{};  // at most kCodecConfigBytesMax

  bool operator==(const TrackDescription&) const = default;
};

/// Client: announces a stream. Its tracks may be used once the answer came.
struct Push {
  RequestId request{};
  StreamName stream{};
  std::vector<TrackDescription> tracks{};  // ask check_tracks()

  bool operator==(const Push&) const = default;
};

/// What to answer to these tracks: kOk; kTooMany; kCodecNotCarried; kMalformed when there are none,
/// an id comes twice or a kind is not its codec's; kRenditionsDiffer when the video tracks cannot
/// be renditions of one picture (P-REND-01). Apart from decoding, so that a pusher gets a reason.
AnswerStatus check_tracks(const std::vector<TrackDescription>& tracks);

struct PushAnswer {
  RequestId request{};
  AnswerStatus status = AnswerStatus::kOk;
  StreamHandle stream{};

  bool operator==(const PushAnswer&) const = default;
};

struct Unpush {
  StreamHandle stream{};

  bool operator==(const Unpush&) const = default;
};

struct Subscribe {
  RequestId request{};
  StreamName stream{};  // empty: every stream of the others, now and later
  std::uint16_t playout_delay_min_ms = 0;
  std::uint16_t playout_delay_max_ms = 0;
  bool audio = true;
  bool video = true;
  bool data = true;
  std::uint8_t priority = 0;             // among the client's subscriptions: higher goes first
  std::uint32_t video_bits_per_s_max{};  // 0: what fits

  bool operator==(const Subscribe&) const = default;
};

struct SubscribeAnswer {
  RequestId request{};
  AnswerStatus status = AnswerStatus::kOk;

  bool operator==(const SubscribeAnswer&) const = default;
};

struct Unsubscribe {
  StreamName stream{};  // empty: all

  bool operator==(const Unsubscribe&) const = default;
};

struct MemberEvent {
  enum class Change : std::uint8_t { kIn = 1, kOut = 2 };

  Change change = Change::kIn;
  UserName user{};
  std::uint16_t rights = 0;
  std::uint8_t reason = 0;  // a CloseCode, of a member that left

  bool operator==(const MemberEvent&) const = default;
};

struct StreamEvent {
  enum class Change : std::uint8_t { kUp = 1, kDown = 2, kChanged = 3 };

  Change change = Change::kUp;
  StreamName stream{};
  UserName user{};
  StreamHandle handle{};
  std::vector<TrackDescription> tracks{};  // with the subscriber's own track ids

  bool operator==(const StreamEvent&) const = default;
};

/// Relay: what the subscribers of a stream can use.
struct Target {
  struct Rate {
    TrackId track{};
    std::uint32_t bits_per_s = 0;

    bool operator==(const Rate&) const = default;
  };

  StreamHandle stream{};
  std::vector<Rate> rates{};

  bool operator==(const Target&) const = default;
};

struct Stats {
  struct Entry {
    std::uint8_t key = 0;
    std::uint64_t value = 0;

    bool operator==(const Entry&) const = default;
  };

  std::vector<Entry> entries{};

  bool operator==(const Stats&) const = default;
};

struct Reconnect {
  std::string address{};  // at most 255 bytes
  std::vector<std::byte> ticket{};
  std::array<std::byte, 32> psk{};

  bool operator==(const Reconnect&) const = default;
};

/// Relay: the first message after ACCEPT.
struct RoomWelcome {
  RoomName room{};
  UserName user{};
  std::uint16_t members = 0;

  bool operator==(const RoomWelcome&) const = default;
};

/// SENDING: no video of the stream is sent.
inline constexpr TrackId kNoVideo{0xFF};

/// Relay: which rendition of a stream's picture comes from now on (P-REND-03).
struct Sending {
  enum class Reason : std::uint8_t { kAsWanted = 0, kBandwidth = 1 };

  StreamHandle stream{};
  TrackId video = kNoVideo;  // the subscriber's own id
  Reason reason = Reason::kAsWanted;

  bool operator==(const Sending&) const = default;
};

/// Of a later version; skipped.
struct UnknownMessage {
  std::uint8_t type = 0;

  bool operator==(const UnknownMessage&) const = default;
};

/// In the order of their type numbers, 1 to 13; UnknownMessage is never encoded.
using RoomMessage =
    std::variant<Push, PushAnswer, Unpush, Subscribe, SubscribeAnswer, Unsubscribe, MemberEvent,
                 StreamEvent, Target, Stats, Reconnect, RoomWelcome, Sending, UnknownMessage>;

/// Appends header and body to `out`. Errors, with `out` unchanged: kControlTooLarge (the body is
/// above kControlMessageBytesMax), kMalformed (a list or text longer than its length field tells).
Status<> encode_room_message(const RoomMessage& message, std::vector<std::byte>& out);

/// Error: kMalformed.
Result<RoomMessage> decode_room_message(const MessageView& message);

}  // namespace sluice::wire
