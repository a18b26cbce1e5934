// RoomStore's part for rooms of any type: who may come in, who is put out, what is taken from whom.
#include <algorithm>
#include <utility>

#include "rooms/room_store.h"

namespace sluice::rooms {

Outcome may_come(const Room& room, const UserId& user, const std::string& password) {
  if (room.banned.count(user) != 0) return Outcome::kBanned;
  if (room.locked) return Outcome::kLocked;
  if (!room.password.empty() && room.password != password) return Outcome::kWrongPassword;
  return Outcome::kOk;
}

const Room* RoomStore::find(const RoomId& room) const {
  const auto order = order_.find(room);
  return order == order_.end() ? nullptr : &rooms_.at(order->second);
}

Room* RoomStore::find_room(const RoomId& room) {
  const auto order = order_.find(room);
  return order == order_.end() ? nullptr : &rooms_.at(order->second);
}

std::vector<const Room*> RoomStore::page_of_all(std::uint64_t index, std::uint64_t count) const {
  std::vector<const Room*> result;
  for (const auto& [order, room] : rooms_) {
    if (result.size() >= count) break;
    if (index > 0) {
      --index;
    } else {
      result.push_back(&room);
    }
  }
  return result;
}

Outcome RoomStore::enter_viewer(Instant now, const RoomId& id, Viewer viewer,
                                const std::string& password) {
  Room* const room = find_room(id);
  if (room == nullptr) return Outcome::kNoRoom;
  viewer.beats = true;
  viewer.seen = now;
  const auto present = std::find_if(room->viewers.begin(), room->viewers.end(),
                                    [&](const Viewer& v) { return v.user == viewer.user; });
  const bool heard = present != room->viewers.end() && present->beats;
  if (present == room->viewers.end()) {
    const Outcome open = may_come(*room, viewer.user, password);
    if (open != Outcome::kOk) return open;
    if (room->viewers.size() >= rules_.viewers_live) return Outcome::kViewersFull;
  }
  if (!room->active) {
    room->active = true;
    record_room(*room);
  }
  const bool same = heard && present->info == viewer.info && present->rights == viewer.rights;
  if (!same) changes_.push_back(ViewerChanged{id, viewer});
  if (!heard) events_.push_back(MemberCame{id, viewer.user});
  if (heard && !same) events_.push_back(MemberChanged{id, viewer.user});
  Viewer& kept = present == room->viewers.end() ? room->viewers.emplace_back() : *present;
  kept = std::move(viewer);
  return Outcome::kOk;
}

Outcome RoomStore::beat(Instant now, const RoomId& id, const UserId& user) {
  Room* const room = find_room(id);
  if (room == nullptr) return Outcome::kNoRoom;
  if (Pusher* pusher = room->find_pusher(user)) {
    pusher->seen = now;
    return Outcome::kOk;
  }
  const auto viewer = std::find_if(room->viewers.begin(), room->viewers.end(),
                                   [&](const Viewer& v) { return v.user == user; });
  if (viewer == room->viewers.end()) return Outcome::kNotMember;
  viewer->seen = now;
  return Outcome::kOk;
}

Outcome RoomStore::remove(const RoomId& id, const UserId& user, LeaveCause cause) {
  Room* const room = find_room(id);
  if (room == nullptr) return Outcome::kNoRoom;
  const bool pushes = room->find_pusher(user) != nullptr;
  if (!pushes && room->find_viewer(user) == nullptr) return Outcome::kNotMember;
  // Who does both leaves both.
  if (room->find_viewer(user) != nullptr) remove_watching(*room, user, cause);
  if (pushes) remove_pusher(*room, user, cause);
  return Outcome::kOk;
}

void RoomStore::remove_watching(Room& room, const UserId& user, LeaveCause cause) {
  const UserId gone = user;  // may be a part of what is erased
  const bool heard = room.find_viewer(gone)->beats;
  std::erase_if(room.viewers, [&](const Viewer& viewer) { return viewer.user == gone; });
  changes_.push_back(ViewerGone{room.id, gone});
  if (room.find_pusher(gone) != nullptr) return;
  if (heard) events_.push_back(ViewerLeft{room.id, gone, cause});
  // A room that nobody pushes in lives by who watches.
  if (room.pushers.empty() && room.viewers.empty()) dissolve(room, DissolveCause::kLastLeft);
}

void RoomStore::sweep_viewers(Instant now, Room& room) {
  std::vector<UserId> silent;
  for (const Viewer& viewer : room.viewers) {
    if (viewer.beats && now - viewer.seen > kHeartbeatTimeout) silent.push_back(viewer.user);
  }
  const RoomId id = room.id;
  for (const UserId& user : silent) {
    if (!knows(id)) return;  // the one before was the last
    remove_watching(room, user, LeaveCause::kTimeout);
  }
}

Outcome RoomStore::dissolve(const RoomId& id) {
  Room* const room = find_room(id);
  if (room == nullptr) return Outcome::kNoRoom;
  dissolve(*room, DissolveCause::kDestroyed);
  return Outcome::kOk;
}

Outcome RoomStore::edit(const RoomId& id, RoomEdit edit) {
  Room* const room = find_room(id);
  if (room == nullptr) return Outcome::kNoRoom;
  if (edit.info) room->info = *std::move(edit.info);
  if (edit.password) room->password = *std::move(edit.password);
  if (edit.locked) room->locked = *edit.locked;
  record_room(*room);
  events_.push_back(RoomEdited{id});
  return Outcome::kOk;
}

void RoomStore::place(const RoomId& id, std::string relay) {
  Room* const room = find_room(id);
  if (room == nullptr || room->relay == relay) return;
  room->relay = std::move(relay);
  record_room(*room);
}

Outcome RoomStore::ban(const RoomId& id, const UserId& user) {
  Room* const room = find_room(id);
  if (room == nullptr) return Outcome::kNoRoom;
  if (room->banned.count(user) == 0) {
    if (room->banned.size() >= kModeratedMax) return Outcome::kTooMany;
    room->banned.insert(user);
    record_room(*room);
  }
  static_cast<void>(remove(id, user, LeaveCause::kBanned));  // he need not be there
  return Outcome::kOk;
}

Outcome RoomStore::lift_ban(const RoomId& id, const UserId& user) {
  Room* const room = find_room(id);
  if (room == nullptr) return Outcome::kNoRoom;
  if (room->banned.erase(user) != 0) record_room(*room);
  return Outcome::kOk;
}

Outcome RoomStore::revoke(const RoomId& id, const UserId& user, MemberRights revoked) {
  Room* const room = find_room(id);
  if (room == nullptr) return Outcome::kNoRoom;
  if (room->find_pusher(user) == nullptr && room->find_viewer(user) == nullptr) {
    return Outcome::kNotMember;
  }
  if (room->revoked_of(user) == revoked) return Outcome::kOk;
  if (room->revoked.count(user) == 0 && room->revoked.size() >= kModeratedMax) {
    return Outcome::kTooMany;
  }
  if (revoked.empty()) {
    room->revoked.erase(user);
  } else {
    room->revoked[user] = revoked;
  }
  record_room(*room);
  events_.push_back(MemberChanged{id, user});
  return Outcome::kOk;
}

}  // namespace sluice::rooms
