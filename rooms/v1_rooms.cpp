// The routes of /v1 for tokens, rooms, bans and streams.
#include <algorithm>
#include <charconv>

#include "proto/crypto/encoding.h"
#include "rooms/v1.h"

namespace sluice::rooms {
namespace {

/// Rooms in one answer: 200 bytes each. The compatible API has the same number.
constexpr std::uint64_t kPageMax = 100;

net::HttpResponse bad_field(std::string_view detail) {
  return problem_response(Problem::kFieldBad, detail);
}

/// A whole number of the query; `preset` when it is not there, nothing when it is none.
std::optional<std::uint64_t> number_argument(const net::HttpRequest& request, const char* name,
                                             std::uint64_t preset) {
  const std::string_view text = request.argument(name);
  if (text.empty()) return preset;
  std::uint64_t value = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || at != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Json room_json(const Room& room) {
  const auto only_watch =
      std::count_if(room.viewers.begin(), room.viewers.end(),
                    [&](const Viewer& viewer) { return room.find_pusher(viewer.user) == nullptr; });
  return {{"room", room.id.view()},
          {"type", type_name(room.type)},
          {"info", room.info},
          {"creator", room.creator.view()},
          {"locked", room.locked},
          {"password", !room.password.empty()},
          {"members", room.pushers.size() + static_cast<std::size_t>(only_watch)}};
}

/// Fast on purpose: it is computed on the loop. The key, which is not in the journal, is what keeps
/// who has a copy of the journal from trying passwords.
std::string V1::password_hash(const RoomId& room, const std::string& password) const {
  if (password.empty()) return {};
  const std::string text = std::string{room.view()} + '\0' + password;
  return crypto::to_hex(crypto::sign(password_key_, "room password", as_bytes(text)));
}

net::HttpResponse V1::make_token(const V1Call& call) {
  if (!config_.guests) return problem_response(Problem::kForbidden, "no guests here (v1.guests)");
  bool good = true;
  const auto name = text_field(call.body, "user", UserId::kLengthMax, good);
  const auto chosen = name ? UserId::parse(*name) : std::nullopt;
  if (!good || (name && !chosen)) return bad_field("user: 1 to 48 letters, digits, '_' and '-'");
  if (chosen && !config_.chosen_ids) {
    return problem_response(Problem::kForbidden, "ids are given here, not chosen");
  }
  const UserId user = chosen ? *chosen : context_.accounts.random_user();
  const std::int64_t now = call.moment.wall.value;
  return json_response(
      201, {{"token", context_.accounts.issue(TokenKind::kToken, user, call.moment.wall)},
            {"user", user.view()},
            {"expires", now + context_.accounts.lifetime(TokenKind::kToken)}});
}

net::HttpResponse V1::make_room(const V1Call& call) {
  bool good = true;
  const auto name = text_field(call.body, "room", RoomId::kLengthMax, good);
  const auto given = name ? RoomId::parse(*name) : std::nullopt;
  if (!good || (name && !given)) return bad_field("room: 1 to 64 letters, digits, '_' and '-'");
  const auto type = parse_type(text_field(call.body, "type", 16, good).value_or("multi"));
  if (!type || !good) return bad_field("type: double, multi or live");
  const auto info = text_field(call.body, "info", kRoomInfoBytesMax, good);
  if (!good) return bad_field("info: a text of 1024 bytes at most");
  const auto password = text_field(call.body, "password", kPasswordBytesMax, good);
  if (!good) return bad_field("password: a text of 128 bytes at most");
  const auto locked = call.body.find("locked");
  if (locked != call.body.end() && !locked->is_boolean()) return bad_field("locked: true or false");
  const RoomId room = given           ? *given
                      : call.who.room ? *call.who.room
                                      : context_.accounts.random_room();
  if (call.who.room && *call.who.room != room) {
    return problem_response(Problem::kForbidden, "the token is for another room");
  }
  const Outcome made =
      context_.store.create(call.moment.now, {*type, room}, call.who.user, info.value_or(""));
  if (made != Outcome::kOk) return problem_of(made);
  const bool lock = locked != call.body.end() && locked->get<bool>();
  if (lock || password) {
    const Outcome edited = context_.store.edit(
        room, {.info = {}, .password = password_hash(room, password.value_or("")), .locked = lock});
    if (edited != Outcome::kOk) return problem_of(edited);
  }
  net::HttpResponse response = json_response(201, room_json(*context_.store.find(room)));
  response.headers.push_back({"location", "/v1/rooms/" + std::string{room.view()}});
  return response;
}

net::HttpResponse V1::list_rooms(const V1Call& call) {
  const auto from = number_argument(call.http, "from", 0);
  const auto limit = number_argument(call.http, "limit", kPageMax);
  const std::string_view wanted = call.http.argument("type");
  const auto type = parse_type(wanted);
  if (!from || !limit || (!wanted.empty() && !type)) {
    return bad_field("from, limit: whole numbers; type: double, multi or live");
  }
  const std::uint64_t count = std::min(*limit, kPageMax);
  Json rooms = Json::array();
  // A token for one room sees that one.
  const Room* const own = call.who.room ? context_.store.find(*call.who.room) : nullptr;
  if (call.who.room) {
    if (own != nullptr && *from == 0 && count > 0) rooms.push_back(room_json(*own));
  } else {
    for (const Room* room : type ? context_.store.page(*type, *from, count)
                                 : context_.store.page_of_all(*from, count)) {
      rooms.push_back(room_json(*room));
    }
  }
  return json_response(200, {{"rooms", std::move(rooms)}});
}

net::HttpResponse V1::get_room(const V1Call& call) {
  return json_response(200, room_json(*call.room));
}

net::HttpResponse V1::edit_room(const V1Call& call) {
  bool good = true;
  RoomEdit edit;
  edit.info = text_field(call.body, "info", kRoomInfoBytesMax, good);
  if (!good) return bad_field("info: a text of 1024 bytes at most");
  const auto password = call.body.find("password");
  if (password != call.body.end() && password->is_null()) {
    edit.password = "";
  } else if (const auto text = text_field(call.body, "password", kPasswordBytesMax, good)) {
    edit.password = password_hash(call.room_id, *text);
  }
  if (!good) return bad_field("password: a text of 128 bytes at most, or null");
  const auto locked = call.body.find("locked");
  if (locked != call.body.end()) {
    if (!locked->is_boolean()) return bad_field("locked: true or false");
    edit.locked = locked->get<bool>();
  }
  const Outcome outcome = context_.store.edit(call.room_id, std::move(edit));
  if (outcome != Outcome::kOk) return problem_of(outcome);
  return json_response(200, room_json(*call.room));
}

net::HttpResponse V1::dissolve_room(const V1Call& call) {
  const Outcome outcome = context_.store.dissolve(call.room_id);
  return outcome == Outcome::kOk ? no_content() : problem_of(outcome);
}

net::HttpResponse V1::list_bans(const V1Call& call) {
  Json bans = Json::array();
  for (const UserId& user : call.room->banned) bans.push_back(user.view());
  return json_response(200, {{"bans", std::move(bans)}});
}

net::HttpResponse V1::ban(const V1Call& call) {
  const Outcome outcome = context_.store.ban(call.room_id, call.member);
  if (outcome != Outcome::kOk) return problem_of(outcome);
  context_.relays.put_out(call.room_id, call.member);
  return no_content();
}

net::HttpResponse V1::lift_ban(const V1Call& call) {
  const Outcome outcome = context_.store.lift_ban(call.room_id, call.member);
  return outcome == Outcome::kOk ? no_content() : problem_of(outcome);
}

net::HttpResponse V1::list_streams(const V1Call& call) {
  Json streams = Json::array();
  for (const V1Relays::Stream& stream : context_.relays.streams(call.room_id)) {
    streams.push_back({{"user", stream.user.view()}, {"stream", stream.stream.view()}});
  }
  return json_response(200, {{"streams", std::move(streams)}});
}

net::HttpResponse V1::recordings(const V1Call&) {
  return problem_response(Problem::kRecordingsNotAvailable);
}

}  // namespace sluice::rooms
