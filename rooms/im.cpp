#include "rooms/im.h"

#include <algorithm>
#include <array>
#include <variant>

#include "rooms/request_body.h"

namespace sluice::rooms {
namespace {

/// Its clients count failures of the transport alone: what must not be tried again at once is none
/// of their 200.
int status_of_poll(int error) {
  switch (static_cast<ImError>(error)) {
    case ImError::kOk:
    case ImError::kNothingCame:
      return 200;
    case ImError::kTooMany:
      return 503;
    case ImError::kNotLoggedIn:
      return 401;
    default:
      return 400;
  }
}

net::HttpResponse text_response(std::string text) {
  net::HttpResponse response;
  response.content_type = "application/json; charset=utf-8";
  response.body = std::move(text);
  response.headers = {{"access-control-allow-origin", "*"}};
  return response;
}

}  // namespace

std::span<const Im::Route> Im::routes() {
  using enum Auth;
  // In the order of docs/API.md.
  static constexpr Route kRoutes[] = {
      {"/v4/openim/login", kNone, &Im::login},
      {"/v4/openim/logout", kLogin, &Im::logout},
      {"/v4/openim/longpollinglogout", kLogin, &Im::logout},
      {"/v4/openim/authkey", kLogin, &Im::auth_key},
      {"/v4/openim/getlongpollingid", kLogin, &Im::poll_id},
      {"/v4/openim/longpolling", kLogin, &Im::poll_user, true},
      {"/v4/openim/sendmsg", kLogin, &Im::say_to_user},
      {"/v4/openim/msgreaded", kLogin, &Im::fine},
      {"/v4/profile/portrait_get", kLogin, &Im::get_profile},
      {"/v4/profile/portrait_set", kLogin, &Im::set_profile},
      {"/v4/group_open_http_svc/get_joined_group_list", kLogin, &Im::joined_groups},
      {"/v4/group_open_http_svc/create_group", kLogin, &Im::create_group},
      {"/v4/group_open_http_svc/destroy_group", kLogin, &Im::destroy_group},
      {"/v4/group_open_http_svc/get_group_info", kLogin, &Im::group_info},
      {"/v4/group_open_http_svc/apply_join_group", kLogin, &Im::join_group},
      {"/v4/group_open_http_svc/quit_group", kLogin, &Im::quit_group},
      {"/v4/group_open_http_svc/send_group_msg", kLogin, &Im::say_to_group},
      {"/v1/group_open_long_polling_http_noauth_svc/get_msg", kPollKey, &Im::poll_group, true},
      {"/v4/imopenstat/web_report", kNone, &Im::fine},
  };
  return kRoutes;
}

const Im::Route* Im::find(std::string_view path) {
  const auto all = routes();
  const auto at =
      std::find_if(all.begin(), all.end(), [&](const Route& route) { return path == route.path; });
  return at == all.end() ? nullptr : &*at;
}

Im::Im(const Context& context, std::string sdk_app_id, const MailboxLimits& limits)
    : store_(context.store),
      accounts_(context.accounts),
      random_(context.random),
      sdk_app_id_(std::move(sdk_app_id)),
      mailbox_(limits) {}

Im::Reply Im::handle(const net::HttpRequest& request, const Moment& moment) {
  const Route* const route = find(request.path);
  if (route == nullptr) {
    return {json_response(404, im_answer(ImError::kUnknownPath, "no such path")), false};
  }
  if (request.method != "POST") {
    return {json_response(405, im_answer(ImError::kBadParameter, "only POST")), false};
  }
  auto json = call(*route, request, moment);
  for (PollAnswer& answer : mailbox_.take_answers()) answers_.push_back(std::move(answer));
  if (json) {
    const int error = json->at("ErrorCode");
    const bool answered = !answers_.empty() && !route->polls;
    return {json_response(route->polls ? status_of_poll(error) : 200, *json), answered};
  }
  const auto own = std::find_if(answers_.begin(), answers_.end(),
                                [&](const PollAnswer& answer) { return answer.id == request.id; });
  if (own == answers_.end()) return {};
  Reply reply{text_response(poll_answer_json(*own)), false};
  answers_.erase(own);
  return reply;
}

std::vector<Im::Answer> Im::take_answers() {
  for (PollAnswer& answer : mailbox_.take_answers()) answers_.push_back(std::move(answer));
  std::vector<Answer> result;
  for (const PollAnswer& answer : answers_) {
    result.push_back({answer.id, text_response(poll_answer_json(answer))});
  }
  answers_.clear();
  return result;
}

std::optional<Json> Im::call(const Route& route, const net::HttpRequest& request,
                             const Moment& moment) {
  // Whatever the content type: the seed's clients name none.
  const nlohmann::json body = parse_json(as_text(request.body));
  if (!body.is_object()) return im_answer(ImError::kBadParameter, "the body is no JSON object");
  ImCall call{request, body, moment};
  const ImError refused = authorize(route, request, call);
  if (refused == ImError::kNotLoggedIn) return im_answer(refused, "not logged in, or no longer");
  if (refused != ImError::kOk) return im_answer(refused, "too many sessions");
  return (this->*route.handler)(call);
}

ImError Im::authorize(const Route& route, const net::HttpRequest& request, ImCall& call) {
  if (route.auth == Auth::kLogin) return authorize_login(route, request, call);
  if (route.auth == Auth::kPollKey) return authorize_poll(call);
  return ImError::kOk;
}

ImError Im::authorize_login(const Route& route, const net::HttpRequest& request, ImCall& call) {
  const auto user = accounts_.check(TokenKind::kA2Key, request.argument("a2"), call.moment.wall);
  if (!user) return ImError::kNotLoggedIn;
  call.user = *user;
  return open_session(request.argument("tinyid"), route.polls, call);
}

/// "SEALED.SESSION.GROUP": who has it has joined, also before a restart.
ImError Im::authorize_poll(ImCall& call) {
  const auto at = call.body.find("Key");
  if (at == call.body.end() || !at->is_string()) return ImError::kNotLoggedIn;
  const std::string key = *at;
  const std::size_t first = key.find('.');
  const std::size_t second = first == std::string::npos ? first : key.find('.', first + 1);
  if (second == std::string::npos) return ImError::kNotLoggedIn;
  const std::string_view text = key;
  const auto user = accounts_.check(TokenKind::kPollKey, text.substr(0, first), call.moment.wall);
  const auto group = RoomId::parse(text.substr(second + 1));
  if (!user || !group) return ImError::kNotLoggedIn;
  call.user = *user;
  call.group = *group;
  return open_session(text.substr(first + 1, second - first - 1), true, call);
}

ImError Im::open_session(std::string_view id, bool poll, ImCall& call) {
  const auto parsed = SessionId::parse(id);
  if (!parsed) return ImError::kNotLoggedIn;
  const auto session = mailbox_.session(call.moment.now, call.user, *parsed, poll);
  if (!session) return ImError::kTooMany;
  call.session = *session;
  return ImError::kOk;
}

std::string Im::poll_key(const ImCall& call, const RoomId& group) const {
  return accounts_.issue(TokenKind::kPollKey, call.user, call.moment.wall) + "." +
         std::string{mailbox_.id(call.session).view()} + "." + std::string{group.view()};
}

/// Digits, as the seed's; a session's number in no other place.
SessionId Im::new_session_id() const {
  std::array<std::byte, 8> bytes{};
  random_(bytes);
  constexpr std::uint64_t kLowest = 1'000'000'000'000'000;
  const std::uint64_t number = kLowest + Reader{bytes}.u64() % kLowest;
  return SessionId::parse(std::to_string(number)).value_or(SessionId{});
}

const Room* Im::room_of(const ImCall& call) const {
  const auto at = call.body.find("GroupId");
  if (at == call.body.end() || !at->is_string()) return nullptr;
  const auto id = RoomId::parse(at->get<std::string>());
  return id ? store_.find(*id) : nullptr;
}

/// 4096 messages a second keep numbers of a group's later lives above those of its earlier ones,
/// over restarts too.
std::uint64_t Im::numbers_from(const ImCall& call) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(call.moment.wall.value, 1)) << 12U;
}

