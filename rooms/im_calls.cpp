// The routes of the message service.
#include <algorithm>

#include "rooms/im.h"
#include "rooms/request_body.h"

namespace sluice::rooms {
namespace {

std::string text_of(const nlohmann::json& body, const char* name) {
  const auto at = body.find(name);
  return at != body.end() && at->is_string() ? at->get<std::string>() : std::string{};
}

std::uint64_t number_of(const nlohmann::json& body, const char* name) {
  const auto at = body.find(name);
  return at != body.end() && at->is_number_unsigned() ? at->get<std::uint64_t>() : 0;
}

/// What the client asks for, but neither a busy loop nor more than it would wait.
Duration hold_of(const nlohmann::json& body, const char* name) {
  const auto most = std::chrono::duration_cast<std::chrono::seconds>(kPollHold).count();
  const std::uint64_t asked = number_of(body, name);
  if (asked == 0 || asked > static_cast<std::uint64_t>(most)) return kPollHold;
  return std::chrono::seconds{asked};
}

Json no_group() { return im_answer(ImError::kNoGroup, "no such group: rooms make them"); }

}  // namespace

std::optional<Json> Im::login(const ImCall& call) {
  const auto& http = call.http;
  const auto user =
      accounts_.check(TokenKind::kUserSig, http.argument("usersig"), call.moment.wall);
  if (!user && user.error() == TokenError::kExpired) {
    return im_answer(ImError::kExpired, "the userSig has expired");
  }
  if (!user || user->view() != http.argument("identifier") ||
      http.argument("sdkappid") != sdk_app_id_) {
    return im_answer(ImError::kBadUserSig, "the userSig is not good for this user");
  }
  Json json = im_ok();
  json["TinyId"] = new_session_id().view();
  json["A2Key"] = accounts_.issue(TokenKind::kA2Key, *user, call.moment.wall);
  return json;
}

/// This login alone; the A2Key stays good until it expires, or the user logs out of the rooms.
std::optional<Json> Im::logout(const ImCall& call) {
  mailbox_.end(call.session);
  return im_ok();
}

std::optional<Json> Im::fine(const ImCall&) { return im_ok(); }

/// For uploads, which there are none of: no client of the rooms uses it.
std::optional<Json> Im::auth_key(const ImCall& call) {
  Json json = im_ok();
  json["IpList"] = Json::array();
  json["AuthKey"] = mailbox_.id(call.session).view();
  json["ExpireTime"] = call.moment.wall.value + 86400;
  return json;
}

std::optional<Json> Im::poll_id(const ImCall& call) {
  Json json = im_ok();
  json["LongPollingId"] = mailbox_.id(call.session).view();
  json["Timeout"] = std::chrono::duration_cast<std::chrono::seconds>(kPollHold).count();
  return json;
}

std::optional<Json> Im::get_profile(const ImCall&) {
  Json json = im_ok();
  json["UserProfileItem"] = Json::array();
  return json;
}

std::optional<Json> Im::set_profile(const ImCall& call) {
  const auto items = call.body.find("ProfileItem");
  if (items == call.body.end() || !items->is_array()) {
    return im_answer(ImError::kBadParameter, "ProfileItem: a list");
  }
  for (const nlohmann::json& item : *items) {
    if (!item.is_object() || text_of(item, "Tag") != "Tag_Profile_IM_Nick") continue;
    const std::string nick = text_of(item, "Value");
    if (nick.size() > kUserNameBytesMax || !is_clean(nick)) {
      return im_answer(ImError::kBadParameter, "Tag_Profile_IM_Nick: a text of 256 bytes at most");
    }
    mailbox_.set_nick(call.session, nick);
  }
  return im_ok();
}

std::optional<Json> Im::joined_groups(const ImCall& call) {
  Json list = Json::array();
  for (const RoomId& group : mailbox_.groups(call.session)) {
    list.push_back({{"GroupId", group.view()}});
  }
  Json json = im_ok();
  json["TotalCount"] = list.size();
  json["GroupIdList"] = std::move(list);
  return json;
}

/// A group is there as long as its room; the creator may say so once more.
std::optional<Json> Im::create_group(const ImCall& call) {
  const Room* const room = room_of(call);
  if (room == nullptr) return no_group();
  if (room->creator != call.user) {
    return im_answer(ImError::kGroupTaken, "the room of this id is somebody else's");
  }
  Json json = im_ok();
  json["GroupId"] = room->id.view();
  return json;
}

std::optional<Json> Im::destroy_group(const ImCall& call) {
  const Room* const room = room_of(call);
  if (room == nullptr) return no_group();
  if (room->creator != call.user) {
    return im_answer(ImError::kNotAllowed, "only the creator may do that");
  }
  static_cast<void>(store_.dissolve(room->id));
  return im_ok();
}

std::optional<Json> Im::group_info(const ImCall& call) {
  constexpr std::size_t kGroupsMax = 50;
  const auto ids = call.body.find("GroupIdList");
  if (ids == call.body.end() || !ids->is_array() || ids->size() > kGroupsMax) {
    return im_answer(ImError::kBadParameter, "GroupIdList: a list of 50 at most");
  }
  Json list = Json::array();
  for (const nlohmann::json& id : *ids) {
    const auto name = id.is_string() ? RoomId::parse(id.get<std::string>()) : std::nullopt;
    const Room* const room = name ? store_.find(*name) : nullptr;
    if (room == nullptr) {
      list.push_back(no_group());
      continue;
    }
    list.push_back({{"GroupId", room->id.view()},
                    {"ErrorCode", 0},
                    {"Type", "AVChatRoom"},
                    {"Name", room->id.view()},
                    {"Owner_Account", room->creator.view()},
                    {"MemberNum", mailbox_.listeners(room->id)}});
  }
  Json json = im_ok();
  json["GroupInfo"] = std::move(list);
  return json;
}

std::optional<Json> Im::join_group(const ImCall& call) {
  const Room* const room = room_of(call);
  if (room == nullptr) return no_group();
  if (!may_listen(*room, call.user)) {
    return im_answer(ImError::kNotAllowed, "this room does not let this user in");
  }
  mailbox_.join(room->id, call.session, numbers_from(call));
  Json json = im_ok();
  json["JoinedStatus"] = "JoinedSuccess";
  json["LongPollingKey"] = poll_key(call, room->id);
  return json;
}

/// Also of a room that is gone: its client leaves after the end as well.
std::optional<Json> Im::quit_group(const ImCall& call) {
  const auto group = RoomId::parse(text_of(call.body, "GroupId"));
  if (!group) return im_answer(ImError::kBadParameter, "GroupId");
  mailbox_.quit(*group, call.session);
  return im_ok();
}

std::optional<Json> Im::say_to_group(const ImCall& call) {
  const Room* const room = room_of(call);
  if (room == nullptr) return no_group();
  rejoin(*room, call);
  if (!mailbox_.joined(room->id, call.session)) {
    return im_answer(ImError::kNotAllowed, "not in this group");
  }
  if (room->revoked_of(call.user).has(MemberRight::kSay)) {
    return im_answer(ImError::kMuted, "muted");
  }
  const auto body = call.body.find("MsgBody");
  if (text_of(call.body, "From_Account") != call.user.view() || body == call.body.end() ||
      !is_message_body(*body)) {
    return im_answer(ImError::kBadParameter,
                     "From_Account: oneself; MsgBody: first a custom element");
  }
  if (body->dump().size() > kGroupMessageBytesMax) {
    return im_answer(ImError::kTooLong, "8898 bytes at most");
  }
  const Said said{call.user, mailbox_.nick(call.session), 0, number_of(call.body, "Random"), *body};
  if (!mailbox_.post(call.moment.now, room->id, group_item(room->id, said, call.moment.wall))) {
    return im_answer(ImError::kTooMany, "too many messages wait for their readers");
  }
  if (auto message = message_of(*body)) {
    message->room = room->id;
    message->user = call.user;
    said_.push_back(*std::move(message));
  }
  return im_ok();
}

std::optional<Json> Im::say_to_user(const ImCall& call) {
  const auto to = UserId::parse(text_of(call.body, "To_Account"));
  const auto body = call.body.find("MsgBody");
  if (!to || text_of(call.body, "From_Account") != call.user.view() || body == call.body.end() ||
      !is_message_body(*body)) {
    return im_answer(ImError::kBadParameter,
                     "From_Account: oneself; To_Account; MsgBody: first a custom element");
  }
  if (body->dump().size() > kUserMessageBytesMax) {
    return im_answer(ImError::kTooLong, "12000 bytes at most");
  }
  const Said said{call.user, mailbox_.nick(call.session), number_of(call.body, "MsgSeq"),
                  number_of(call.body, "MsgRandom"), *body};
  switch (mailbox_.send(*to, user_item(*to, said, call.moment.wall))) {
    case ImMailbox::Sent::kSent:
      break;
    case ImMailbox::Sent::kNobody:
      return im_answer(ImError::kNobody, "nobody of this name is logged in");
    case ImMailbox::Sent::kFull:
      return im_answer(ImError::kTooMany, "too many messages wait for this user");
  }
  return im_ok();
}

std::optional<Json> Im::poll_group(const ImCall& call) {
  if (const Room* const room = store_.find(call.group)) rejoin(*room, call);
  if (!mailbox_.joined(call.group, call.session) && !mailbox_.left(call.group, call.session)) {
    mailbox_.put_out(call.moment.now, call.group, call.session,
                     dissolved_item(call.group, call.moment.wall));
  }
  ImMailbox::GroupPoll poll;
  poll.id = call.http.id;
  poll.group = call.group;
  poll.from = number_of(call.body, "StartSeq");
  poll.key = text_of(call.body, "Key");
  poll.hold = hold_of(call.body, "HoldTime");
  if (mailbox_.poll_group(call.moment.now, call.session, std::move(poll))) return std::nullopt;
  return im_answer(ImError::kTooMany, "too many polls wait");
}

std::optional<Json> Im::poll_user(const ImCall& call) {
  ImMailbox::UserPoll poll;
  poll.id = call.http.id;
  poll.hold = hold_of(call.body, "Timeout");
  const auto cookie = call.body.find("Cookie");
  if (cookie != call.body.end() && cookie->is_object())
    poll.heard = number_of(*cookie, "NoticeSeq");
  if (mailbox_.poll_user(call.moment.now, call.session, poll)) return std::nullopt;
  return im_answer(ImError::kTooMany, "too many polls wait");
}

}  // namespace sluice::rooms
