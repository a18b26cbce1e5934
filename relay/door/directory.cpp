#include "relay/door/directory.h"

#include <algorithm>
#include <utility>

#include "proto/wire/packet.h"

namespace sluice::relay {

Directory::Directory(const Options& options) : options_(options), workers_(options.workers) {}

crypto::HandshakeStatus Directory::admit(const crypto::Ticket& ticket) const {
  const auto found = rooms_.find(ticket.room);
  if (found == rooms_.end()) {
    return rooms_.size() < options_.limits.rooms_max ? crypto::HandshakeStatus::kAccepted
                                                     : crypto::HandshakeStatus::kRelayFull;
  }
  const DoorRoom& room = *found->second;
  const auto [first, last] = room.links.equal_range(ticket.user);
  bool replaces = false;
  for (auto it = first; it != last; ++it) {
    const auto fields = wire::connection_fields(it->second, options_.connection_mask);
    const DoorLink& other = *workers_[fields.worker].links[fields.slot];
    if (other.instance == ticket.instance) {
      replaces = true;
    } else if (!ticket.flags.several_instances) {
      return crypto::HandshakeStatus::kUserPresent;
    }
  }
  if (!replaces && room.links.size() >= room.limits.members_max) {
    return crypto::HandshakeStatus::kRoomFull;
  }
  return crypto::HandshakeStatus::kAccepted;
}

DoorLink* Directory::place(const crypto::Ticket& ticket) {
  DoorRoom* room = find_room(ticket.room);
  const std::optional<std::size_t> worker = choose_worker(room);
  if (!worker) return nullptr;
  if (room == nullptr) room = &open(ticket.room, *worker);
  WorkerSlots& slots = workers_[*worker];
  std::uint32_t slot = 0;
  if (slots.links.size() < options_.limits.links_per_worker_max &&
      slots.free.size() < kHomeLinksPreferred) {
    slot = static_cast<std::uint32_t>(slots.links.size());
    slots.links.emplace_back();
  } else {
    slot = slots.free.front();
    slots.free.pop_front();
  }
  auto link = std::make_unique<DoorLink>();
  link->connection = make_id(*worker, slot);
  link->room = room;
  link->user = ticket.user;
  link->instance = ticket.instance;
  link->jti = ticket.jti;
  room->links.emplace(ticket.user, link->connection);
  room->links_on[*worker] += 1;
  room->workers_used |= 1U << *worker;
  slots.used += 1;
  links_ += 1;
  slots.links[slot] = std::move(link);
  return slots.links[slot].get();
}

std::optional<Directory::Erased> Directory::erase(ConnectionId connection) {
  DoorLink* link = find(connection);
  if (link == nullptr) return std::nullopt;
  DoorRoom& room = *link->room;
  const auto [first, last] = room.links.equal_range(link->user);
  room.links.erase(
      std::find_if(first, last, [&](const auto& l) { return l.second == connection; }));
  const auto fields = wire::connection_fields(connection, options_.connection_mask);
  room.links_on[fields.worker] -= 1;
  WorkerSlots& slots = workers_[fields.worker];
  Erased erased{*link, std::nullopt, room.workers_used};
  slots.links[fields.slot].reset();
  slots.free.push_back(fields.slot);
  slots.used -= 1;
  links_ -= 1;
  erased.link.room = nullptr;
  if (room.links.empty()) {
    erased.room_ended = room.id;
    const RoomName name = room.name;
    rooms_.erase(name);
  }
  return erased;
}

DoorLink* Directory::find(ConnectionId connection) {
  const auto fields = wire::connection_fields(connection, options_.connection_mask);
  if (fields.worker >= workers_.size()) return nullptr;
  const auto& links = workers_[fields.worker].links;
  if (fields.slot >= links.size() || links[fields.slot] == nullptr) return nullptr;
  return links[fields.slot]->connection == connection ? links[fields.slot].get() : nullptr;
}

DoorRoom* Directory::find_room(const RoomName& name) {
  const auto found = rooms_.find(name);
  return found == rooms_.end() ? nullptr : found->second.get();
}

void Directory::set_limits(const RoomName& name, const RoomLimits& limits) {
  if (limits_.size() < kConfiguredRoomsMax || limits_.contains(name)) limits_[name] = limits;
  if (DoorRoom* room = find_room(name); room != nullptr) room->limits = limits_for(name);
}

RoomLimits Directory::limits_for(const RoomName& name) const {
  RoomLimits limits;
  if (const auto found = limits_.find(name); found != limits_.end()) limits = found->second;
  const auto bounded = [](std::size_t wish, std::size_t most) {
    return wish == 0 ? most : std::min(wish, most);
  };
  limits.members_max = bounded(limits.members_max, options_.limits.members_per_room_max);
  limits.streams_max = bounded(limits.streams_max, options_.limits.streams_per_room_max);
  return limits;
}

std::optional<std::size_t> Directory::choose_worker(const DoorRoom* room) {
  if (options_.placement == Placement::kRoundRobin) {
    for (std::size_t tried = 0; tried < workers_.size(); ++tried) {
      const std::size_t worker = next_worker_++ % workers_.size();
      if (has_slot(worker)) return worker;
    }
    return std::nullopt;
  }
  if (room != nullptr) {
    const auto home = static_cast<std::size_t>(room->home);
    const bool roomy =
        room->links.size() < kHomeLinksPreferred && workers_[home].busy < kHomeBusyPermille;
    if (roomy && has_slot(home)) return home;
  }
  return least_loaded();
}

std::optional<std::size_t> Directory::least_loaded() const {
  std::optional<std::size_t> best;
  for (std::size_t worker = 0; worker < workers_.size(); ++worker) {
    if (!has_slot(worker)) continue;
    // A hundredth of the thread's time weighs like four links: both are looked at, as links that
    // have just come have cost nothing yet.
    const auto load = [&](std::size_t w) { return workers_[w].used + workers_[w].busy / 10 * 4; };
    if (!best || load(worker) < load(*best)) best = worker;
  }
  return best;
}

bool Directory::has_slot(std::size_t worker) const {
  return workers_[worker].used < options_.limits.links_per_worker_max;
}

DoorRoom& Directory::open(const RoomName& name, std::size_t home) {
  auto room = std::make_unique<DoorRoom>();
  room->id = RoomId{next_room_++};
  room->name = name;
  room->home = WorkerIndex{static_cast<std::uint8_t>(home)};
  room->limits = limits_for(name);
  room->workers_used = 1U << home;
  return *rooms_.emplace(name, std::move(room)).first->second;
}

ConnectionId Directory::make_id(std::size_t worker, std::uint32_t slot) {
  for (;;) {
    const wire::ConnectionFields fields{
        .generation = options_.generation,
        .worker = static_cast<std::uint8_t>(worker),
        .slot = slot,
        .random = static_cast<std::uint32_t>(options_.random.u64() & 0xFFFFFU)};
    const ConnectionId id = wire::make_connection_id(fields, options_.connection_mask);
    if (id != ConnectionId{}) return id;
  }
}

}  // namespace sluice::relay
