// Change: what a RoomStore did to its state, one value a step, in the order it happened. Applied to
// an empty store they give the same rooms again: the journal is a list of them.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "rooms/room.h"

namespace sluice::rooms {

/// A room without its people: new, or changed in what it says of itself.
struct RoomChanged {
  Room room;  // pushers and viewers are empty
};

struct RoomGone {
  RoomId room;
};

struct PusherChanged {
  RoomId room;
  Pusher pusher;
};

struct PusherGone {
  RoomId room;
  UserId user;
};

struct ViewerChanged {
  RoomId room;
  Viewer viewer;
};

struct ViewerGone {
  RoomId room;
  UserId user;
};

/// One custom field; the whole room is many times as long, and these come by the second.
struct CustomChanged {
  RoomId room;
  std::string field, value;
};

/// Tokens of the user made until then are void. The one entry that is not a room's.
struct TokensVoid {
  UserId user;
  std::int64_t until_s = 0;  // since the Unix epoch
};

using Change = std::variant<RoomChanged, RoomGone, PusherChanged, PusherGone, ViewerChanged,
                            ViewerGone, TokensVoid, CustomChanged>;

}  // namespace sluice::rooms
