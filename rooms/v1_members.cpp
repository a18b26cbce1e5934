// The routes of /v1 for members: who is there, how one comes in, stays in, and is put out.
#include <utility>

#include "rooms/v1.h"

namespace sluice::rooms {
namespace {

/// The best and the worst quality there is, as the seed counts it.
constexpr int kQualityBest = 1, kQualityWorst = 6;

Json rights_json(MemberRights rights) {
  Json json = Json::object();
  for (const MemberRight right :
       {MemberRight::kPush, MemberRight::kPull, MemberRight::kSay, MemberRight::kModerate}) {
    for (const NamedRight& named : kNamedRights) {
      if (named.right == right) json[std::string{named.name}] = rights.has(right);
    }
  }
  return json;
}

/// A viewer's own text, where it is the JSON that clients of the seed keep there.
std::string viewer_text(const Viewer& viewer, const char* name) {
  const nlohmann::json info = parse_json(viewer.info);
  if (!info.is_object()) return {};
  const auto at = info.find(name);
  return at != info.end() && at->is_string() ? at->get<std::string>() : std::string{};
}

/// What the member was let in with, without what was taken since. Nothing for who is no member.
std::optional<MemberRights> rights_of(const Room& room, const UserId& user) {
  if (const Pusher* pusher = room.find_pusher(user)) {
    return pusher->rights.without(room.revoked_of(user));
  }
  if (const Viewer* viewer = room.find_viewer(user)) {
    return viewer->rights.without(room.revoked_of(user));
  }
  return std::nullopt;
}

}  // namespace

Json member_json(const Room& room, const UserId& user) {
  const auto rights = rights_of(room, user);
  if (!rights) return nullptr;
  const Pusher* const pusher = room.find_pusher(user);
  const Viewer* const viewer = room.find_viewer(user);
  return {{"user", user.view()},
          {"name", pusher != nullptr ? pusher->name : viewer_text(*viewer, "userName")},
          {"avatar", pusher != nullptr ? pusher->avatar : viewer_text(*viewer, "userAvatar")},
          {"role", pusher != nullptr ? "pusher" : "viewer"},
          {"rights", rights_json(*rights)}};
}

crypto::Rights relay_rights(MemberRights rights) {
  crypto::Rights result = rights.has(MemberRight::kPush) ? crypto::kPushRights : crypto::Rights{};
  return rights.has(MemberRight::kPull) ? result.with(crypto::Right::kSubscribe) : result;
}

net::HttpResponse V1::list_members(const V1Call& call) {
  Json members = Json::array();
  for (const Pusher& pusher : call.room->pushers) {
    members.push_back(member_json(*call.room, pusher.user));
  }
  for (const Viewer& viewer : call.room->viewers) {
    if (call.room->find_pusher(viewer.user) != nullptr) continue;
    members.push_back(member_json(*call.room, viewer.user));
  }
  return json_response(200, {{"members", std::move(members)}});
}

net::HttpResponse V1::enter(const V1Call& call) {
  bool good = true;
  const std::string role = text_field(call.body, "role", 16, good).value_or("pusher");
  const bool pushes = role == "pusher";
  if (!good || (!pushes && role != "viewer")) {
    return problem_response(Problem::kFieldBad, "role: pusher or viewer");
  }
  if (!call.who.rights.has(pushes ? MemberRight::kPush : MemberRight::kPull)) {
    return problem_response(Problem::kForbidden, pushes ? "push" : "pull");
  }
  const bool present = !member_json(*call.room, call.who.user).is_null();
  if (!pushes && call.room->find_pusher(call.who.user) != nullptr) {
    return problem_response(Problem::kRoleFixed);
  }
  MemberRights rights =
      call.who.rights.without(MemberRight::kCreate).without(MemberRight::kOperate);
  if (moderates(call.who, *call.room)) rights = rights.with(MemberRight::kModerate);
  if (!pushes) rights = rights.without(MemberRight::kPush);
  const Outcome outcome = enter_as(call, pushes, rights);
  if (outcome == Outcome::kBadField) {
    return problem_response(Problem::kFieldBad,
                            "name: a text of 256 bytes at most; avatar: 1024; password: 128");
  }
  if (outcome != Outcome::kOk) return problem_of(outcome);
  return json_response(present ? 200 : 201, entry_json(call, *context_.store.find(call.room_id)));
}

Outcome V1::enter_as(const V1Call& call, bool pushes, MemberRights rights) {
  bool good = true;
  const auto name = text_field(call.body, "name", kUserNameBytesMax, good);
  const auto avatar = text_field(call.body, "avatar", kUserAvatarBytesMax, good);
  const auto password = text_field(call.body, "password", kPasswordBytesMax, good);
  if (!good) return Outcome::kBadField;
  const UserId& user = call.who.user;
  const std::string hash = password_hash(call.room_id, password.value_or(""));
  if (!pushes) {
    const Json info{{"userName", name.value_or("")}, {"userAvatar", avatar.value_or("")}};
    Viewer viewer;
    viewer.user = user;
    viewer.info = info.dump();
    viewer.rights = rights;
    return context_.store.enter_viewer(call.moment.now, call.room_id, std::move(viewer), hash);
  }
  const Pusher* const present = call.room->find_pusher(user);
  Entry entry;
  entry.user = user;
  // Who comes back for a ticket need not say again who he is.
  entry.name = name.value_or(present != nullptr ? present->name : "");
  entry.avatar = avatar.value_or(present != nullptr ? present->avatar : "");
  entry.stream = present != nullptr ? present->stream : context_.addresses.new_stream(user);
  entry.password = hash;
  entry.rights = rights;
  bool created = false;
  return context_.store.enter(call.moment.now, {call.room->type, call.room_id}, std::move(entry),
                              created);
}

Json V1::entry_json(const V1Call& call, const Room& room) const {
  const UserId& user = call.who.user;
  const MemberRights rights = rights_of(room, user).value_or(MemberRights{});
  const auto access =
      context_.relays.access({room.id, user, relay_rights(rights), call.http}, call.moment);
  Json relay;
  if (access) relay = access_json(*access, room.id, user);
  Json addresses = Json::object();
  const Pusher* const pusher = room.find_pusher(user);
  if (pusher != nullptr && context_.addresses.have_hosts()) {
    if (rights.has(MemberRight::kPush)) {
      addresses["push"] = context_.addresses.push_url(pusher->stream, call.moment.wall);
    }
    addresses["play"] = context_.addresses.play_url(pusher->stream, call.moment.wall);
  }
  return {{"room", room_json(room)},
          {"member", member_json(room, user)},
          {"relay", std::move(relay)},
          {"addresses", std::move(addresses)},
          {"heartbeat_seconds", kHeartbeatSeconds},
          {"events", "/v1/rooms/" + std::string{room.id.view()} + "/events"}};
}

net::HttpResponse V1::get_member(const V1Call& call) {
  Json member = member_json(*call.room, call.member);
  if (member.is_null()) return problem_response(Problem::kMemberUnknown);
  return json_response(200, member);
}

net::HttpResponse V1::set_rights(const V1Call& call) {
  const auto wanted = call.body.find("rights");
  if (wanted == call.body.end() || !wanted->is_object()) {
    return problem_response(Problem::kFieldBad, "rights: an object");
  }
  MemberRights revoked = call.room->revoked_of(call.member);
  for (const auto& [name, value] : wanted->items()) {
    const auto right = parse_right(name);
    if (!right || !kMemberRights.has(*right) || !value.is_boolean()) {
      return problem_response(Problem::kFieldBad, "rights: push, pull, say; true or false");
    }
    revoked = value.get<bool>() ? revoked.without(*right) : revoked.with(*right);
  }
  const Outcome outcome = context_.store.revoke(call.room_id, call.member, revoked);
  if (outcome != Outcome::kOk) return problem_of(outcome);
  const auto rights = rights_of(*call.room, call.member);
  context_.relays.set_rights(call.room_id, call.member,
                             relay_rights(rights.value_or(MemberRights{})));
  return json_response(200, member_json(*call.room, call.member));
}

net::HttpResponse V1::leave(const V1Call& call) {
  const bool self = call.member == call.who.user;
  if (!self && !moderates(call.who, *call.room)) {
    return problem_response(Problem::kForbidden, "moderate");
  }
  const Outcome outcome = context_.store.remove(call.room_id, call.member,
                                                self ? LeaveCause::kLeft : LeaveCause::kKicked);
  if (outcome != Outcome::kOk) return problem_of(outcome);
  if (!self) context_.relays.put_out(call.room_id, call.member);
  return no_content();
}

net::HttpResponse V1::heartbeat(const V1Call& call) {
  if (call.member != call.who.user) {
    return problem_response(Problem::kForbidden, "everybody's heart beats for himself");
  }
  const auto quality = call.body.find("quality");
  const bool said = quality != call.body.end();
  const int value =
      said && quality->is_number_unsigned() && quality->get<std::uint64_t>() <= kQualityWorst
          ? quality->get<int>()
          : 0;
  if (said && value < kQualityBest) {
    return problem_response(Problem::kFieldBad, "quality: 1, the best, to 6");
  }
  const Outcome outcome = context_.store.beat(call.moment.now, call.room_id, call.member);
  if (outcome != Outcome::kOk) return problem_of(outcome);
  if (said && std::exchange(quality_[call.room_id][call.member], value) != value) {
    context_.events.add(call.room_id,
                        {{"kind", "quality"}, {"user", call.member.view()}, {"quality", value}},
                        call.moment.wall.value);
  }
  return json_response(200, {{"seconds", kHeartbeatSeconds}});
}

net::HttpResponse V1::quality(const V1Call& call) {
  Json values = Json::object();
  const auto at = quality_.find(call.room_id);
  if (at != quality_.end()) {
    for (const auto& [user, value] : at->second) values[std::string{user.view()}] = value;
  }
  return json_response(200, {{"quality", std::move(values)}});
}

}  // namespace sluice::rooms
