// V1: the clean API, request in, response out: one table of routes, the checks that every route
// shares (token, fields, room, right), and one function a route. It serves the same store as Api,
// so that members of both meet. Sans-I/O: time is an argument. docs/API.md is the reference,
// docs/openapi.json the contract, and tests hold both against the table.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "net/http.h"
#include "proto/crypto/sealed.h"
#include "proto/crypto/ticket.h"
#include "rooms/accounts.h"
#include "rooms/addresses.h"
#include "rooms/api.h"
#include "rooms/room_store.h"
#include "rooms/said_message.h"
#include "rooms/v1_events.h"
#include "rooms/v1_problem.h"
#include "rooms/v1_token.h"

namespace sluice::rooms {

/// Between two heartbeats of a member: the seed's. Two may be lost before he is out.
inline constexpr int kHeartbeatSeconds = 7;

/// Of a room: as long as a person types. The hash takes any.
inline constexpr std::size_t kPasswordBytesMax = 128;

struct V1Config {
  bool guests = false;      // tokens of our own are good as well
  bool chosen_ids = false;  // a guest may say who he is
};

/// What /v1 asks of the relays.
struct V1Relays {
  /// Who wants to reach a relay, and by which name he reached us.
  struct Asker {
    RoomId room;
    UserId user;
    crypto::Rights rights;
    const net::HttpRequest& http;
  };

  struct Stream {
    UserId user;
    StreamName stream;
  };

  std::function<std::optional<RelayAccess>(const Asker&, const Moment&)> access;
  std::function<std::vector<Stream>(const RoomId&)> streams;
  std::function<void(const RoomId&, const UserId&)> put_out;
  std::function<void(const RoomId&, const UserId&, crypto::Rights)> set_rights;
};

/// A call that has passed the checks of its route.
struct V1Call {
  const net::HttpRequest& http;
  const nlohmann::json& body;  // an object with fields of the route alone
  Moment moment;
  Bearer who;
  RoomId room_id;              // of the path
  const Room* room = nullptr;  // of the path; there is one
  UserId member;               // of the path
};

class V1 {
 public:
  struct Context {
    RoomStore& store;
    Accounts& accounts;
    Addresses& addresses;
    const TokenReader& tokens;
    V1Relays relays;
    RoomEvents& events;
    std::function<void(const Json&)> tell_application;  // an event that webhooks have
    crypto::SealKey secret;                             // of the service
  };

  enum class Need : std::uint8_t { kNothing, kToken, kCreate, kModerate };
  using Handler = net::HttpResponse (V1::*)(const V1Call& call);

  struct Route {
    const char* method;
    const char* path;  // with {room} and {user}
    Need need;
    Handler handler;
    std::array<const char*, 5> fields;  // that a body may have; nullptr ends them
  };

  V1(Context context, V1Config config);

  const V1Relays& relays() const { return context_.relays; }

  static bool is_path(std::string_view path);
  static std::span<const Route> routes();

  net::HttpResponse handle(const net::HttpRequest& request, const Moment& moment);

  /// The route's path with its braces, for metrics; "unknown" when there is none.
  static std::string_view label(std::string_view method, std::string_view path);

  /// A WebSocket that wants events: nothing when it is to have them, else the answer.
  std::optional<net::HttpResponse> listen(const net::HttpRequest& request, ListenerId id,
                                          const Moment& moment);

  /// Texts that were said here since the last call.
  std::vector<SaidMessage> take_said() { return std::exchange(said_, {}); }

  /// One that was said by the other API, as an event.
  void tell(const SaidMessage& said, const Moment& moment);

  /// What happened in the store, for the events of the room.
  void handle_event(const Event& event, const Moment& moment);

  /// What a relay saw.
  void handle_stream(const RoomId& room, const UserId& user, const StreamName& stream, bool up,
                     const Moment& moment);

  /// Whether the request bears a token with the right to operate the service: in its Authorization,
  /// else as argument `token`.
  bool is_operator(const net::HttpRequest& request, const Moment& moment) const;

