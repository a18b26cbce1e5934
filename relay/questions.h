// Questions: what the main thread asked the other threads and has not heard back. A question goes
// to one thread or to every worker; its callback runs once, when all have answered.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "relay/relay.h"
#include "relay/worker/mail.h"

namespace sluice::relay {

class Questions {
 public:
  using RoomsAnswer = std::function<void(std::vector<RoomSnapshot>)>;
  using MembersAnswer = std::function<void(std::vector<MemberSnapshot>)>;

  /// `parties` answers are expected.
  QuestionId ask_rooms(std::size_t parties, RoomsAnswer answer);
  QuestionId ask_members(std::size_t parties, MembersAnswer answer);
  QuestionId ask_count(std::size_t parties, Relay::Count answer);

  /// One party's answer; runs the callback when it is the last.
  void handle(Answer answer);

 private:
  struct Open {
    std::size_t parties_left = 0;
    RoomsAnswer rooms;
    MembersAnswer members;
    Relay::Count count;
    std::map<RoomName, RoomSnapshot> rooms_seen;
    std::vector<MemberSnapshot> members_seen;
    std::size_t counted = 0;
  };

  QuestionId add(Open open);
  static void add_room(Open& open, const RoomSnapshot& room);

  std::unordered_map<QuestionId, Open> open_;
  std::uint64_t next_ = 1;
};

}  // namespace sluice::relay
