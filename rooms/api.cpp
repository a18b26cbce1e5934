#include "rooms/api.h"

#include <algorithm>
#include <utility>

namespace sluice::rooms {
namespace {

constexpr std::string_view kPrefix = "/weapp/";

std::string_view where_name(Api::Where where) {
  return where == Api::Where::kUtils ? "utils" : "live_room";
}

bool takes(Api::Method method, std::string_view name) {
  if (name == "GET") return method != Api::Method::kPost;
  return name == "POST" && method != Api::Method::kGet;
}

/// "multi_room" is the type multi.
std::optional<RoomType> type_of_folder(std::string_view folder) {
  constexpr std::string_view kEnding = "_room";
  if (folder.size() <= kEnding.size()) return std::nullopt;
  const std::size_t cut = folder.size() - kEnding.size();
  if (folder.substr(cut) != kEnding) return std::nullopt;
  return parse_type(folder.substr(0, cut));
}

net::HttpResponse preflight() {
  net::HttpResponse response;
  response.status = 204;
  response.headers = {{"access-control-allow-origin", "*"},
                      {"access-control-allow-methods", "GET, POST, PUT, PATCH, DELETE, OPTIONS"},
                      {"access-control-allow-headers", "content-type, authorization"},
                      {"access-control-max-age", "600"}};
  return response;
}

Json auth_failed(int detail, std::string_view message) {
  return answer(ApiCode::kAuth,
                "authorization failed (" + std::to_string(detail) + "): " + std::string{message});
}

}  // namespace

std::span<const Api::Route> Api::routes() {
  using enum Where;
  using enum Method;
  using enum Auth;
  // In the order of docs/API.md.
  static constexpr Route kRoutes[] = {
      {"login", kRooms, kPost, kNone, &Api::login, {}},
      {"logout", kRooms, kPost, kToken, &Api::logout, {}},
      {"get_im_login_info", kRooms, kPost, kNone, &Api::im_login_info, {}},
      {"get_push_url", kRooms, kPost, kToken, &Api::push_url, {"userID"}},
      {"get_room_list", kRooms, kPost, kToken, &Api::room_list, {"cnt", "index"}},
      {"get_pushers", kRooms, kPost, kToken, &Api::pushers, {"roomID"}},
      {"create_room", kRooms, kPost, kToken, &Api::create_room, {"userID"}},
      {"destroy_room", kRooms, kPost, kToken, &Api::destroy_room, {"roomID", "userID"}},
      {"add_pusher",
       kRooms,
       kPost,
       kToken,
       &Api::add_pusher,
       {"roomID", "userID", "userName", "userAvatar", "pushURL"}},
      {"delete_pusher", kRooms, kPost, kToken, &Api::delete_pusher, {"roomID", "userID"}},
      {"pusher_heartbeat", kRooms, kPost, kToken, &Api::heartbeat, {"roomID", "userID"}},
      {"merge_stream",
       kLive,
       kPost,
       kToken,
       &Api::merge_stream,
       {"roomID", "userID", "mergeParams"}},
      {"add_audience", kLive, kPost, kToken, &Api::add_audience, {"roomID", "userID", "userInfo"}},
      {"delete_audience", kLive, kPost, kToken, &Api::delete_audience, {"roomID", "userID"}},
      {"get_audiences", kLive, kPost, kToken, &Api::audiences, {"roomID"}},
      {"get_custom_info", kLive, kPost, kToken, &Api::custom_info, {"roomID"}},
      {"set_custom_field",
       kLive,
       kPost,
       kToken,
       &Api::set_custom_field,
       {"roomID", "fieldName", "operation"}},
      {"get_login_info", kUtils, kBoth, kNone, &Api::login_info, {}},
      {"get_test_pushurl", kUtils, kGet, kNone, &Api::test_push_url, {}},
      {"get_test_rtmpaccurl", kUtils, kGet, kNone, &Api::test_acc_url, {}},
      {"logfilelist", kUtils, kGet, kNone, nullptr, {}},
      {"getlogfile", kUtils, kGet, kNone, nullptr, {}},
      {"check_config", kUtils, kGet, kNone, &Api::check_config, {}},
      {"report", kUtils, kPost, kNone, &Api::report, {}},
  };
  return kRoutes;
}

std::vector<std::string> Api::paths_of(const Route& route) {
  const std::string prefix{kPrefix};
  if (route.where != Where::kRooms) {
    return {prefix + std::string{where_name(route.where)} + "/" + route.name};
  }
  std::vector<std::string> paths;
  for (const RoomType type : kRoomTypes) {
    paths.push_back(prefix + std::string{type_name(type)} + "_room/" + route.name);
  }
  return paths;
}

std::optional<Api::Found> Api::find(std::string_view path) {
  if (path.substr(0, kPrefix.size()) != kPrefix) return std::nullopt;
  path.remove_prefix(kPrefix.size());
  const std::size_t slash = path.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view folder = path.substr(0, slash), name = path.substr(slash + 1);
  const auto type = type_of_folder(folder);
  if (!type && folder != "utils") return std::nullopt;
  for (const Route& route : routes()) {
    const bool here = route.where == Where::kUtils  ? !type
                      : route.where == Where::kLive ? type == RoomType::kLive
                                                    : type.has_value();
    if (here && name == route.name) return Found{&route, type.value_or(RoomType::kDouble)};
  }
  return std::nullopt;
}

Api::Api(const Context& context, ApiConfig config)
    : store_(context.store),
      accounts_(context.accounts),
      addresses_(context.addresses),
      config_(std::move(config)) {}

net::HttpResponse Api::handle(const net::HttpRequest& request, const Moment& moment) {
  if (request.method == "OPTIONS") return preflight();
  const auto found = find(request.path);
  if (!found) return json_response(404, {{"code", 404}, {"message", "no such path"}});
  if (!takes(found->route->method, request.method)) {
    return json_response(405, {{"code", 405}, {"message", "this path has another method"}});
  }
  if (found->route->handler == nullptr) return log_pages_.handle(request);
  return json_response(200, call(*found, request, moment));
}

Json Api::call(const Found& found, const net::HttpRequest& request, const Moment& moment) {
  const auto body = RequestBody::read(request.content_type, as_text(request.body));
  if (!body) return answer(ApiCode::kBadParameter, "the body is no JSON object");
  UserId user;
  if (found.route->auth == Auth::kToken) {
    if (auto refused = authorize(request, *body, moment, user)) return *std::move(refused);
  }
  for (const char* field : found.route->required) {
    if (field != nullptr && !body->has(field)) {
      return answer(ApiCode::kBadParameter, std::string{"missing: "} + field);
    }
  }
  return (this->*found.route->handler)({request, *body, moment, found.type, user});
}

/// Nothing when the token is good, and the body speaks of nobody else.
std::optional<Json> Api::authorize(const net::HttpRequest& request, const RequestBody& body,
                                   const Moment& moment, UserId& user) const {
  const std::string_view name = request.argument("userID"), token = request.argument("token");
  if (name.empty() || token.empty()) return auth_failed(4, "userID and token belong in the query");
  const auto owner = accounts_.check(TokenKind::kToken, token, moment.wall);
  if (!owner) {
    if (owner.error() == TokenError::kMalformed) return auth_failed(2, "the token is none of ours");
    return auth_failed(3, "not logged in, or no longer");
  }
  if (owner->view() != name) return auth_failed(1, "the token is somebody else's");
  if (body.has("userID") && body.text("userID") != std::string{name}) {
    return auth_failed(1, "userID in the body is not the token's");
  }
  user = *owner;
  return std::nullopt;
}

Json answer(ApiCode code, std::string_view message) {
  return {{"code", static_cast<std::int32_t>(code)}, {"message", message}};
}

Json ok() { return answer(ApiCode::kOk, "ok"); }

std::optional<RoomKey> room_key(const ApiCall& call) {
  const auto room = RoomId::parse(call.body.text("roomID").value_or(""));
  if (!room) return std::nullopt;
  return RoomKey{call.type, *room};
}

Json access_json(const RelayAccess& access, const RoomId& room, const UserId& user) {
  return {{"room", room.view()},           {"user", user.view()},     {"address", access.address},
          {"relay_key", access.relay_key}, {"ticket", access.ticket}, {"psk", access.psk},
          {"expiry", access.expiry_s}};
}

net::HttpResponse json_response(int status, const Json& json) {
  net::HttpResponse response;
  response.status = status;
  response.content_type = "application/json; charset=utf-8";
  // What is no UTF-8 was refused on its way in; this is for what a file brought.
  response.body = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  response.headers = {{"access-control-allow-origin", "*"}};
  return response;
}

}  // namespace sluice::rooms