  /// Of a token of either kind; nothing when it is none of this service's.
  Result<Bearer, Problem> bearer_of(std::string_view token, const Moment& moment,
                                    std::string& detail) const;

 private:
  /// Of a path: the route, or which methods there are instead.
  struct Found {
    const Route* route = nullptr;
    std::string methods;  // that the path has, for Allow
    std::string_view room, user;
  };

  static Found find(std::string_view method, std::string_view path);
  net::HttpResponse run(const Found& found, const net::HttpRequest& request, const Moment& moment);
  std::optional<net::HttpResponse> authorize(const Route& route, V1Call& call) const;
  bool moderates(const Bearer& who, const Room& room) const;

  // v1_rooms.cpp
  net::HttpResponse make_token(const V1Call& call);
  net::HttpResponse make_room(const V1Call& call);
  net::HttpResponse list_rooms(const V1Call& call);
  net::HttpResponse get_room(const V1Call& call);
  net::HttpResponse edit_room(const V1Call& call);
  net::HttpResponse dissolve_room(const V1Call& call);
  net::HttpResponse list_bans(const V1Call& call);
  net::HttpResponse ban(const V1Call& call);
  net::HttpResponse lift_ban(const V1Call& call);
  net::HttpResponse list_streams(const V1Call& call);
  net::HttpResponse recordings(const V1Call& call);
  std::string password_hash(const RoomId& room, const std::string& password) const;

  // v1_members.cpp
  net::HttpResponse list_members(const V1Call& call);
  net::HttpResponse enter(const V1Call& call);
  net::HttpResponse get_member(const V1Call& call);
  net::HttpResponse set_rights(const V1Call& call);
  net::HttpResponse leave(const V1Call& call);
  net::HttpResponse heartbeat(const V1Call& call);
  net::HttpResponse quality(const V1Call& call);
  Outcome enter_as(const V1Call& call, bool pushes, MemberRights rights);
  Json entry_json(const V1Call& call, const Room& room) const;

  // v1_messages.cpp
  net::HttpResponse say(const V1Call& call);
  net::HttpResponse list_messages(const V1Call& call);
  net::HttpResponse events(const V1Call& call);
  std::optional<net::HttpResponse> refuse_stranger(const Bearer& who, const Room& room) const;
  void on(const RoomOpened& opened, std::int64_t at_s);
  void on(const PushersChanged& changed, std::int64_t at_s);
  void on(const MemberCame& came, std::int64_t at_s);
  void on(const MemberChanged& changed, std::int64_t at_s);
  void on(const PusherLeft& left, std::int64_t at_s);
  void on(const ViewerLeft& left, std::int64_t at_s);
  void on(const RoomEdited& edited, std::int64_t at_s);
  void on(const RoomDissolved& gone, std::int64_t at_s);
  void add(const RoomId& room, Json fields, std::int64_t at_s);
  void add_member(std::string_view kind, const RoomId& id, const UserId& user, std::int64_t at_s);

  struct Leave {
    std::string_view role, reason;
  };

  void add_leave(const RoomId& room, const UserId& user, const Leave& leave, std::int64_t at_s);

  Context context_;
  V1Config config_;
  crypto::SealKey password_key_;
  std::map<RoomId, std::map<UserId, int>> quality_;  // as members said it last
  std::vector<SaidMessage> said_;
};

/// 204.
net::HttpResponse no_content();

Json room_json(const Room& room);

/// Null for who is no member.
Json member_json(const Room& room, const UserId& user);

/// How an outcome of the store that is not kOk is answered.
net::HttpResponse problem_of(Outcome outcome);

/// What the relay must know of a member's rights.
crypto::Rights relay_rights(MemberRights rights);

/// The text of a field, which may be missing; `good` is false for another type, or one of more than
/// `bytes_max` bytes.
std::optional<std::string> text_field(const nlohmann::json& body, const char* name,
                                      std::size_t bytes_max, bool& good);

}  // namespace sluice::rooms
