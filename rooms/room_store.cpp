#include "rooms/room_store.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace sluice::rooms {
namespace {

auto find_viewer(std::vector<Viewer>& viewers, const UserId& user) {
  return std::find_if(viewers.begin(), viewers.end(),
                      [&](const Viewer& viewer) { return viewer.user == user; });
}

/// The room as the journal has it: people have entries of their own.
Room without_people(const Room& room) {
  Room bare;
  bare.id = room.id;
  bare.type = room.type;
  bare.info = room.info;
  bare.creator = room.creator;
  bare.active = room.active;
  bare.mixed = room.mixed;
  bare.custom = room.custom;
  bare.layout = room.layout;
  bare.relay = room.relay;
  bare.locked = room.locked;
  bare.password = room.password;
  bare.banned = room.banned;
  bare.revoked = room.revoked;
  return bare;
}

/// A counter that does not exist yet is 0; one that was set to something else cannot be counted.
std::optional<std::string> counted(const std::string* old_value, std::int64_t step) {
  std::int64_t value = 0;
  if (old_value != nullptr) {
    const char* const end = old_value->data() + old_value->size();
    const auto [at, error] = std::from_chars(old_value->data(), end, value);
    if (error != std::errc{} || at != end) return std::nullopt;
  }
  if (__builtin_add_overflow(value, step, &value)) return std::nullopt;
  return std::to_string(value);
}

}  // namespace

Outcome RoomStore::create(Instant now, const RoomKey& key, const UserId& creator,
                          std::string info) {
  if (knows(key.room)) return Outcome::kRoomExists;
  if (rooms_.size() >= rules_.rooms) return Outcome::kTooManyRooms;
  make(now, key, creator, std::move(info));
  return Outcome::kOk;
}

Room& RoomStore::make(Instant now, const RoomKey& key, const UserId& creator, std::string info) {
  if (rooms_.empty()) next_sweep_ = now + kSweepInterval;
  const Order order = next_order_++;
  Room& room = rooms_[order];
  order_[key.room] = order;
  room.id = key.room;
  room.type = key.type;
  room.info = std::move(info);
  room.creator = creator;
  room.made = now;
  record_room(room);
  events_.push_back(RoomOpened{room.id, room.type});
  return room;
}

Outcome RoomStore::enter(Instant now, const RoomKey& key, Entry entry, bool& created) {
  created = false;
  Room* room = find_any(key);
  if (room == nullptr) {
    if (const Outcome made = create(now, key, entry.user, entry.info); made != Outcome::kOk) {
      // An id that another type has is no room of this one.
      return made == Outcome::kRoomExists ? Outcome::kNoRoom : made;
    }
    created = true;
    room = find_any(key);
  }
  if (Pusher* present = room->find_pusher(entry.user)) {
    update(now, *room, *present, std::move(entry));
    return Outcome::kOk;
  }
  if (const Outcome open = may_come(*room, entry.user, entry.password); open != Outcome::kOk) {
    return open;
  }
  if (room->pushers.size() >= pushers_max(room->type)) return Outcome::kRoomFull;
  admit(now, *room, std::move(entry));
  return Outcome::kOk;
}

void RoomStore::admit(Instant now, Room& room, Entry entry) {
  if (!room.active) {
    room.active = true;
    room.mixed = entry.stream;
    record_room(room);
  }
  room.pushers.push_back({entry.user, std::move(entry.name), std::move(entry.avatar), entry.stream,
                          now, entry.rights});
  const UserId user = room.pushers.back().user;
  changes_.push_back(PusherChanged{room.id, room.pushers.back()});
  events_.push_back(PushersChanged{room.id});
  const Viewer* const watched = room.find_viewer(user);
  if (watched == nullptr || !watched->beats) {
    events_.push_back(MemberCame{room.id, user});
    return;
  }
  // He beats as a pusher from now on.
  std::erase_if(room.viewers, [&](const Viewer& viewer) { return viewer.user == user; });
  changes_.push_back(ViewerGone{room.id, user});
  events_.push_back(MemberChanged{room.id, user});
}