/// Members, whoever may become one, and who made it.
bool Im::may_listen(const Room& room, const UserId& user) {
  if (room.banned.count(user) != 0) return false;
  const bool viewer = std::any_of(room.viewers.begin(), room.viewers.end(),
                                  [&](const Viewer& v) { return v.user == user; });
  return viewer || room.creator == user || room.find_pusher(user) != nullptr ||
         may_come(room, user, {}) == Outcome::kOk;
}

/// A session that the service does not know to have left was in before a restart.
void Im::rejoin(const Room& room, const ImCall& call) {
  const bool was_in =
      !mailbox_.joined(room.id, call.session) && !mailbox_.left(room.id, call.session);
  if (was_in && may_listen(room, call.user)) {
    mailbox_.rejoin(room.id, call.session, numbers_from(call));
  }
}

void Im::handle_event(const Event& event, const Moment& moment) {
  if (const auto* changed = std::get_if<PushersChanged>(&event)) {
    mailbox_.post_notice(moment.now, changed->room,
                         pushers_changed_item(changed->room, moment.wall));
  } else if (const auto* gone = std::get_if<RoomDissolved>(&event)) {
    mailbox_.dissolve(moment.now, gone->room, dissolved_item(gone->room, moment.wall));
  }
  // Who was put out has no notice of his own in the seed: to his client the room is over.
  const auto put_out = [&](const RoomId& room, const UserId& user, LeaveCause cause) {
    if (cause != LeaveCause::kKicked && cause != LeaveCause::kBanned) return;
    mailbox_.put_out(moment.now, room, user, dissolved_item(room, moment.wall));
  };
  if (const auto* left = std::get_if<PusherLeft>(&event)) {
    put_out(left->room, left->user, left->cause);
  } else if (const auto* viewer = std::get_if<ViewerLeft>(&event)) {
    put_out(viewer->room, viewer->user, viewer->cause);
  }
}

void Im::tell(const SaidMessage& said, const Moment& moment) {
  const nlohmann::json body = body_of(said);
  if (!is_message_body(body)) return;  // a command with "}}" in its name: nobody could read it
  const Said item{said.user, std::string{said.user.view()}, 0, random_.below(1U << 31U), body};
  static_cast<void>(mailbox_.post(moment.now, said.room, group_item(said.room, item, moment.wall)));
}

}  // namespace sluice::rooms
