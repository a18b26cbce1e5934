// The routes that all types of rooms have.
#include <algorithm>
#include <utility>

#include "rooms/api.h"

namespace sluice::rooms {
namespace {

/// Rooms in one answer: with 16 members each they are 500 KB. The seed's clients ask for 20.
constexpr std::uint64_t kPageMax = 100;

Json of_outcome(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOk:
      return ok();
    case Outcome::kNoRoom:
      return answer(ApiCode::kNoRoom, "no such room");
    case Outcome::kNotCreator:
      return answer(ApiCode::kNoRoom, "only the creator may do that");
    case Outcome::kNotMember:
      return answer(ApiCode::kNotMember, "not a member");
    case Outcome::kRoomExists:
      return answer(ApiCode::kRoomExists, "there is a room of this id");
    case Outcome::kRoomFull:
      return answer(ApiCode::kRoomFull, "the room is full");
    case Outcome::kViewersFull:
      return answer(ApiCode::kBadParameter, "the audience is full");
    case Outcome::kTooManyRooms:
      return answer(ApiCode::kNotMade, "this service has all the rooms it may have");
    case Outcome::kBadField:
      return answer(ApiCode::kBadParameter, "a field or its value is not allowed");
    case Outcome::kLocked:
      return answer(ApiCode::kFailed, "the room is locked");
    case Outcome::kBanned:
      return answer(ApiCode::kFailed, "banned from this room");
    case Outcome::kWrongPassword:
      return answer(ApiCode::kFailed, "the room has a password, which only /v1 takes");
    case Outcome::kTooMany:
      return answer(ApiCode::kFailed, "no more of these");
  }
  return ok();
}

Json bad_room() {
  return answer(ApiCode::kBadParameter, "roomID: 1 to 64 letters, digits, '_' and '-'");
}

/// roomInfo, or its name in the first generation.
std::optional<std::string> info_of(const RequestBody& body) {
  return body.has("roomInfo") ? body.text("roomInfo") : body.text("roomName");
}

}  // namespace

std::string custom_text(const Room& room) {
  Json custom = Json::object();
  for (const auto& [name, value] : room.custom) custom[name] = Json::parse(value, nullptr, false);
  return custom.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json Api::room_json(const Room& room, const Moment& moment) const {
  Json pushers = Json::array();
  for (const Pusher& pusher : room.pushers) {
    pushers.push_back({{"userID", pusher.user.view()},
                       {"userName", pusher.name},
                       {"userAvatar", pusher.avatar},
                       {"accelerateURL", addresses_.play_url(pusher.stream, moment.wall)}});
  }
  return {{"roomID", room.id.view()},
          {"roomInfo", room.info},
          {"roomCreator", room.creator.view()},
          {"mixedPlayURL", addresses_.plain_url("https", room.mixed, ".flv")},
          {"custom", custom_text(room)},
          {"pushers", std::move(pushers)}};
}

Json Api::room_list(const ApiCall& call) {
  const auto index = call.body.number("index"), count = call.body.number("cnt");
  if (!index || !count) return answer(ApiCode::kBadParameter, "cnt and index: whole numbers");
  Json rooms = Json::array();
  for (const Room* room : store_.page(call.type, *index, std::min(*count, kPageMax))) {
    rooms.push_back(room_json(*room, call.moment));
    if (call.type == RoomType::kLive) rooms.back()["audienceCount"] = room->viewers.size();
  }
  Json json = ok();
  json["rooms"] = std::move(rooms);
  return json;
}

Json Api::pushers(const ApiCall& call) {
  const auto key = room_key(call);
  const Room* const room = key ? store_.find(*key) : nullptr;
  if (room == nullptr) return of_outcome(Outcome::kNoRoom);
  Json json = ok();
  json.update(room_json(*room, call.moment));
  return json;
}

Json Api::create_room(const ApiCall& call) {
  if (!call.body.has("roomInfo") && !call.body.has("roomName")) {
    return answer(ApiCode::kBadParameter, "missing: roomInfo");
  }
  const auto info = info_of(call.body);
  if (!info) return answer(ApiCode::kBadParameter, "roomInfo: a text");
  if (info->size() > kRoomInfoBytesMax) {
    return answer(ApiCode::kBadValue, "roomInfo: 1024 bytes at most");
  }
  const bool named = call.body.has("roomID") && call.body.text("roomID") != std::string{};
  const auto given = room_key(call);
  if (named && !given) return bad_room();
  const RoomKey key{call.type, named ? given->room : accounts_.random_room()};
  // The first generation creates and enters in one call.
  if (call.body.has("pushURL") && !store_.knows(key.room)) return enter(call, key.room, *info);
  Json json = of_outcome(store_.create(call.moment.now, key, call.user, *info));
  const int code = json["code"];
  if (code == 0 || code == static_cast<int>(ApiCode::kRoomExists)) json["roomID"] = key.room.view();
  return json;
}

Json Api::destroy_room(const ApiCall& call) {
  const auto key = room_key(call);
  return of_outcome(key ? store_.destroy(*key, call.user) : Outcome::kNoRoom);
}

Json Api::add_pusher(const ApiCall& call) {
  const auto key = room_key(call);
  if (!key) return bad_room();
  const std::string info = info_of(call.body).value_or("");
  if (info.size() > kRoomInfoBytesMax) {
    return answer(ApiCode::kBadValue, "roomInfo: 1024 bytes at most");
  }
  const bool known = store_.knows(key->room);
  Json json = enter(call, key->room, info);
  if (known) json.erase("roomID");
  return json;
}

/// Makes the room where there is none; the answer has its id.
Json Api::enter(const ApiCall& call, const RoomId& room, std::string info) {
  const auto name = call.body.has("userName") ? call.body.text("userName") : std::string{};
  const auto avatar = call.body.has("userAvatar") ? call.body.text("userAvatar") : std::string{};
  if (!name || name->size() > kUserNameBytesMax) {
    return answer(ApiCode::kBadParameter, "userName: a text of 256 bytes at most");
  }
  if (!avatar || avatar->size() > kUserAvatarBytesMax) {
    return answer(ApiCode::kBadParameter, "userAvatar: a text of 1024 bytes at most");
  }
  const std::string url = call.body.text("pushURL").value_or("");
  const auto stream = addresses_.stream_of(url, call.user, call.moment.wall);
  if (!stream) {
    return answer(ApiCode::kBadParameter, "pushURL: one that get_push_url gave to this user");
  }
  bool created = false;
  const Outcome outcome =
      store_.enter(call.moment.now, {call.type, room},
                   {call.user, *name, *avatar, *stream, std::move(info)}, created);
  Json json = of_outcome(outcome);
  if (outcome == Outcome::kOk) json["roomID"] = room.view();
  return json;
}

Json Api::delete_pusher(const ApiCall& call) {
  const auto key = room_key(call);
  return of_outcome(key ? store_.leave(*key, call.user) : Outcome::kNotMember);
}

Json Api::heartbeat(const ApiCall& call) {
  const auto key = room_key(call);
  return of_outcome(key ? store_.heartbeat(call.moment.now, *key, call.user) : Outcome::kNotMember);
}

}  // namespace sluice::rooms
