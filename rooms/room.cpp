#include "rooms/room.h"

#include <algorithm>

namespace sluice::rooms {

std::string_view type_name(RoomType type) {
  switch (type) {
    case RoomType::kDouble:
      return "double";
    case RoomType::kMulti:
      return "multi";
    case RoomType::kLive:
      return "live";
  }
  return "";
}

std::optional<RoomType> parse_type(std::string_view name) {
  for (const RoomType type : kRoomTypes) {
    if (name == type_name(type)) return type;
  }
  return std::nullopt;
}

const Pusher* Room::find_pusher(const UserId& user) const {
  const auto at = std::find_if(pushers.begin(), pushers.end(),
                               [&](const Pusher& pusher) { return pusher.user == user; });
  return at == pushers.end() ? nullptr : &*at;
}

Pusher* Room::find_pusher(const UserId& user) {
  const auto at = std::find_if(pushers.begin(), pushers.end(),
                               [&](const Pusher& pusher) { return pusher.user == user; });
  return at == pushers.end() ? nullptr : &*at;
}

const Viewer* Room::find_viewer(const UserId& user) const {
  const auto at = std::find_if(viewers.begin(), viewers.end(),
                               [&](const Viewer& viewer) { return viewer.user == user; });
  return at == viewers.end() ? nullptr : &*at;
}

MemberRights Room::revoked_of(const UserId& user) const {
  const auto at = revoked.find(user);
  return at == revoked.end() ? MemberRights{} : at->second;
}

}  // namespace sluice::rooms
