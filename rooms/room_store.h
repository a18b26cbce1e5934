// RoomStore: every room, and the rules by which rooms and members come and go. Sans-I/O: time is an
// argument; what happened is polled as Events (for whoever must be told) and Changes (for the
// journal). The API calls it, the relay directory tells it about media, and a timer drives it.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "proto/base/time.h"
#include "rooms/change.h"
#include "rooms/room.h"

namespace sluice::rooms {

struct RoomRules {
  std::uint64_t pushers_double = 2, pushers_multi = 16, pushers_live = 4;
  std::uint64_t viewers_live = 10'000;
  std::uint64_t rooms = 20'000;
  /// The creator's leaving dissolves the room; in live rooms it always does.
  bool creator_dissolves_double = true, creator_dissolves_multi = true;
};

/// A member without heartbeat and without media goes after this: the seed's figure, two lost
/// heartbeats of 7 s and some.
inline constexpr Duration kHeartbeatTimeout = std::chrono::seconds{20};

/// A room that nobody entered goes after this.
inline constexpr Duration kEnterTimeout = std::chrono::seconds{30};

/// How often timeouts are looked for: the seed takes 5 s; 1 s for 20,000 members is 0.1 % of a
/// core.
inline constexpr Duration kSweepInterval = std::chrono::seconds{1};

enum class Outcome : std::uint8_t {
  kOk,
  kNoRoom,      // unknown, of another type, or not entered by anybody yet
  kNotCreator,  // who asks did not create it
  kNotMember,
  kRoomExists,
  kRoomFull,
  kViewersFull,
  kTooManyRooms,
  kBadField,  // a custom field's name, operation or value
  kLocked,
  kBanned,
  kWrongPassword,
  kTooMany,  // bans or mutes of this room
};

enum class LeaveCause : std::uint8_t { kLeft, kTimeout, kKicked, kBanned };

/// Room and creator are set; the group of its messages begins.
struct RoomOpened {
  RoomId room;
  RoomType type;
};

/// The pushers are others than before, or one of them says other things of himself.
struct PushersChanged {
  RoomId room;
};

struct PusherLeft {
  RoomId room;
  UserId user;
  LeaveCause cause;
};

/// Somebody came, to push or to watch. Viewers who do not beat come and go unheard.
struct MemberCame {
  RoomId room;
  UserId user;
};

/// He says other things of himself, pushes instead of watching, or may do other things.
struct MemberChanged {
  RoomId room;
  UserId user;
};

struct ViewerLeft {
  RoomId room;
  UserId user;
  LeaveCause cause;
};

/// What the room says of itself: info, lock, password.
struct RoomEdited {
  RoomId room;
};

enum class DissolveCause : std::uint8_t { kCreatorLeft, kLastLeft, kDestroyed, kNeverEntered };

struct RoomDissolved {
  RoomId room;
  RoomType type;
  DissolveCause cause;
  std::string relay;  // where it was placed
};

using Event = std::variant<RoomOpened, PushersChanged, PusherLeft, RoomDissolved, MemberCame,
                           MemberChanged, ViewerLeft, RoomEdited>;

/// Which room, as a path and a body name it.
struct RoomKey {
  RoomType type;
  RoomId room;
};

struct Entry {
  UserId user;
  std::string name, avatar;
  StreamName stream;
  std::string info{};      // of the room, where this entry makes it
  std::string password{};  // the keyed hash of what was said
  MemberRights rights = kMemberRights;
};

/// What is not said stays.
struct RoomEdit {
  std::optional<std::string> info, password;  // an empty password: none
  std::optional<bool> locked;
};

enum class CustomOperation : std::uint8_t { kIncrease, kDecrease, kSet };

/// Whether bans, lock and password let somebody new in.
Outcome may_come(const Room& room, const UserId& user, const std::string& password);

class RoomStore {
 public:
  explicit RoomStore(const RoomRules& rules) : rules_(rules) {}

  Outcome create(Instant now, const RoomKey& key, const UserId& creator, std::string info);

