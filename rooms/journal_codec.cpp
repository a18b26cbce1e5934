#include "rooms/journal_codec.h"

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

namespace sluice::rooms {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kSumDigits = 16;

template <class N>
std::string text_of(const N& name) {
  return std::string{name.view()};
}

struct ToJson {
  Json operator()(const RoomChanged& c) const {
    const Room& room = c.room;
    Json json{{"op", "room"},
              {"room", text_of(room.id)},
              {"type", type_name(room.type)},
              {"info", room.info},
              {"creator", text_of(room.creator)},
              {"active", room.active},
              {"mixed", text_of(room.mixed)}};
    if (!room.custom.empty()) json["custom"] = room.custom;
    if (!room.layout.empty()) json["layout"] = room.layout;
    if (!room.relay.empty()) json["relay"] = room.relay;
    if (room.locked) json["locked"] = true;
    if (!room.password.empty()) json["password"] = room.password;
    for (const UserId& user : room.banned) json["banned"].push_back(text_of(user));
    for (const auto& [user, rights] : room.revoked) json["revoked"][text_of(user)] = rights.bits();
    return json;
  }

  Json operator()(const RoomGone& c) const { return {{"op", "gone"}, {"room", text_of(c.room)}}; }

  Json operator()(const PusherChanged& c) const {
    return {{"op", "pusher"},
            {"room", text_of(c.room)},
            {"user", text_of(c.pusher.user)},
            {"name", c.pusher.name},
            {"avatar", c.pusher.avatar},
            {"stream", text_of(c.pusher.stream)},
            {"rights", c.pusher.rights.bits()}};
  }

  Json operator()(const PusherGone& c) const {
    return {{"op", "pusher_gone"}, {"room", text_of(c.room)}, {"user", text_of(c.user)}};
  }

  Json operator()(const ViewerChanged& c) const {
    return {{"op", "viewer"},        {"room", text_of(c.room)}, {"user", text_of(c.viewer.user)},
            {"info", c.viewer.info}, {"beats", c.viewer.beats}, {"rights", c.viewer.rights.bits()}};
  }

  Json operator()(const ViewerGone& c) const {
    return {{"op", "viewer_gone"}, {"room", text_of(c.room)}, {"user", text_of(c.user)}};
  }

  Json operator()(const CustomChanged& c) const {
    return {{"op", "custom"}, {"room", text_of(c.room)}, {"field", c.field}, {"value", c.value}};
  }

  Json operator()(const TokensVoid& c) const {
    return {{"op", "tokens_void"}, {"user", text_of(c.user)}, {"until_s", c.until_s}};
  }
};

/// Fields of one line; a missing or wrong one makes the whole line no Change.
class Fields {
 public:
  explicit Fields(const Json& json) : json_(json) {}

  std::string text(const char* key) {
    const auto at = json_.find(key);
    if (at != json_.end() && at->is_string()) return at->get<std::string>();
    ok_ = false;
    return {};
  }

  std::string text_or_none(const char* key) { return json_.contains(key) ? text(key) : ""; }

  template <class N>
  N name(const char* key) {
    const auto parsed = N::parse(text(key));
    ok_ = ok_ && parsed;
    return parsed.value_or(N{});
  }

  /// Empty is a name here.
  template <class N>
  N name_or_none(const char* key) {
    return text(key).empty() ? N{} : name<N>(key);
  }

  bool flag(const char* key) {
    const auto at = json_.find(key);
    if (at != json_.end() && at->is_boolean()) return at->get<bool>();
    return ok_ = false;
  }

  std::int64_t number(const char* key) {
    const auto at = json_.find(key);
    if (at != json_.end() && at->is_number_integer()) return at->get<std::int64_t>();
    ok_ = false;
    return 0;
  }

  std::map<std::string, std::string> texts(const char* key) {
    std::map<std::string, std::string> result;
    const auto at = json_.find(key);
    if (at == json_.end()) return result;
    ok_ = ok_ && at->is_object();
    if (!ok_) return result;
    for (const auto& [name, value] : at->items()) {
      ok_ = ok_ && value.is_string();
      if (ok_) result[name] = value.get<std::string>();
    }
    return result;
  }

  /// Not said is false: so lines of before there was this field have it.
  bool flag_or_none(const char* key) { return json_.contains(key) && flag(key); }

  MemberRights member_rights(const char* key) {
    const auto at = json_.find(key);
    if (at == json_.end()) return kMemberRights;
    const bool good = at->is_number_unsigned() && at->get<std::uint64_t>() <= UINT8_MAX;
    ok_ = ok_ && good;
    return good ? MemberRights{at->get<std::uint8_t>()} : MemberRights{};
  }

