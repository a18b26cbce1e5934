// What the relay's threads say to each other: values through one SpscRing for each pair of threads,
// in order within a pair. The door places links; a room's home orders its members and streams and
// tells its branches; the main thread asks and is told. Media between workers has rings of its own
// (handover.h). Mail is control plane: it allocates, nothing of it happens per packet.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "proto/base/address.h"
#include "proto/base/ids.h"
#include "proto/base/name.h"
#include "proto/base/time.h"
#include "proto/crypto/handshake.h"
#include "proto/crypto/keys.h"
#include "proto/crypto/ticket.h"
#include "proto/link/link_types.h"
#include "proto/wire/room_message.h"
#include "relay/relay.h"

namespace sluice::relay {

/// Names one life of a room inside this process; a room that ends and begins again has another.
enum class RoomId : std::uint64_t {};

/// Pairs a question of the main thread with its answers.
enum class QuestionId : std::uint64_t {};

/// 0 .. workers - 1; also the 5 bits in connection ids.
enum class WorkerIndex : std::uint8_t {};

// The door to workers.

/// Who a link belongs to, from its ticket.
struct Pass {
  ConnectionId connection{};
  UserName user;
  InstanceId instance{};
  crypto::Rights rights;
  std::uint32_t rate_kbit_max = 0;        // 0: no limit
  std::uint32_t session_seconds_max = 0;  // 0: no limit
};

/// A handshake was answered: the link that its keys belong to.
struct NewLink {
  RoomId room{};
  RoomName room_name;
  WorkerIndex home{};
  std::size_t streams_max = 0;  // of the room
  Pass pass;
  Address peer;
  crypto::Suite suite{};
  crypto::TrafficSecrets secrets;
  ResetToken reset_token{};
  crypto::EarlyRoomBytes early_room_bytes;
};

/// The same INIT came from another address, which was given the same ACCEPT (P-HS-09).
struct DoubtAddress {
  ConnectionId connection{};
};

/// Ends a link. For the door's, the home's and the main thread's decisions.
struct CloseLink {
  ConnectionId connection{};
  link::CloseCode code{};
  LeaveReason reason{};
};

/// No link of the room is left anywhere, and none will come.
struct RoomEnd {
  RoomId room{};
};

/// Every link goes, with CLOSE draining.
struct CloseAll {};

// Workers to the door.

/// The first authentic DATA came: the ACCEPT need not be kept any more (P-HS-09).
struct LinkEstablished {
  ConnectionId connection{};
};

/// The link's slot is free. Goes through the room's home, so that the door hears of it after all
/// that the link did to the room.
struct LinkGone {
  ConnectionId connection{};
};

// Branches to the home.

/// An established member of a branch.
struct Join {
  RoomId room{};
  RoomName room_name;
  std::size_t streams_max = 0;
  WorkerIndex worker{};
  Pass pass;
};

struct Leave {
  RoomId room{};
  ConnectionId connection{};
  LeaveReason reason{};
  link::CloseCode code{};
};

/// A member pushes a stream; rights and codecs were checked at its branch.
struct OpenStream {
  RoomId room{};
  ConnectionId pusher{};
  wire::RequestId request{};
  StreamName name;
  std::vector<wire::TrackDescription> tracks;
};

struct CloseStream {
  RoomId room{};
  ConnectionId pusher{};
  wire::StreamHandle stream{};
};

/// TEXT or DATA of a member, `from` filled in (P-CTRL-07).
struct AppMessage {
  RoomId room{};
  UserName to;  // empty: all
  ConnectionId from{};
  std::uint8_t type = 0;
  std::vector<std::byte> body;
};

struct MemberRights {
  RoomId room{};
  ConnectionId connection{};
  crypto::Rights rights;
};

// The home to branches.

struct MemberEntered {
  RoomId room{};
  WorkerIndex worker{};
  Pass pass;
};

struct MemberLeft {
  RoomId room{};
  ConnectionId connection{};
  UserName user;
  link::CloseCode code{};
  bool hidden = false;
};

struct StreamOpened {
  RoomId room{};
  wire::StreamHandle stream{};
  StreamName name;
  UserName user;
  ConnectionId pusher{};
  WorkerIndex origin{};
  wire::RequestId request{};
  std::vector<wire::TrackDescription> tracks;  // ids are the pusher's
};

struct StreamClosed {
  RoomId room{};
  wire::StreamHandle stream{};
};

struct StreamRefused {
  RoomId room{};
  ConnectionId pusher{};
  wire::RequestId request{};
  wire::AnswerStatus status{};
};

/// AppMessage, to be handed to the members of the branch.
struct AppDelivery {
  AppMessage message;
};

// Between a branch and a stream's origin.

/// The branch has subscribers for the stream now, or none any more.
struct StreamWanted {
  RoomId room{};
  wire::StreamHandle stream{};
  WorkerIndex worker{};
  bool wanted = true;
};

struct KeyWanted {
  RoomId room{};
  wire::StreamHandle stream{};
  std::uint8_t track = 0;  // index in the stream
};

/// How long the branch's subscribers give lost parts (P-TIME-02).
struct PatienceTold {
  RoomId room{};
  wire::StreamHandle stream{};
  WorkerIndex worker{};
  std::uint16_t recover_within_ms = 0;
};

// The main thread.

struct AskRooms {
  QuestionId id{};
};

struct AskMembers {
  QuestionId id{};
  RoomName room;
};

struct AskKey {
  QuestionId id{};
  RoomName room;
  StreamName stream;
};

struct AskRights {
  QuestionId id{};
  RoomName room;
  UserName user;
  std::optional<InstanceId> instance;
  crypto::Rights rights;
};

/// To the door. `user` empty: the whole room.
struct AskKick {
  QuestionId id{};
  RoomName room;
  UserName user;
  std::optional<InstanceId> instance;
  link::CloseCode code{};
  LeaveReason reason{};
};

struct AskAdmit {
  QuestionId id{};
  RoomName room;
  UserName user;
};

struct AskOpenRoom {
  QuestionId id{};
  RoomName room;
  RoomLimits limits;
};

struct AskDrain {
  QuestionId id{};
  Duration grace{};
};

struct Answer {
  QuestionId id{};
  std::variant<std::size_t, std::vector<RoomSnapshot>, std::vector<MemberSnapshot>> value;
};

using Mail =
    std::variant<std::monostate, NewLink, DoubtAddress, CloseLink, RoomEnd, CloseAll,
                 LinkEstablished, LinkGone, Join, Leave, OpenStream, CloseStream, AppMessage,
                 MemberRights, MemberEntered, MemberLeft, StreamOpened, StreamClosed, StreamRefused,
                 AppDelivery, StreamWanted, KeyWanted, PatienceTold, AskRooms, AskMembers, AskKey,
                 AskRights, AskKick, AskAdmit, AskOpenRoom, AskDrain, Answer, RelayEvent>;

}  // namespace sluice::relay
