// The routes of /v1 for messages and events, and how what happens becomes events.
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "rooms/v1.h"

namespace sluice::rooms {
namespace {

std::string_view reason_of(LeaveCause cause) {
  switch (cause) {
    case LeaveCause::kLeft:
      return "left";
    case LeaveCause::kTimeout:
      return "timeout";
    case LeaveCause::kKicked:
      return "kicked";
    case LeaveCause::kBanned:
      return "banned";
  }
  return "";
}

std::string_view reason_of(DissolveCause cause) {
  switch (cause) {
    case DissolveCause::kCreatorLeft:
      return "creator_left";
    case DissolveCause::kLastLeft:
      return "last_left";
    case DissolveCause::kDestroyed:
      return "destroyed";
    case DissolveCause::kNeverEntered:
      return "never_entered";
  }
  return "";
}

/// 0 when it is not there; nothing when it is no number.
std::optional<std::uint64_t> after_of(const net::HttpRequest& request) {
  const std::string_view text = request.argument("after");
  std::uint64_t value = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty()) return 0;
  if (error != std::errc{} || at != text.data() + text.size()) return std::nullopt;
  return value;
}

/// {kind, user, ..} of somebody who came, changed or left.
Json of_member(std::string_view kind, const UserId& user) {
  return {{"kind", kind}, {"user", user.view()}};
}

/// Data of {cmd, msg}, both texts, is what the seed's clients call a custom message.
std::optional<SaidMessage> command_of(const nlohmann::json& data) {
  if (!data.is_object() || data.size() != 2) return std::nullopt;
  const auto command = data.find("cmd");
  const auto message = data.find("msg");
  if (command == data.end() || !command->is_string() || message == data.end() ||
      !message->is_string() || command->get<std::string>().empty()) {
    return std::nullopt;
  }
  return SaidMessage{{}, {}, message->get<std::string>(), command->get<std::string>()};
}

}  // namespace

/// Members and moderators alone: what is said in a room is not for who only knows its name.
std::optional<net::HttpResponse> V1::refuse_stranger(const Bearer& who, const Room& room) const {
  if (moderates(who, room) || room.find_pusher(who.user) != nullptr ||
      room.find_viewer(who.user) != nullptr) {
    return std::nullopt;
  }
  return problem_response(Problem::kForbidden, "for members and moderators: enter first");
}

net::HttpResponse V1::say(const V1Call& call) {
  if (auto refused = refuse_stranger(call.who, *call.room)) return *std::move(refused);
  const bool revoked = call.room->revoked_of(call.who.user).has(MemberRight::kSay);
  if (revoked || !call.who.rights.has(MemberRight::kSay)) {
    return problem_response(Problem::kForbidden, "say");
  }
  bool good = true;
  const auto text = text_field(call.body, "text", kMessageTextBytesMax, good);
  const auto data = call.body.find("data");
  const bool has_data = data != call.body.end();
  good =
      good && text.has_value() != has_data &&
      (!has_data || data->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).size() <=
                        kMessageTextBytesMax);
  if (!good) return problem_response(Problem::kFieldBad, "text or data, one of them; 4096 bytes");
  Json fields = of_member(text ? "text" : "custom", call.who.user);
  if (text) {
    fields["text"] = *text;
    said_.push_back({call.room_id, call.who.user, *text});
  } else {
    fields["data"] = Json(*data);
    if (auto command = command_of(*data)) {
      command->room = call.room_id;
      command->user = call.who.user;
      said_.push_back(*std::move(command));
    }
  }
  return json_response(
      201, context_.events.add_message(call.room_id, std::move(fields), call.moment.wall.value));
}

void V1::tell(const SaidMessage& said, const Moment& moment) {
  if (context_.store.find(said.room) == nullptr) return;
  const bool is_text = said.command.empty();
  Json fields = of_member(is_text ? "text" : "custom", said.user);
  if (is_text) {
    fields["text"] = said.text;
  } else {
    fields["data"] = {{"cmd", said.command}, {"msg", said.text}};
  }
  static_cast<void>(context_.events.add_message(said.room, std::move(fields), moment.wall.value));
}

net::HttpResponse V1::list_messages(const V1Call& call) {
  if (auto refused = refuse_stranger(call.who, *call.room)) return *std::move(refused);
  const auto after = after_of(call.http);
  if (!after) return problem_response(Problem::kFieldBad, "after: a whole number");
  Json messages = Json::array();
  for (const std::string& text : context_.events.messages(call.room_id, *after)) {
    messages.push_back(Json::parse(text));
  }
  return json_response(200, {{"messages", std::move(messages)}});
}

