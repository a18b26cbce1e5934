#include "rooms/v1.h"

#include <algorithm>
#include <utility>

namespace sluice::rooms {
namespace {

constexpr std::string_view kBearer = "Bearer ";

/// What a guest may do anywhere; moderating is for who created.
constexpr MemberRights kGuestRights = kMemberRights.with(MemberRight::kCreate);

/// The first part of a path, which is taken from it.
std::string_view take_part(std::string_view& path) {
  if (path.empty()) return {};
  path.remove_prefix(1);  // the slash
  const std::size_t end = std::min(path.find('/'), path.size());
  const std::string_view part = path.substr(0, end);
  path.remove_prefix(end);
  return part;
}

/// Whether the path is of this form; its names are taken from it as they are.
bool fits(std::string_view form, std::string_view path, std::string_view& room,
          std::string_view& user) {
  while (!form.empty() && !path.empty()) {
    if (path.front() != '/') return false;
    const std::string_view wanted = take_part(form), part = take_part(path);
    if (wanted == "{room}") {
      room = part;
    } else if (wanted == "{user}") {
      user = part;
    } else if (wanted != part) {
      return false;
    }
  }
  return form.empty() && path.empty();
}

bool knows_field(const V1::Route& route, std::string_view name) {
  return std::any_of(route.fields.begin(), route.fields.end(),
                     [&](const char* field) { return field != nullptr && name == field; });
}

}  // namespace

std::span<const V1::Route> V1::routes() {
  using enum Need;
  // In the order of docs/API.md.
  static constexpr Route kRoutes[] = {
      {"POST", "/v1/tokens", kNothing, &V1::make_token, {"user"}},
      {"POST",
       "/v1/rooms",
       kCreate,
       &V1::make_room,
       {"room", "type", "info", "password", "locked"}},
      {"GET", "/v1/rooms", kToken, &V1::list_rooms, {}},
      {"GET", "/v1/rooms/{room}", kToken, &V1::get_room, {}},
      {"PATCH", "/v1/rooms/{room}", kModerate, &V1::edit_room, {"info", "locked", "password"}},
      {"DELETE", "/v1/rooms/{room}", kModerate, &V1::dissolve_room, {}},
      {"GET", "/v1/rooms/{room}/members", kToken, &V1::list_members, {}},
      {"POST",
       "/v1/rooms/{room}/members",
       kToken,
       &V1::enter,
       {"name", "avatar", "role", "password"}},
      {"GET", "/v1/rooms/{room}/members/{user}", kToken, &V1::get_member, {}},
      {"PATCH", "/v1/rooms/{room}/members/{user}", kModerate, &V1::set_rights, {"rights"}},
      {"DELETE", "/v1/rooms/{room}/members/{user}", kToken, &V1::leave, {}},
      {"POST", "/v1/rooms/{room}/members/{user}/heartbeat", kToken, &V1::heartbeat, {"quality"}},
      {"GET", "/v1/rooms/{room}/bans", kModerate, &V1::list_bans, {}},
      {"PUT", "/v1/rooms/{room}/bans/{user}", kModerate, &V1::ban, {}},
      {"DELETE", "/v1/rooms/{room}/bans/{user}", kModerate, &V1::lift_ban, {}},
      {"GET", "/v1/rooms/{room}/streams", kToken, &V1::list_streams, {}},
      {"POST", "/v1/rooms/{room}/messages", kToken, &V1::say, {"text", "data"}},
      {"GET", "/v1/rooms/{room}/messages", kToken, &V1::list_messages, {}},
      {"GET", "/v1/rooms/{room}/events", kToken, &V1::events, {}},
      {"GET", "/v1/rooms/{room}/quality", kToken, &V1::quality, {}},
      {"GET", "/v1/rooms/{room}/recordings", kToken, &V1::recordings, {}},
  };
  return kRoutes;
}

V1::V1(Context context, V1Config config)
    : context_(std::move(context)),
      config_(config),
      password_key_(crypto::derive_key(context_.secret, "sluice rooms passwords 1")) {}

bool V1::is_path(std::string_view path) { return path == "/v1" || path.substr(0, 4) == "/v1/"; }

V1::Found V1::find(std::string_view method, std::string_view path) {
  Found found;
  for (const Route& route : routes()) {
    std::string_view room, user;
    if (!fits(route.path, path, room, user)) continue;
    found.methods += (found.methods.empty() ? "" : ", ") + std::string{route.method};
    if (method != route.method) continue;
    found.route = &route;
    found.room = room;
    found.user = user;
  }
  return found;
}

std::string_view V1::label(std::string_view method, std::string_view path) {
  const Found found = find(method, path);
  return found.route != nullptr ? found.route->path : "unknown";
}

net::HttpResponse V1::handle(const net::HttpRequest& request, const Moment& moment) {
  const Found found = find(request.method, request.path);
  if (found.route != nullptr) return run(found, request, moment);
  if (found.methods.empty()) return problem_response(Problem::kPathUnknown);
  net::HttpResponse response = problem_response(Problem::kMethodWrong);
  response.headers.push_back({"allow", found.methods});
  return response;
}

net::HttpResponse V1::run(const Found& found, const net::HttpRequest& request,
                          const Moment& moment) {
  const Route& route = *found.route;
  nlohmann::json body = nlohmann::json::object();
  V1Call call{request, body, moment, {}, {}, nullptr, {}};
  // A name outside the alphabet is no room's and no member's.
  if (!found.room.empty()) call.room_id = RoomId::parse(found.room).value_or(RoomId{});
  if (!found.user.empty()) call.member = UserId::parse(found.user).value_or(UserId{});
  if (auto refused = authorize(route, call)) return *std::move(refused);
  if (std::string_view{route.path}.find("{user}") != std::string_view::npos &&
      call.member.empty()) {
    return problem_response(Problem::kMemberUnknown);
  }
  if (!request.body.empty()) {
    body = parse_json(as_text(request.body));
    if (!body.is_object()) return problem_response(Problem::kBodyBad);
  }
  for (const auto& [name, value] : body.items()) {
    if (!knows_field(route, name)) {
      return problem_response(Problem::kFieldBad, "a field that this call does not know");
    }
  }
  return (this->*route.handler)(call);
}

Result<Bearer, Problem> V1::bearer_of(std::string_view token, const Moment& moment,
                                      std::string& detail) const {
  if (token.find('.') != std::string_view::npos) {
    auto bearer = context_.tokens.read(token, moment.wall);
    if (bearer) return *std::move(bearer);
    detail = text_of(bearer.error());
    const bool late =
        bearer.error() == BearerError::kExpired || bearer.error() == BearerError::kNotYet;
    return Unexpected{late ? Problem::kTokenExpired : Problem::kTokenBad};
  }
  if (!config_.guests) {
    detail = "tokens of the application alone are good here (v1.guests)";
    return Unexpected{Problem::kTokenBad};
  }
  const auto user = context_.accounts.check(TokenKind::kToken, token, moment.wall);
  if (user) return Bearer{*user, std::nullopt, kGuestRights, true};
  return Unexpected{user.error() == TokenError::kMalformed ? Problem::kTokenBad
                                                           : Problem::kTokenExpired};
}

bool V1::is_operator(const net::HttpRequest& request, const Moment& moment) const {
  std::string_view token = request.authorization;
  if (token.substr(0, kBearer.size()) == kBearer) {
    token.remove_prefix(kBearer.size());
  } else {
    token = request.argument("token");
  }
  std::string ignored;
  const auto who = bearer_of(token, moment, ignored);
  return who && !who->room && who->rights.has(MemberRight::kOperate);
}

/// The token first, then whether it is for this room, then whether there is such a room, then what
/// one must be in it.
std::optional<net::HttpResponse> V1::authorize(const Route& route, V1Call& call) const {
  if (route.need == Need::kNothing) return std::nullopt;
  std::string_view token = call.http.authorization;
  if (token.substr(0, kBearer.size()) == kBearer) {
    token.remove_prefix(kBearer.size());
  } else if (route.handler == &V1::events) {
    token = call.http.argument("access_token");  // a browser's WebSocket sends no fields
  } else {
    token = {};
  }
  if (token.empty()) return problem_response(Problem::kTokenMissing);
  std::string detail;
  auto who = bearer_of(token, call.moment, detail);
  if (!who) return problem_response(who.error(), detail);
  call.who = *std::move(who);
  if (route.need == Need::kCreate && !call.who.rights.has(MemberRight::kCreate)) {
    return problem_response(Problem::kForbidden, "create");
  }
  if (std::string_view{route.path}.find("{room}") == std::string_view::npos) return std::nullopt;
  if (call.who.room && *call.who.room != call.room_id) {
    return problem_response(Problem::kForbidden, "the token is for another room");
  }
  call.room = call.room_id.empty() ? nullptr : context_.store.find(call.room_id);
  if (call.room == nullptr) return problem_response(Problem::kRoomUnknown);
  if (route.need == Need::kModerate && !moderates(call.who, *call.room)) {
    return problem_response(Problem::kForbidden, "moderate");
  }
  return std::nullopt;
}

bool V1::moderates(const Bearer& who, const Room& room) const {
  return who.rights.has(MemberRight::kModerate) || (who.guest && room.creator == who.user);
}

net::HttpResponse no_content() {
  net::HttpResponse response = json_response(204, {});
  response.body.clear();
  return response;
}

net::HttpResponse problem_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOk:
    case Outcome::kBadField:
      return problem_response(Problem::kFieldBad);
    case Outcome::kNoRoom:
      return problem_response(Problem::kRoomUnknown);
    case Outcome::kNotCreator:
      return problem_response(Problem::kForbidden);
    case Outcome::kNotMember:
      return problem_response(Problem::kMemberUnknown);
    case Outcome::kRoomExists:
      return problem_response(Problem::kRoomExists);
    case Outcome::kRoomFull:
    case Outcome::kViewersFull:
      return problem_response(Problem::kRoomFull);
    case Outcome::kTooManyRooms:
      return problem_response(Problem::kTooManyRooms);
    case Outcome::kLocked:
      return problem_response(Problem::kRoomLocked);
    case Outcome::kBanned:
      return problem_response(Problem::kBanned);
    case Outcome::kWrongPassword:
      return problem_response(Problem::kPasswordWrong);
    case Outcome::kTooMany:
      return problem_response(Problem::kTooManyModerated);
  }
  return problem_response(Problem::kFieldBad);
}

std::optional<std::string> text_field(const nlohmann::json& body, const char* name,
                                      std::size_t bytes_max, bool& good) {
  const auto at = body.find(name);
  if (at == body.end()) return std::nullopt;
  const bool fits = at->is_string() && at->get_ref<const std::string&>().size() <= bytes_max &&
                    is_clean(at->get_ref<const std::string&>());
  if (fits) return at->get<std::string>();
  good = false;
  return std::nullopt;
}

}  // namespace sluice::rooms
