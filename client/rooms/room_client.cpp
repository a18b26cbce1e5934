#include "client/rooms/room_client.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "client/rooms/json_text.h"

namespace sluice::client {
namespace {

using Json = nlohmann::json;

/// Until the service has said how often; its own preset.
constexpr std::int64_t kHeartbeatSeconds = 7;
constexpr std::int64_t kHeartbeatSecondsMax = 3600;

constexpr int kCreated = 201, kRedirect = 300, kBadRequest = 400, kServerError = 500;

bool flag_of(const Json& json, const char* name) {
  const auto at = json.find(name);
  return at != json.end() && at->is_boolean() && at->get<bool>();
}

std::int64_t number_of(const Json& json, const char* name, std::int64_t preset) {
  if (!json.is_object()) return preset;
  const auto at = json.find(name);
  return at != json.end() && at->is_number_unsigned() ? at->get<std::int64_t>() : preset;
}

ListedRoom room_of(const Json& json) {
  ListedRoom room;
  room.room = text_of(json, "room");
  room.type = text_of(json, "type");
  room.info = text_of(json, "info");
  room.creator = text_of(json, "creator");
  if (!json.is_object()) return room;
  room.locked = flag_of(json, "locked");
  room.has_password = flag_of(json, "password");
  room.members = static_cast<std::uint64_t>(number_of(json, "members", 0));
  return room;
}

/// The elements of an array under this name; none where there is none.
Json list_of(const Json& json, const char* name) {
  if (!json.is_object()) return Json::array();
  const auto at = json.find(name);
  return at != json.end() && at->is_array() ? *at : Json::array();
}

ExitCode exit_code_of(int status) {
  if (status >= kServerError) return ExitCode::kUnreachable;
  return status == kBadRequest ? ExitCode::kBadInput : ExitCode::kRefused;
}

/// Bytes that are no UTF-8 come from a command line; the service refuses what it cannot read.
std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string room_path(const RoomName& room) { return "/v1/rooms/" + std::string{room.view()}; }

void add_password(Json& body, const std::string& password) {
  if (!password.empty()) body["password"] = password;
}

}  // namespace

void RoomClient::ask(RoomCall call, HttpQuestion question, const std::string& room) {
  waiting_.push_back({call, std::move(question), room});
}

void RoomClient::login() {
  if (!config_.token.empty()) return events_.push_back({RoomCall::kLogin, {}, {}, {}});
  Json body = Json::object();
  if (!config_.user.empty()) body["user"] = config_.user;
  ask(RoomCall::kLogin, {"POST", "/v1/tokens", {}, dump(body)});
}

void RoomClient::create_room(const RoomName& room, std::string_view type, const std::string& info) {
  Json body{{"room", room.view()}, {"type", type}, {"info", info}};
  add_password(body, config_.password);
  ask(RoomCall::kCreateRoom, {"POST", "/v1/rooms", {}, dump(body)});
}

void RoomClient::room_list() { ask(RoomCall::kRoomList, {"GET", "/v1/rooms", {}, {}}); }

void RoomClient::enter_room(const RoomName& room, RoomRole role) {
  Json body{{"role", role == RoomRole::kPusher ? "pusher" : "viewer"}};
  add_password(body, config_.password);
  ask(RoomCall::kEnterRoom, {"POST", room_path(room) + "/members", {}, dump(body)},
      std::string{room.view()});
}

void RoomClient::exit_room(const RoomName& room) {
  room_.clear();
  beat_at_ = kNever;
  ask(RoomCall::kExitRoom, {"DELETE", room_path(room) + "/members/" + config_.user, {}, {}});
}

void RoomClient::pushers(const RoomName& room) {
  ask(RoomCall::kPushers, {"GET", room_path(room) + "/members", {}, {}});
}

void RoomClient::kick(const RoomName& room, const UserName& user) {
  const std::string path = room_path(room) + "/members/" + std::string{user.view()};
  ask(RoomCall::kKick, {"DELETE", path, {}, {}});
}

void RoomClient::destroy_room(const RoomName& room) {
  ask(RoomCall::kDestroyRoom, {"DELETE", room_path(room), {}, {}});
}

void RoomClient::send_room_text_msg(const RoomName& room, const std::string& text) {
  ask(RoomCall::kSendText, {"POST", room_path(room) + "/messages", {}, dump({{"text", text}})});
}

std::optional<HttpQuestion> RoomClient::poll_question() {
  if (asked_ || waiting_.empty()) return std::nullopt;
  asked_ = std::move(waiting_.front());
  waiting_.pop_front();
  HttpQuestion question = asked_->question;
  question.bearer = config_.token;
  return question;
}

std::optional<RoomEvent> RoomClient::poll_event() {
  if (events_.empty()) return std::nullopt;
  RoomEvent event = std::move(events_.front());
  events_.pop_front();
  return event;
}

void RoomClient::handle_timeout(Instant now) {
  if (now < beat_at_) return;
  beat_at_ = kNever;
  const std::string path = "/v1/rooms/" + room_ + "/members/" + config_.user + "/heartbeat";
  ask(RoomCall::kHeartbeat, {"POST", path, {}, "{}"}, room_);
}

void RoomClient::handle_failure(Instant now, const std::string& why) {
  if (!asked_) return;
  const Pending asked = *std::exchange(asked_, std::nullopt);
  if (asked.call == RoomCall::kHeartbeat && asked.room == room_) beat_at_ = now + kBeatAgain;
  events_.push_back({asked.call, Error{ExitCode::kUnreachable, why}, {}, {}});
}

void RoomClient::handle_answer(Instant now, const HttpAnswer& answer) {
  if (!asked_) return;
  const Pending asked = *std::exchange(asked_, std::nullopt);
  RoomEvent event = read(now, asked, answer);
  if (asked.call != RoomCall::kHeartbeat || event.error) events_.push_back(std::move(event));
}

RoomEvent RoomClient::read(Instant now, const Pending& asked, const HttpAnswer& answer) {
  RoomEvent event{asked.call, {}, {}, {}};
  const Json json = answer.body.empty() ? Json{} : Json::parse(answer.body, nullptr, false);
  const bool beats = asked.call == RoomCall::kHeartbeat && asked.room == room_;
  if (answer.status >= kRedirect) {
    event.code = text_of(json, "code");
    const std::string title = text_of(json, "title"), cure = text_of(json, "cure");
    event.error = Error{exit_code_of(answer.status),
                        (title.empty() ? "status " + std::to_string(answer.status) : title) +
                            (cure.empty() ? "" : ": " + cure)};
    // Out of the room there is nothing to keep alive; a service in trouble is asked again.
    if (beats) beat_at_ = answer.status >= kServerError ? now + kBeatAgain : kNever;
    return event;
  }
  switch (asked.call) {
    case RoomCall::kLogin:
      config_.token = text_of(json, "token");
      config_.user = text_of(json, "user");
      break;
    case RoomCall::kCreateRoom:
      event.result = room_of(json);
      break;
    case RoomCall::kRoomList: {
      std::vector<ListedRoom> rooms;
      for (const Json& room : list_of(json, "rooms")) rooms.push_back(room_of(room));
      event.result = std::move(rooms);
      break;
    }
    case RoomCall::kEnterRoom:
      take_entry(now, asked, answer, event);
      break;
    case RoomCall::kPushers: {
      std::vector<RoomMember> members;
      for (const Json& one : list_of(json, "members")) {
        members.push_back({text_of(one, "user"), text_of(one, "name"), text_of(one, "role")});
      }
      event.result = std::move(members);
      break;
    }
    case RoomCall::kHeartbeat:
      if (beats) beat_at_ = now + beat_every_;
      break;
    case RoomCall::kExitRoom:
    case RoomCall::kKick:
    case RoomCall::kDestroyRoom:
    case RoomCall::kSendText:
      break;
  }
  return event;
}

void RoomClient::take_entry(Instant now, const Pending& asked, const HttpAnswer& answer,
                            RoomEvent& event) {
  const Json json = Json::parse(answer.body, nullptr, false);
  RoomEntry entry;
  entry.came_in = answer.status == kCreated;
  const auto at = [&](const char* name) {
    return json.is_object() && json.contains(name) ? json[name] : Json{};
  };
  entry.room = room_of(at("room"));
  entry.user = text_of(at("member"), "user");
  const Json relay = at("relay");
  entry.relay_key = text_of(relay, "relay_key");
  if (relay.is_object()) entry.ticket = dump(relay);
  if (entry.user.empty()) {
    event.error = Error{ExitCode::kUnreachable, "this is no answer of a room service"};
    return;
  }
  config_.user = entry.user;
  room_ = asked.room;
  const std::int64_t every = number_of(json, "heartbeat_seconds", kHeartbeatSeconds);
  beat_every_ =
      std::chrono::seconds{every >= 1 && every <= kHeartbeatSecondsMax ? every : kHeartbeatSeconds};
  beat_at_ = now + beat_every_;
  event.result = std::move(entry);
}

}  // namespace sluice::client
