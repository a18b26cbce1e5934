// Api: the RTCRoom API, request in, response out: one table of routes (kRoutes) for double_room,
// multi_room, live_room and utils, the checks every route shares, and one function a route.
// Sans-I/O like the store behind it: time is an argument. docs/API.md is the reference, and a test
// holds it against the table.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "net/http.h"
#include "proto/base/time.h"
#include "rooms/accounts.h"
#include "rooms/addresses.h"
#include "rooms/log_pages.h"
#include "rooms/request_body.h"
#include "rooms/room_store.h"

namespace sluice::rooms {

/// `code` of an answer. The seed's, as its clients know them; docs/API.md has their meaning.
enum class ApiCode : std::int32_t {
  kOk = 0,
  kFailed = -1,
  kBadParameter = 1,
  kNoRoom = 3,
  kNotMember = 5,
  kNotMade = 6,
  kAuth = 7,
  kBadValue = 10,
  kRoomExists = 11,
  kRoomFull = 5001,
  kNotMixed = 20001,  // ours: in merge_stream's `result`
};

inline constexpr std::size_t kApiCodes = 11;

struct Moment {
  Instant now;
  UnixSeconds wall;
};

/// What a client needs to push to or pull from a relay itself (P-TICKET-03).
struct RelayAccess {
  std::string address, relay_key, ticket, psk;  // the last three in hexadecimal
  std::int64_t expiry_s = 0;
};

struct ApiConfig {
  std::string sdk_app_id = "1400000001";
  std::string account_type = "10001";
  bool chosen_ids = false;  // get_login_info gives any userID that is asked for
};

/// A call that has passed the checks of its route.
struct ApiCall {
  const net::HttpRequest& http;
  const RequestBody& body;
  Moment moment;
  RoomType type;  // of the path; any for utils
  UserId user;    // whose token it is; empty on routes without
};

using Json = nlohmann::ordered_json;

class Api {
 public:
  struct Context {
    RoomStore& store;
    Accounts& accounts;
    Addresses& addresses;
  };

  enum class Method : std::uint8_t { kGet, kPost, kBoth };
  enum class Where : std::uint8_t { kRooms, kLive, kUtils };
  enum class Auth : std::uint8_t { kNone, kToken };
  using Handler = Json (Api::*)(const ApiCall& call);

  struct Route {
    const char* name;
    Where where;
    Method method;
    Auth auth;
    Handler handler;                      // nullptr: a page of the logs
    std::array<const char*, 6> required;  // fields of the body; nullptr ends them
  };

  Api(const Context& context, ApiConfig config);

  /// Called for what get_push_url may say of a relay; nothing where none is attached.
  using Access =
      std::function<std::optional<RelayAccess>(const RoomId&, const UserId&, const ApiCall&)>;

  void set_access(Access access) { access_ = std::move(access); }

  /// Without, the pages are nobody's.
  void set_log_pages(LogPages pages) { log_pages_ = std::move(pages); }

  /// Changes that are not the store's: logouts.
  std::vector<Change> take_changes() { return std::exchange(changes_, {}); }

  net::HttpResponse handle(const net::HttpRequest& request, const Moment& moment);

  static std::span<const Route> routes();

  /// Every full path of a route: "/weapp/double_room/login" and so on.
  static std::vector<std::string> paths_of(const Route& route);

  struct Found {
    const Route* route = nullptr;
    RoomType type = RoomType::kDouble;
  };

  static std::optional<Found> find(std::string_view path);

 private:
  Json call(const Found& found, const net::HttpRequest& request, const Moment& moment);
  std::optional<Json> authorize(const net::HttpRequest& request, const RequestBody& body,
                                const Moment& moment, UserId& user) const;

  // api_account.cpp
  Json login(const ApiCall& call);
  Json logout(const ApiCall& call);
  Json login_info(const ApiCall& call);
  Json im_login_info(const ApiCall& call);
  Json push_url(const ApiCall& call);
  Json test_push_url(const ApiCall& call);
  Json test_acc_url(const ApiCall& call);
  Json check_config(const ApiCall& call);
  Json report(const ApiCall& call);

  // api_room.cpp
  Json room_list(const ApiCall& call);
  Json pushers(const ApiCall& call);
  Json create_room(const ApiCall& call);
  Json destroy_room(const ApiCall& call);
  Json add_pusher(const ApiCall& call);
  Json delete_pusher(const ApiCall& call);
  Json heartbeat(const ApiCall& call);
  Json room_json(const Room& room, const Moment& moment) const;
  Json enter(const ApiCall& call, const RoomId& room, std::string info);

  // api_live.cpp
  Json merge_stream(const ApiCall& call);
  Json add_audience(const ApiCall& call);
  Json delete_audience(const ApiCall& call);
  Json audiences(const ApiCall& call);
  Json custom_info(const ApiCall& call);
  Json set_custom_field(const ApiCall& call);

  RoomStore& store_;
  Accounts& accounts_;
  Addresses& addresses_;
  ApiConfig config_;
  LogPages log_pages_;
  Access access_;
  std::vector<Change> changes_;
};

/// {code, message}.
Json answer(ApiCode code, std::string_view message);
Json ok();

/// A room of the call's own type that the body names; nothing for an id that is none.
std::optional<RoomKey> room_key(const ApiCall& call);

/// As a ticket file has it.
Json access_json(const RelayAccess& access, const RoomId& room, const UserId& user);

/// The JSON of a room's custom fields.
std::string custom_text(const Room& room);

net::HttpResponse json_response(int status, const Json& json);

}  // namespace sluice::rooms