  /// Also changes what a present pusher says of himself. `created`: the room was not known before.
  Outcome enter(Instant now, const RoomKey& key, Entry entry, bool& created);
  Outcome leave(const RoomKey& key, const UserId& user);
  Outcome destroy(const RoomKey& key, const UserId& user);
  Outcome heartbeat(Instant now, const RoomKey& key, const UserId& user);

  Outcome add_viewer(const RoomKey& key, Viewer viewer);
  Outcome remove_viewer(const RoomKey& key, const UserId& user);

  /// `value` is a JSON text, for kSet alone.
  Outcome set_custom(const RoomKey& key, const std::string& field, CustomOperation operation,
                     std::string value);
  Outcome set_layout(const RoomKey& key, std::string layout);

  // room_moderation.cpp: whatever the room's type, entered or not.

  /// Nobody else has to push for a viewer to come in by this one. It beats.
  Outcome enter_viewer(Instant now, const RoomId& room, Viewer viewer, const std::string& password);

  /// Of a pusher or viewer.
  Outcome beat(Instant now, const RoomId& room, const UserId& user);
  Outcome remove(const RoomId& room, const UserId& user, LeaveCause cause);
  Outcome dissolve(const RoomId& room);
  Outcome edit(const RoomId& room, RoomEdit edit);
  void place(const RoomId& room, std::string relay);

  /// Puts him out as well.
  Outcome ban(const RoomId& room, const UserId& user);
  Outcome lift_ban(const RoomId& room, const UserId& user);
  Outcome revoke(const RoomId& room, const UserId& user, MemberRights revoked);

  /// What the relay sees of a user's streams in a room, entered or not.
  void handle_media(Instant now, const RoomId& room, const UserId& user, bool publishing);
  void handle_timeout(Instant now);

  Instant next_deadline() const { return rooms_.empty() ? kNever : next_sweep_; }

  /// Nothing for a room that nobody has entered yet.
  const Room* find(const RoomKey& key) const;

  /// Of any type, entered or not.
  const Room* find(const RoomId& room) const;

  /// Whether the user is in the room, or could enter it now.
  bool has_place(const RoomKey& key, const UserId& user) const;

  /// Whether any type has this id, entered or not.
  bool knows(const RoomId& room) const { return order_.count(room) != 0; }

  /// Entered rooms in the order they were made.
  std::vector<const Room*> page(RoomType type, std::uint64_t index, std::uint64_t count) const;
  std::vector<const Room*> page_of_all(std::uint64_t index, std::uint64_t count) const;

  std::uint64_t room_count(RoomType type) const;
  std::uint64_t pusher_count() const;
  std::uint64_t viewer_count() const;

  /// What happened since the last call, oldest first.
  std::vector<Event> take_events() { return std::exchange(events_, {}); }

  std::vector<Change> take_changes() { return std::exchange(changes_, {}); }

  /// A Change read back. False when it fits nothing here: its room is unknown. Everybody counts as
  /// seen `now`, so that nobody is told of a leave that did not happen.
  bool restore(Instant now, const Change& change);

  /// Changes that make this state from nothing.
  std::vector<Change> snapshot() const;

 private:
  using Order = std::uint64_t;  // of making

  Room* find_any(const RoomKey& key);
  Room* find_active(const RoomKey& key);
  Room* find_room(const RoomId& room);
  Room& make(Instant now, const RoomKey& key, const UserId& creator, std::string info);
  void admit(Instant now, Room& room, Entry entry);
  void update(Instant now, Room& room, Pusher& pusher, Entry entry);
  void remove_pusher(Room& room, const UserId& user, LeaveCause cause);
  void remove_watching(Room& room, const UserId& user, LeaveCause cause);
  void sweep_viewers(Instant now, Room& room);
  void dissolve(Room& room, DissolveCause cause);
  void sweep(Instant now, Room& room);
  void record_room(const Room& room);
  std::uint64_t pushers_max(RoomType type) const;
  bool creator_dissolves(RoomType type) const;

  RoomRules rules_;
  std::map<Order, Room> rooms_;
  std::unordered_map<RoomId, Order> order_;
  Order next_order_ = 0;
  std::set<std::pair<RoomId, UserId>> publishing_;
  Instant next_sweep_{};
  std::vector<Event> events_;
  std::vector<Change> changes_;
};

}  // namespace sluice::rooms
