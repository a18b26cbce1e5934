#include "relay/questions.h"

#include <algorithm>
#include <tuple>

namespace sluice::relay {

QuestionId Questions::ask_rooms(std::size_t parties, RoomsAnswer answer) {
  Open open;
  open.parties_left = parties;
  open.rooms = std::move(answer);
  return add(std::move(open));
}

QuestionId Questions::ask_members(std::size_t parties, MembersAnswer answer) {
  Open open;
  open.parties_left = parties;
  open.members = std::move(answer);
  return add(std::move(open));
}

QuestionId Questions::ask_count(std::size_t parties, Relay::Count answer) {
  Open open;
  open.parties_left = parties;
  open.count = std::move(answer);
  return add(std::move(open));
}

void Questions::handle(Answer answer) {
  const auto found = open_.find(answer.id);
  if (found == open_.end()) return;
  Open& open = found->second;
  if (const auto* rooms = std::get_if<std::vector<RoomSnapshot>>(&answer.value)) {
    for (const RoomSnapshot& room : *rooms) add_room(open, room);
  } else if (auto* members = std::get_if<std::vector<MemberSnapshot>>(&answer.value)) {
    open.members_seen.insert(open.members_seen.end(), std::make_move_iterator(members->begin()),
                             std::make_move_iterator(members->end()));
  } else {
    open.counted += std::get<std::size_t>(answer.value);
  }
  if (--open.parties_left != 0) return;
  Open done = std::move(open);
  open_.erase(found);  // the callback may ask again
  if (done.count) return done.count(done.counted);
  if (done.members) {
    std::sort(done.members_seen.begin(), done.members_seen.end(), [](const auto& a, const auto& b) {
      return std::tie(a.user, a.instance) < std::tie(b.user, b.instance);
    });
    return done.members(std::move(done.members_seen));
  }
  std::vector<RoomSnapshot> rooms;
  for (auto& [name, room] : done.rooms_seen) rooms.push_back(room);
  done.rooms(std::move(rooms));
}

QuestionId Questions::add(Open open) {
  const QuestionId id{next_++};
  open_.emplace(id, std::move(open));
  return id;
}

void Questions::add_room(Open& open, const RoomSnapshot& room) {
  const auto [at, first] = open.rooms_seen.try_emplace(room.name, room);
  if (first) return;
  RoomSnapshot& sum = at->second;
  sum.members += room.members;
  sum.streams += room.streams;
  sum.subscriptions += room.subscriptions;
  sum.branches += 1;
  sum.age = std::max(sum.age, room.age);
}

}  // namespace sluice::relay
