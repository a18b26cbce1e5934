#include "rooms/v1_events.h"

#include <algorithm>

namespace sluice::rooms {
namespace {

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// The entries after `after` of both, in the order of their numbers.
std::vector<const RoomEvents::Entry*> merged(const std::deque<RoomEvents::Entry>& a,
                                             const std::deque<RoomEvents::Entry>& b,
                                             std::uint64_t after) {
  std::vector<const RoomEvents::Entry*> result;
  for (const auto* entries : {&a, &b}) {
    for (const RoomEvents::Entry& entry : *entries) {
      if (entry.seq > after) result.push_back(&entry);
    }
  }
  std::sort(result.begin(), result.end(),
            [](const auto* left, const auto* right) { return left->seq < right->seq; });
  return result;
}

}  // namespace

Json RoomEvents::add(const RoomId& room, Json fields, std::int64_t at_s) {
  return write(room, std::move(fields), at_s, false);
}

Json RoomEvents::add_message(const RoomId& room, Json fields, std::int64_t at_s) {
  return write(room, std::move(fields), at_s, true);
}

Json RoomEvents::write(const RoomId& room, Json fields, std::int64_t at_s, bool message) {
  Json event{{"seq", ++last_}, {"at", at_s}, {"room", room.view()}};
  event.update(fields);
  const std::string text = text_of(event);
  Log& log = logs_[room];
  auto& kept = message ? log.messages : log.events;
  kept.push_back({last_, text});
  if (kept.size() > (message ? kRoomMessagesKept : kEventsKept)) {
    log.lost = std::max(log.lost, kept.front().seq);
    kept.pop_front();
  }
  const auto listening = by_room_.find(room);
  if (listening != by_room_.end()) {
    for (const ListenerId who : listening->second) sends_.push_back({who, text});
  }
  return event;
}

std::vector<std::string> RoomEvents::messages(const RoomId& room, std::uint64_t after) const {
  std::vector<std::string> result;
  const auto log = logs_.find(room);
  if (log == logs_.end()) return result;
  for (const Entry& entry : log->second.messages) {
    if (entry.seq > after) result.push_back(entry.text);
  }
  return result;
}

void RoomEvents::listen(ListenerId who, const RoomId& room, const UserId& user, std::uint64_t after,
                        std::int64_t at_s) {
  listeners_[who] = {room, user};
  by_room_[room].push_back(who);
  const auto log = logs_.find(room);
  const bool known = log != logs_.end();
  if (after == 0) {
    if (!known) return;
    for (const Entry& entry : log->second.messages) sends_.push_back({who, entry.text});
    return;
  }
  // Of another process's time, of a time that is not kept any more, or of no time at all.
  const bool gap = after < first_ || after > last_ || (known && after < log->second.lost);
  if (gap) {
    // The number is what to go on from; it stands for all that is not told any more.
    const std::uint64_t from = known ? log->second.lost : last_;
    sends_.push_back({who, text_of({{"seq", std::max(from, first_)},
                                    {"at", at_s},
                                    {"room", room.view()},
                                    {"kind", "gap"}})});
  }
  if (!known) return;
  const std::uint64_t from = gap ? log->second.lost : after;
  for (const Entry* entry : merged(log->second.events, log->second.messages, from)) {
    sends_.push_back({who, entry->text});
  }
}

void RoomEvents::forget(ListenerId who) {
  const auto at = listeners_.find(who);
  if (at == listeners_.end()) return;
  const auto room = by_room_.find(at->second.room);
  std::erase(room->second, who);
  if (room->second.empty()) by_room_.erase(room);
  listeners_.erase(at);
}

void RoomEvents::close_user(const RoomId& room, const UserId& user, const std::string& reason) {
  const auto listening = by_room_.find(room);
  if (listening == by_room_.end()) return;
  for (const ListenerId who : listening->second) {
    if (listeners_.at(who).user == user) closes_.push_back({who, reason});
  }
}

void RoomEvents::close_room(const RoomId& room) {
  const auto listening = by_room_.find(room);
  if (listening != by_room_.end()) {
    for (const ListenerId who : listening->second) closes_.push_back({who, "dissolved"});
  }
  logs_.erase(room);
}

}  // namespace sluice::rooms