/// Who asks without an upgrade.
net::HttpResponse V1::events(const V1Call&) {
  net::HttpResponse response = problem_response(Problem::kUpgradeRequired);
  response.headers.push_back({"upgrade", "websocket"});
  return response;
}

std::optional<net::HttpResponse> V1::listen(const net::HttpRequest& request, ListenerId id,
                                            const Moment& moment) {
  const Found found = find("GET", request.path);
  if (found.route == nullptr || found.route->handler != &V1::events) {
    return problem_response(Problem::kPathUnknown, "no WebSocket here");
  }
  const nlohmann::json body;
  V1Call call{request, body, moment, {}, {}, nullptr, {}};
  call.room_id = RoomId::parse(found.room).value_or(RoomId{});
  if (auto refused = authorize(*found.route, call)) return refused;
  if (auto refused = refuse_stranger(call.who, *call.room)) return refused;
  const auto after = after_of(request);
  if (!after) return problem_response(Problem::kFieldBad, "after: a whole number");
  context_.events.listen(id, call.room_id, call.who.user, *after, moment.wall.value);
  return std::nullopt;
}

void V1::handle_event(const Event& event, const Moment& moment) {
  std::visit([&](const auto& told) { on(told, moment.wall.value); }, event);
}

/// An event that the application hears of, too.
void V1::add(const RoomId& room, Json fields, std::int64_t at_s) {
  const Json event = context_.events.add(room, std::move(fields), at_s);
  if (context_.tell_application) context_.tell_application(event);
}

void V1::on(const RoomOpened& opened, std::int64_t at_s) {
  Json fields{{"kind", "create"}, {"type", type_name(opened.type)}};
  if (const Room* room = context_.store.find(opened.room)) fields["creator"] = room->creator.view();
  add(opened.room, std::move(fields), at_s);
}

void V1::on(const PushersChanged&, std::int64_t) {}  // the events of members say it better

void V1::on(const MemberCame& came, std::int64_t at_s) {
  add_member("join", came.room, came.user, at_s);
}

void V1::on(const MemberChanged& changed, std::int64_t at_s) {
  add_member("change", changed.room, changed.user, at_s);
}

void V1::on(const PusherLeft& left, std::int64_t at_s) {
  add_leave(left.room, left.user, {"pusher", reason_of(left.cause)}, at_s);
}

void V1::on(const ViewerLeft& left, std::int64_t at_s) {
  add_leave(left.room, left.user, {"viewer", reason_of(left.cause)}, at_s);
}

void V1::on(const RoomEdited& edited, std::int64_t at_s) {
  Json fields{{"kind", "room"}};
  if (const Room* room = context_.store.find(edited.room)) {
    for (const char* name : {"info", "locked", "password"}) fields[name] = room_json(*room)[name];
  }
  context_.events.add(edited.room, std::move(fields), at_s);
}

void V1::on(const RoomDissolved& gone, std::int64_t at_s) {
  quality_.erase(gone.room);
  add(gone.room, {{"kind", "dissolve"}, {"reason", reason_of(gone.cause)}}, at_s);
  context_.events.close_room(gone.room);
}

void V1::add_member(std::string_view kind, const RoomId& id, const UserId& user,
                    std::int64_t at_s) {
  Json fields = of_member(kind, user);
  const Room* const room = context_.store.find(id);
  const Json member = room == nullptr ? Json{} : member_json(*room, user);
  // He may be gone again by now; that is an event of its own.
  if (!member.is_null()) fields.update(member);
  if (kind == "join") return add(id, std::move(fields), at_s);
  context_.events.add(id, std::move(fields), at_s);
}

void V1::add_leave(const RoomId& room, const UserId& user, const Leave& leave, std::int64_t at_s) {
  const auto at = quality_.find(room);
  if (at != quality_.end()) {
    at->second.erase(user);
    if (at->second.empty()) quality_.erase(at);
  }
  Json fields = of_member("leave", user);
  fields["role"] = leave.role;
  fields["reason"] = leave.reason;
  add(room, std::move(fields), at_s);
  context_.events.close_user(room, user, std::string{leave.reason});
}

void V1::handle_stream(const RoomId& room, const UserId& user, const StreamName& stream, bool up,
                       const Moment& moment) {
  if (context_.store.find(room) == nullptr) return;  // nobody's room, or one that is gone
  Json fields = of_member(up ? "stream_up" : "stream_down", user);
  fields["stream"] = stream.view();
  add(room, std::move(fields), moment.wall.value);
}

}  // namespace sluice::rooms