  std::set<UserId> users(const char* key) {
    std::set<UserId> result;
    const auto at = json_.find(key);
    if (at == json_.end()) return result;
    ok_ = ok_ && at->is_array();
    if (!ok_) return result;
    for (const Json& entry : *at) {
      const auto user =
          entry.is_string() ? UserId::parse(entry.get_ref<const std::string&>()) : std::nullopt;
      ok_ = ok_ && user;
      if (user) result.insert(*user);
    }
    return result;
  }

  std::map<UserId, MemberRights> rights(const char* key) {
    std::map<UserId, MemberRights> result;
    const auto at = json_.find(key);
    if (at == json_.end()) return result;
    ok_ = ok_ && at->is_object();
    if (!ok_) return result;
    for (const auto& [name, bits] : at->items()) {
      const auto user = UserId::parse(name);
      ok_ = ok_ && user && bits.is_number_unsigned() && bits.get<std::uint64_t>() <= UINT8_MAX;
      if (ok_) result[*user] = MemberRights{bits.get<std::uint8_t>()};
    }
    return result;
  }

  void refuse() { ok_ = false; }

  bool ok() const { return ok_; }

 private:
  const Json& json_;
  bool ok_ = true;
};

Change read_room(Fields& fields) {
  RoomChanged changed;
  Room& room = changed.room;
  room.id = fields.name<RoomId>("room");
  if (const auto type = parse_type(fields.text("type"))) {
    room.type = *type;
  } else {
    fields.refuse();
  }
  room.info = fields.text("info");
  room.creator = fields.name<UserId>("creator");
  room.active = fields.flag("active");
  room.mixed = fields.name_or_none<StreamName>("mixed");
  room.custom = fields.texts("custom");
  room.layout = fields.text_or_none("layout");
  room.relay = fields.text_or_none("relay");
  room.locked = fields.flag_or_none("locked");
  room.password = fields.text_or_none("password");
  room.banned = fields.users("banned");
  room.revoked = fields.rights("revoked");
  return changed;
}

Change read_pusher(Fields& fields) {
  Pusher pusher;
  pusher.user = fields.name<UserId>("user");
  pusher.name = fields.text("name");
  pusher.avatar = fields.text("avatar");
  pusher.stream = fields.name_or_none<StreamName>("stream");
  pusher.rights = fields.member_rights("rights");
  return PusherChanged{fields.name<RoomId>("room"), std::move(pusher)};
}

std::optional<Change> read_change(const Json& json) {
  Fields fields{json};
  const std::string op = fields.text("op");
  std::optional<Change> change;
  if (op == "room") change = read_room(fields);
  if (op == "gone") change = RoomGone{fields.name<RoomId>("room")};
  if (op == "pusher") change = read_pusher(fields);
  if (op == "pusher_gone") {
    change = PusherGone{fields.name<RoomId>("room"), fields.name<UserId>("user")};
  }
  if (op == "viewer") {
    change =
        ViewerChanged{fields.name<RoomId>("room"),
                      {fields.name<UserId>("user"), fields.text("info"),
                       fields.flag_or_none("beats"), Instant{}, fields.member_rights("rights")}};
  }
  if (op == "viewer_gone") {
    change = ViewerGone{fields.name<RoomId>("room"), fields.name<UserId>("user")};
  }
  if (op == "custom") {
    change = CustomChanged{fields.name<RoomId>("room"), fields.text("field"), fields.text("value")};
  }
  if (op == "tokens_void") {
    change = TokensVoid{fields.name<UserId>("user"), fields.number("until_s")};
  }
  return fields.ok() ? change : std::nullopt;
}

std::optional<Change> read_line(std::string_view line) {
  if (line.size() <= kSumDigits + 1 || line[kSumDigits] != ' ') return std::nullopt;
  const std::string_view text = line.substr(kSumDigits + 1);
  if (line.substr(0, kSumDigits) != journal_check_sum(text)) return std::nullopt;
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  return read_change(json);
}

}  // namespace

std::string journal_check_sum(std::string_view text) {
  std::uint64_t sum = 14695981039346656037ULL;
  for (const char c : text) sum = (sum ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string digits(kSumDigits, '0');
  for (std::size_t i = kSumDigits; i-- > 0; sum >>= 4U) digits[i] = kDigits[sum & 0xFU];
  return digits;
}

std::string journal_line(const Change& change) {
  const std::string text =
      std::visit(ToJson{}, change).dump(-1, ' ', false, Json::error_handler_t::ignore);
  return journal_check_sum(text) + " " + text + "\n";
}

JournalContent read_journal(std::string_view text) {
  JournalContent content;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) {
      content.cut = true;
      return content;
    }
    auto change = read_line(text.substr(0, end));
    if (!change) {
      content.damaged = true;
      return content;
    }
    content.changes.push_back(*std::move(change));
    content.whole_bytes += end + 1;
    text.remove_prefix(end + 1);
  }
  return content;
}

}  // namespace sluice::rooms