void RoomStore::update(Instant now, Room& room, Pusher& pusher, Entry entry) {
  const bool same = pusher.name == entry.name && pusher.avatar == entry.avatar &&
                    pusher.stream == entry.stream && pusher.rights == entry.rights;
  pusher = {entry.user, std::move(entry.name), std::move(entry.avatar), entry.stream,
            now,        entry.rights};
  if (!same) {
    changes_.push_back(PusherChanged{room.id, pusher});
    events_.push_back(MemberChanged{room.id, pusher.user});
  }
  events_.push_back(PushersChanged{room.id});
}

Outcome RoomStore::leave(const RoomKey& key, const UserId& user) {
  Room* const room = find_active(key);
  if (room == nullptr || room->find_pusher(user) == nullptr) return Outcome::kNotMember;
  remove_pusher(*room, user, LeaveCause::kLeft);
  return Outcome::kOk;
}

void RoomStore::remove_pusher(Room& room, const UserId& user, LeaveCause cause) {
  const UserId gone = user;  // may be a part of what is erased
  events_.push_back(PusherLeft{room.id, gone, cause});
  if (gone == room.creator && creator_dissolves(room.type)) {
    return dissolve(room, DissolveCause::kCreatorLeft);
  }
  std::erase_if(room.pushers, [&](const Pusher& pusher) { return pusher.user == gone; });
  if (room.pushers.empty()) return dissolve(room, DissolveCause::kLastLeft);
  changes_.push_back(PusherGone{room.id, gone});
  events_.push_back(PushersChanged{room.id});
}

Outcome RoomStore::destroy(const RoomKey& key, const UserId& user) {
  Room* const room = find_active(key);
  if (room == nullptr) return Outcome::kNoRoom;
  if (room->creator != user) return Outcome::kNotCreator;
  dissolve(*room, DissolveCause::kDestroyed);
  return Outcome::kOk;
}

void RoomStore::dissolve(Room& room, DissolveCause cause) {
  const RoomId id = room.id;
  changes_.push_back(RoomGone{id});
  events_.push_back(RoomDissolved{id, room.type, cause, room.relay});
  const auto order = order_.find(id);
  rooms_.erase(order->second);
  order_.erase(order);
}

Outcome RoomStore::heartbeat(Instant now, const RoomKey& key, const UserId& user) {
  Room* const room = find_active(key);
  Pusher* const pusher = room == nullptr ? nullptr : room->find_pusher(user);
  if (pusher == nullptr) return Outcome::kNotMember;
  pusher->seen = now;
  return Outcome::kOk;
}

Outcome RoomStore::add_viewer(const RoomKey& key, Viewer viewer) {
  Room* const room = find_active(key);
  if (room == nullptr) return Outcome::kNoRoom;
  const auto present = find_viewer(room->viewers, viewer.user);
  if (present != room->viewers.end()) {
    if (present->info == viewer.info) return Outcome::kOk;
    *present = viewer;
  } else {
    if (const Outcome open = may_come(*room, viewer.user, {}); open != Outcome::kOk) return open;
    if (room->viewers.size() >= rules_.viewers_live) return Outcome::kViewersFull;
    room->viewers.push_back(viewer);
  }
  changes_.push_back(ViewerChanged{room->id, std::move(viewer)});
  return Outcome::kOk;
}

Outcome RoomStore::remove_viewer(const RoomKey& key, const UserId& user) {
  Room* const room = find_active(key);
  if (room == nullptr) return Outcome::kNoRoom;
  const auto present = find_viewer(room->viewers, user);
  if (present == room->viewers.end()) return Outcome::kNotMember;
  room->viewers.erase(present);
  changes_.push_back(ViewerGone{room->id, user});
  return Outcome::kOk;
}

