#include "rooms/relay_directory.h"

#include <algorithm>
#include <utility>

namespace sluice::rooms {
namespace {

constexpr std::string_view kBlobMark = "sluice-rooms 1 ";

std::optional<UserName> relay_name(const UserId& user) { return UserName::parse(user.view()); }

}  // namespace

std::vector<std::byte> room_blob(const Room& room) {
  const std::string text = std::string{kBlobMark} + std::string{type_name(room.type)} + " " +
                           std::string{room.creator.view()};
  const Bytes bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

bool is_room_blob(Bytes blob) { return as_text(blob).substr(0, kBlobMark.size()) == kBlobMark; }

void RelayDirectory::add(std::string name, std::string public_address, RelayView& view) {
  relays_.push_back({std::move(name), std::move(public_address), &view});
}

std::optional<std::size_t> RelayDirectory::index_of(std::string_view name) const {
  for (std::size_t i = 0; i < relays_.size(); ++i) {
    if (relays_[i].name == name) return i;
  }
  return std::nullopt;
}

std::optional<std::size_t> RelayDirectory::relay_of(const RoomId& room) const {
  const Room* const found = store_.find(room);
  if (found != nullptr && !found->relay.empty()) return index_of(found->relay);
  const auto at = ahead_.find(room);
  return at == ahead_.end() ? std::nullopt : std::optional{at->second};
}

std::optional<std::size_t> RelayDirectory::least_loaded() const {
  std::optional<std::size_t> best;
  const auto load = [&](std::size_t i) {
    return std::pair{relays_[i].view->stream_count(), relays_[i].rooms};
  };
  for (std::size_t i = 0; i < relays_.size(); ++i) {
    if (!relays_[i].view->ready()) continue;
    if (!best || load(i) < load(*best)) best = i;
  }
  return best;
}

std::optional<std::size_t> RelayDirectory::place(const RoomId& room) {
  auto at = relay_of(room);
  const Room* const found = store_.find(room);
  if (at && (found == nullptr || !found->relay.empty())) return at;
  if (!at) at = least_loaded();
  if (!at) return std::nullopt;
  ++relays_[*at].rooms;
  if (found != nullptr) {
    store_.place(room, relays_[*at].name);
    open(*found, *at);
    return at;
  }
  ahead_[room] = *at;
  ahead_order_.push_back(room);
  if (ahead_order_.size() > kPlacedAheadMax) {
    ahead_.erase(ahead_order_.front());
    ahead_order_.pop_front();
  }
  return at;
}

void RelayDirectory::open(const Room& room, std::size_t relay) {
  orders_.push_back({relay, schema::OpenRoom{room.id, {}, room_blob(room)}});
}

std::optional<RelayDirectory::Access> RelayDirectory::access(const Asker& asker, UnixSeconds now) {
  const auto at = place(asker.room);
  if (!at) return std::nullopt;
  const Relay& relay = relays_[*at];
  auto access = relay.view->access(asker.room, asker.user, asker.rights, now);
  if (!access) return std::nullopt;
  Reach reach = reach_of({access->address, relay.public_address, asker.http_host, asker.client});
  access->address = std::move(reach.address);
  return Access{*std::move(access), reach.doubtful};
}

std::vector<std::pair<UserId, StreamName>> RelayDirectory::streams_of(const RoomId& room) const {
  const auto at = relay_of(room);
  if (!at) return {};
  return relays_[*at].view->streams_of(room);
}

void RelayDirectory::kick(const RoomId& room, const UserId& user) {
  const auto at = relay_of(room);
  const auto name = relay_name(user);
  if (!name) return;
  // With its last member the room is gone from the store already.
  for (std::size_t i = 0; i < relays_.size(); ++i) {
    if (!at || i == *at) orders_.push_back({i, schema::Kick{room, *name, {}}});
  }
}

void RelayDirectory::set_rights(const RoomId& room, const UserId& user, crypto::Rights rights) {
  const auto at = relay_of(room);
  const auto name = relay_name(user);
  if (at && name) orders_.push_back({*at, schema::SetRights{room, *name, {}, rights.bits()}});
}

void RelayDirectory::close(const RoomId& room, const std::string& relay) {
  auto at = index_of(relay);
  const auto ahead = ahead_.find(room);
  if (!at && ahead != ahead_.end()) at = ahead->second;
  if (ahead != ahead_.end()) ahead_.erase(ahead);
  if (!at) {
    // Nobody asked here for its media; somebody may have before there was a placement.
    for (std::size_t i = 0; i < relays_.size(); ++i)
      orders_.push_back({i, schema::CloseRoom{room}});
    return;
  }
  if (relays_[*at].rooms > 0) --relays_[*at].rooms;
  orders_.push_back({*at, schema::CloseRoom{room}});
}

std::size_t RelayDirectory::handle_resynced(std::size_t relay) {
  std::map<RoomId, std::vector<std::byte>> told = relays_[relay].view->take_rooms();
  std::size_t unknown = 0;
  for (const Room* room : store_.page_of_all(0, SIZE_MAX)) {
    if (room->relay != relays_[relay].name) continue;
    const auto at = told.find(room->id);
    if (at == told.end() || at->second != room_blob(*room)) open(*room, relay);
  }
  for (const auto& [room, blob] : told) {
    const Room* const known = store_.find(room);
    // Gone while the relay was away, or at another one by now.
    if (!is_room_blob(blob) || (known != nullptr && known->relay == relays_[relay].name)) continue;
    orders_.push_back({relay, schema::CloseRoom{room}});
    ++unknown;
  }
  return unknown;
}

}  // namespace sluice::rooms
