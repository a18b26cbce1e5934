// The messages of the control socket as plain structs, one per table of the .fbs files beside this
// header; docs/CONTROL.md says what each means and who sends it. control.h turns them into bytes
// and back: names are checked by their types, every other value against the limits below, in both
// directions, so that who holds one of these structs need not look again.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "proto/base/ids.h"
#include "proto/base/leave_reason.h"
#include "proto/base/name.h"

namespace sluice::schema {

/// One message with everything in it. 64 KiB holds the longest page of a list (kPageEntriesMax);
/// half does not; double only helps who would exhaust us.
inline constexpr std::size_t kMessageBytesMax = 64U << 10U;

/// Entries in one answer to ListRooms or ListMembers: 48 members with 8 streams each are 51 KB.
/// Double does not fit a message; half doubles the questions for a large room.
inline constexpr std::size_t kPageEntriesMax = 48;

/// Streams named in one MemberSummary. The relay allows a member no more than a few
/// (docs/PROTOCOL.md).
inline constexpr std::size_t kMemberStreamsMax = 8;

/// Members in one Quality event: 128 are 40 KB; more go in the next event.
inline constexpr std::size_t kQualityEntriesMax = 128;

/// The room service's own bytes with a room: enough for an id and a few flags in any coding; double
/// would make a relay a data base.
inline constexpr std::size_t kBlobBytesMax = 1024;

/// Texts for people, and what a gateway passes on (an RTMP query carries a signature of 100 bytes
/// or so). A URL longer than this is no longer a URL to most software.
inline constexpr std::size_t kTextBytesMax = 2048;

/// An IPv6 address without its host part has 40 at most; a full page must fit a message.
inline constexpr std::size_t kMaskedAddressBytesMax = 64;

/// A sealed ticket with two names of 64 bytes is 290 bytes.
inline constexpr std::size_t kTicketBytesMax = 512;

/// Files of recordings: the limit of every file system there is.
inline constexpr std::size_t kFileNameBytesMax = 255;

using BootId = std::array<std::byte, 16>;
using Key32 = std::array<std::byte, 32>;

/// The defaulted comparison is for tests and for those who look for changes.
#define SLUICE_SCHEMA_COMPARABLE(Type) bool operator==(const Type&) const = default

enum class StatusCode : std::uint8_t {
  kOk,
  kMalformed,       // the bytes are no message, or a value is outside its limits
  kUnknownMessage,  // a message of a later version
  kNotYet,          // known, and this relay does not do it yet
  kNotFound,        // no such room, member or stream
  kNotActive,       // a room service with a higher epoch is the active one
  kBusy,            // no answer within the deadline, or too many requests under way
  kDraining,
  kRefused,  // understood, and against a rule; the text says which
};

struct Status {
  StatusCode code = StatusCode::kOk;
  std::string text{};
  std::uint32_t count = 0;  // members or streams that an order touched
  SLUICE_SCHEMA_COMPARABLE(Status);
};

// hello.fbs.

struct Load {
  std::uint16_t workers = 0;
  std::uint32_t rooms = 0;
  std::uint32_t members = 0;
  std::uint32_t streams = 0;
  std::uint16_t busy_permille = 0;
  SLUICE_SCHEMA_COMPARABLE(Load);
};

/// What this program speaks; in Hello.
inline constexpr std::uint16_t kControlVersion = 1;

struct Hello {
  std::uint16_t control_version = kControlVersion;
  std::string version{};
  BootId boot_id{};
  Key32 relay_key{};
  RelayKeyId relay_key_id{};
  std::string address{};
  Load load{};
  bool draining = false;
  SLUICE_SCHEMA_COMPARABLE(Hello);
};

struct Attach {
  std::uint64_t epoch = 0;
  std::string name{};
  SLUICE_SCHEMA_COMPARABLE(Attach);
};

struct Attached {
  bool active = false;
  std::uint64_t active_epoch = 0;
  std::uint64_t generation = 0;
  Key32 ticket_key{};
  SLUICE_SCHEMA_COMPARABLE(Attached);
};

struct Resync {
  BootId boot_id{};
  std::uint64_t generation = 0;
  SLUICE_SCHEMA_COMPARABLE(Resync);
};

struct Resynced {
  BootId boot_id{};
  std::uint64_t generation = 0;
  std::uint32_t events = 0;
  SLUICE_SCHEMA_COMPARABLE(Resynced);
};

struct Drain {
  std::uint32_t deadline_ms = 0;
  SLUICE_SCHEMA_COMPARABLE(Drain);
};

// room.fbs.

struct RoomLimits {
  std::uint32_t members_max = 0;
  std::uint32_t streams_max = 0;
  std::uint32_t rate_kbps = 0;
  SLUICE_SCHEMA_COMPARABLE(RoomLimits);
};

struct OpenRoom {
  RoomName room{};
  RoomLimits limits{};
  std::vector<std::byte> blob{};
  SLUICE_SCHEMA_COMPARABLE(OpenRoom);
};

struct CloseRoom {
  RoomName room{};
  SLUICE_SCHEMA_COMPARABLE(CloseRoom);
};

struct RoomUp {
  RoomName room{};
  RoomLimits limits{};
  std::vector<std::byte> blob{};
  SLUICE_SCHEMA_COMPARABLE(RoomUp);
};

struct RoomDown {
  RoomName room{};
  SLUICE_SCHEMA_COMPARABLE(RoomDown);
};

struct ListRooms {
  RoomName after{};  // empty: from the first
  std::uint32_t limit = 0;
  SLUICE_SCHEMA_COMPARABLE(ListRooms);
};

struct RoomSummary {
  RoomName room{};
  std::uint32_t members = 0;
  std::uint32_t streams = 0;
  std::uint32_t subscriptions = 0;
  std::uint64_t age_ms = 0;
  std::uint16_t home_worker = 0;
  std::uint16_t branches = 0;
  SLUICE_SCHEMA_COMPARABLE(RoomSummary);
};

struct RoomList {
  std::vector<RoomSummary> rooms{};
  bool more = false;
  SLUICE_SCHEMA_COMPARABLE(RoomList);
};

// member.fbs.

enum class EndpointKind : std::uint8_t { kLink, kRtmp, kHttpFlv, kWebSocket };

struct Admit {
  RoomName room{};
  UserName user{};
  SLUICE_SCHEMA_COMPARABLE(Admit);
};

struct Kick {
  RoomName room{};
  UserName user{};
  InstanceId instance{};  // 0: every instance
  SLUICE_SCHEMA_COMPARABLE(Kick);
};

struct SetRights {
  RoomName room{};
  UserName user{};
  InstanceId instance{};
  std::uint16_t rights = 0;
  SLUICE_SCHEMA_COMPARABLE(SetRights);
};

struct MemberIn {
  RoomName room{};
  UserName user{};
  InstanceId instance{};
  std::uint16_t rights = 0;
  EndpointKind endpoint = EndpointKind::kLink;
  SLUICE_SCHEMA_COMPARABLE(MemberIn);
};

struct MemberOut {
  RoomName room{};
  UserName user{};
  InstanceId instance{};
  LeaveReason reason = LeaveReason::kLeft;
  SLUICE_SCHEMA_COMPARABLE(MemberOut);
};

struct ListMembers {
  RoomName room{};
  UserName after_user{};  // empty: from the first
  InstanceId after_instance{};
  std::uint32_t limit = 0;
  SLUICE_SCHEMA_COMPARABLE(ListMembers);
};

struct MemberSummary {
  UserName user{};
  InstanceId instance{};
  std::uint16_t rights = 0;
  EndpointKind endpoint = EndpointKind::kLink;
  std::uint16_t worker = 0;
  std::uint64_t age_ms = 0;
  std::string address{};  // without its host part
  std::uint32_t rtt_us = 0;
  std::uint32_t jitter_us = 0;
  std::uint64_t uplink_bps = 0;
  std::uint64_t downlink_bps = 0;
  std::uint32_t uplink_loss_ppm = 0;
  std::uint32_t downlink_loss_ppm = 0;
  std::uint32_t queue_ms = 0;
  std::uint32_t subscriptions = 0;
  std::vector<StreamName> streams{};
  SLUICE_SCHEMA_COMPARABLE(MemberSummary);
};

struct MemberList {
  std::vector<MemberSummary> members{};
  bool more = false;
  SLUICE_SCHEMA_COMPARABLE(MemberList);
};

// stream.fbs.

enum class TrackKind : std::uint8_t { kAudio = 1, kVideo = 2, kData = 3 };

struct Track {
  std::uint8_t id = 0;
  TrackKind kind = TrackKind::kAudio;
  std::uint32_t codec = 0;
  std::uint8_t rendition = 0;
  SLUICE_SCHEMA_COMPARABLE(Track);
};

struct StreamUp {
  RoomName room{};
  UserName user{};
  StreamName stream{};
  std::vector<Track> tracks{};
  SLUICE_SCHEMA_COMPARABLE(StreamUp);
};

struct StreamDown {
  RoomName room{};
  UserName user{};
  StreamName stream{};
  SLUICE_SCHEMA_COMPARABLE(StreamDown);
};

struct KeyRequest {
  RoomName room{};
  StreamName stream{};
  SLUICE_SCHEMA_COMPARABLE(KeyRequest);
};

struct MemberQuality {
  RoomName room{};
  UserName user{};
  InstanceId instance{};
  std::uint32_t rtt_us = 0;
  std::uint64_t uplink_bps = 0;
  std::uint64_t downlink_bps = 0;
  std::uint32_t uplink_loss_ppm = 0;
  std::uint32_t downlink_loss_ppm = 0;
  SLUICE_SCHEMA_COMPARABLE(MemberQuality);
};

struct Quality {
  std::vector<MemberQuality> members{};
  SLUICE_SCHEMA_COMPARABLE(Quality);
};

// authorize.fbs, recording.fbs, ticket.fbs.

struct Authorize {
  EndpointKind endpoint = EndpointKind::kRtmp;
  bool push = false;
  std::string app{};
  std::string stream{};
  std::string query{};
  std::string address{};
  SLUICE_SCHEMA_COMPARABLE(Authorize);
};

struct Authorized {
  RoomName room{};
  UserName user{};
  StreamName stream{};
  std::uint16_t rights = 0;
  std::uint64_t expiry_s = 0;
  SLUICE_SCHEMA_COMPARABLE(Authorized);
};

enum class RecordingState : std::uint8_t { kStarted, kFragment, kStopped, kFailed };

struct StartRecording {
  RoomName room{};
  StreamName stream{};
  std::string file{};
  SLUICE_SCHEMA_COMPARABLE(StartRecording);
};

struct StopRecording {
  RoomName room{};
  StreamName stream{};
  SLUICE_SCHEMA_COMPARABLE(StopRecording);
};

struct RecordingEvent {
  RoomName room{};
  StreamName stream{};
  std::string file{};
  RecordingState state = RecordingState::kStarted;
  std::uint64_t bytes = 0;
  std::uint64_t duration_ms = 0;
  std::string text{};
  SLUICE_SCHEMA_COMPARABLE(RecordingEvent);
};

struct IssueTicket {
  RoomName room{};
  UserName user{};
  InstanceId instance{};  // 0: the relay draws one
  std::uint16_t rights = 0;
  std::uint32_t valid_s = 0;  // 0: 60 s
  std::uint32_t rate_kbps = 0;
  std::uint32_t session_s = 0;
  bool several_instances = false;
  SLUICE_SCHEMA_COMPARABLE(IssueTicket);
};

/// What a client needs to connect (P-TICKET-03).
struct IssuedTicket {
  std::string address{};
  Key32 relay_key{};
  std::vector<std::byte> ticket{};
  Key32 psk{};
  std::uint64_t expiry_s = 0;
  SLUICE_SCHEMA_COMPARABLE(IssuedTicket);
};

#undef SLUICE_SCHEMA_COMPARABLE

/// In the order of envelope.fbs: the index is the union's number less one (control_test.cpp).
using Message = std::variant<Status, Hello, Attach, Attached, Resync, Resynced, Drain, OpenRoom,
                             CloseRoom, RoomUp, RoomDown, ListRooms, RoomList, Admit, Kick,
                             SetRights, MemberIn, MemberOut, ListMembers, MemberList, StreamUp,
                             StreamDown, KeyRequest, Quality, Authorize, Authorized, StartRecording,
                             StopRecording, RecordingEvent, IssueTicket, IssuedTicket>;

enum class Kind : std::uint8_t { kRequest, kResponse, kEvent };

struct Envelope {
  std::uint64_t id = 0;
  Kind kind = Kind::kRequest;
  std::uint64_t generation = 0;
  Message message;
  bool operator==(const Envelope&) const = default;
};

}  // namespace sluice::schema