Outcome RoomStore::set_custom(const RoomKey& key, const std::string& field,
                              CustomOperation operation, std::string value) {
  Room* const room = find_active(key);
  if (room == nullptr) return Outcome::kNoRoom;
  const auto old_value = room->custom.find(field);
  const bool present = old_value != room->custom.end();
  if (operation != CustomOperation::kSet) {
    const auto sum = counted(present ? &old_value->second : nullptr,
                             operation == CustomOperation::kIncrease ? 1 : -1);
    if (!sum) return Outcome::kBadField;
    value = *sum;
  }
  const bool fits = !field.empty() && field.size() <= kCustomNameBytesMax &&
                    value.size() <= kCustomValueBytesMax &&
                    (present || room->custom.size() < kCustomFieldsMax);
  if (!fits) return Outcome::kBadField;
  changes_.push_back(CustomChanged{room->id, field, value});
  room->custom[field] = std::move(value);
  return Outcome::kOk;
}

Outcome RoomStore::set_layout(const RoomKey& key, std::string layout) {
  Room* const room = find_active(key);
  if (room == nullptr) return Outcome::kNoRoom;
  if (layout.size() > kLayoutBytesMax) return Outcome::kBadField;
  if (room->layout == layout) return Outcome::kOk;
  room->layout = std::move(layout);
  record_room(*room);
  return Outcome::kOk;
}

void RoomStore::handle_media(Instant now, const RoomId& room, const UserId& user, bool publishing) {
  if (publishing) {
    publishing_.insert({room, user});
    return;
  }
  if (publishing_.erase({room, user}) == 0) return;
  const auto order = order_.find(room);
  if (order == order_.end()) return;
  if (Pusher* pusher = rooms_.at(order->second).find_pusher(user)) {
    pusher->seen = std::max(pusher->seen, now);
  }
}

void RoomStore::handle_timeout(Instant now) {
  if (rooms_.empty() || now < next_sweep_) return;
  next_sweep_ = now + kSweepInterval;
  for (auto at = rooms_.begin(); at != rooms_.end();) {
    Room& room = at->second;
    ++at;  // the room may go
    sweep(now, room);
  }
}

void RoomStore::sweep(Instant now, Room& room) {
  if (!room.active) {
    if (now - room.made > kEnterTimeout) dissolve(room, DissolveCause::kNeverEntered);
    return;
  }
  std::vector<UserId> silent;
  for (Pusher& pusher : room.pushers) {
    if (publishing_.count({room.id, pusher.user}) != 0) {
      pusher.seen = now;
    } else if (now - pusher.seen > kHeartbeatTimeout) {
      silent.push_back(pusher.user);
    }
  }
  const RoomId id = room.id;
  for (const UserId& user : silent) {
    if (!knows(id)) return;  // the one before dissolved it
    remove_pusher(room, user, LeaveCause::kTimeout);
  }
  if (knows(id)) sweep_viewers(now, room);
}

const Room* RoomStore::find(const RoomKey& key) const {
  const auto order = order_.find(key.room);
  if (order == order_.end()) return nullptr;
  const Room& room = rooms_.at(order->second);
  return room.type == key.type && room.active ? &room : nullptr;
}

bool RoomStore::has_place(const RoomKey& key, const UserId& user) const {
  const auto order = order_.find(key.room);
  if (order == order_.end()) return rooms_.size() < rules_.rooms;
  const Room& room = rooms_.at(order->second);
  if (room.type != key.type) return false;
  if (room.find_pusher(user) != nullptr) return true;
  return room.pushers.size() < pushers_max(room.type) && may_come(room, user, {}) == Outcome::kOk;
}

Room* RoomStore::find_any(const RoomKey& key) {
  const auto order = order_.find(key.room);
  if (order == order_.end()) return nullptr;
  Room& room = rooms_.at(order->second);
  return room.type == key.type ? &room : nullptr;
}

Room* RoomStore::find_active(const RoomKey& key) {
  Room* const room = find_any(key);
  return room != nullptr && room->active ? room : nullptr;
}

std::vector<const Room*> RoomStore::page(RoomType type, std::uint64_t index,
                                         std::uint64_t count) const {
  std::vector<const Room*> result;
  for (const auto& [order, room] : rooms_) {
    if (result.size() >= count) break;
    if (room.type != type || !room.active) continue;
    if (index > 0) {
      --index;
    } else {
      result.push_back(&room);
    }
  }
  return result;
}

