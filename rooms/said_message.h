// SaidMessage: what a member said to a room by one of the two APIs and the members who came by the
// other one are to hear as well: a text, or a command of the application with a text.
#pragma once

#include <string>

#include "rooms/room.h"

namespace sluice::rooms {

struct SaidMessage {
  RoomId room;
  UserId user;
  std::string text;
  std::string command = {};  // empty: a text that people read
};

}  // namespace sluice::rooms
