// SaidText: a text that a member said to a room by one of the two APIs and that the members who
// came by the other one are to hear as well.
#pragma once

#include <string>

#include "rooms/room.h"

namespace sluice::rooms {

struct SaidText {
  RoomId room;
  UserId user;
  std::string text;
};

}  // namespace sluice::rooms