std::uint64_t RoomStore::room_count(RoomType type) const {
  return static_cast<std::uint64_t>(std::count_if(
      rooms_.begin(), rooms_.end(), [&](const auto& entry) { return entry.second.type == type; }));
}

std::uint64_t RoomStore::pusher_count() const {
  std::uint64_t count = 0;
  for (const auto& [order, room] : rooms_) count += room.pushers.size();
  return count;
}

std::uint64_t RoomStore::viewer_count() const {
  std::uint64_t count = 0;
  for (const auto& [order, room] : rooms_) count += room.viewers.size();
  return count;
}

void RoomStore::record_room(const Room& room) {
  changes_.push_back(RoomChanged{without_people(room)});
}

std::vector<Change> RoomStore::snapshot() const {
  std::vector<Change> changes;
  for (const auto& [order, room] : rooms_) {
    changes.push_back(RoomChanged{without_people(room)});
    for (const Pusher& pusher : room.pushers) changes.push_back(PusherChanged{room.id, pusher});
    for (const Viewer& viewer : room.viewers) changes.push_back(ViewerChanged{room.id, viewer});
  }
  return changes;
}

bool RoomStore::restore(Instant now, const Change& change) {
  if (const auto* changed = std::get_if<RoomChanged>(&change)) {
    Room& room = knows(changed->room.id)
                     ? rooms_.at(order_.at(changed->room.id))
                     : make(now, {changed->room.type, changed->room.id}, {}, {});
    Room restored = changed->room;
    restored.made = now;
    restored.pushers = std::move(room.pushers);
    restored.viewers = std::move(room.viewers);
    room = std::move(restored);
    events_.clear(), changes_.clear();  // they were told and written when they happened
    return true;
  }
  if (std::holds_alternative<TokensVoid>(change)) return false;
  const RoomId id = std::visit(
      [](const auto& c) -> RoomId {
        if constexpr (requires { c.room.view(); }) return c.room;
        return {};
      },
      change);
  const auto order = order_.find(id);
  if (order == order_.end()) return false;
  Room& room = rooms_.at(order->second);
  if (const auto* pusher = std::get_if<PusherChanged>(&change)) {
    Pusher* const present = room.find_pusher(pusher->pusher.user);
    Pusher& kept = present != nullptr ? *present : room.pushers.emplace_back();
    kept = pusher->pusher;
    kept.seen = now;
  } else if (const auto* gone = std::get_if<PusherGone>(&change)) {
    std::erase_if(room.pushers, [&](const Pusher& p) { return p.user == gone->user; });
  } else if (const auto* viewer = std::get_if<ViewerChanged>(&change)) {
    const auto present = find_viewer(room.viewers, viewer->viewer.user);
    Viewer& kept = present != room.viewers.end() ? *present : room.viewers.emplace_back();
    kept = viewer->viewer;
    kept.seen = now;
  } else if (const auto* left = std::get_if<ViewerGone>(&change)) {
    std::erase_if(room.viewers, [&](const Viewer& v) { return v.user == left->user; });
  } else if (const auto* custom = std::get_if<CustomChanged>(&change)) {
    room.custom[custom->field] = custom->value;
  } else {
    rooms_.erase(order->second);
    order_.erase(order);
  }
  return true;
}

std::uint64_t RoomStore::pushers_max(RoomType type) const {
  switch (type) {
    case RoomType::kDouble:
      return rules_.pushers_double;
    case RoomType::kMulti:
      return rules_.pushers_multi;
    case RoomType::kLive:
      return rules_.pushers_live;
  }
  return 0;
}

bool RoomStore::creator_dissolves(RoomType type) const {
  switch (type) {
    case RoomType::kDouble:
      return rules_.creator_dissolves_double;
    case RoomType::kMulti:
      return rules_.creator_dissolves_multi;
    case RoomType::kLive:
      return true;
  }
  return true;
}

}  // namespace sluice::rooms
