// RoomEvents: what happened in each room, numbered, for who listens now and for who comes late or
// back. Numbers never go back, not even over a restart, so that "after 17" always means the same;
// where something between is lost, a listener is told of the gap. Sans-I/O: what goes to whom is
// polled; V1 writes, Service moves the texts to WebSockets.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/base/time.h"
#include "rooms/api.h"
#include "rooms/room.h"

namespace sluice::rooms {

/// Events kept of a room, beside messages: what a listener misses in a minute of trouble, in a room
/// of 16 where everybody comes and goes. 200 bytes each; double is for who sleeps longer, and he
/// asks for the members anyway.
inline constexpr std::size_t kEventsKept = 128;

/// Messages kept of a room for who comes late. Half is less than a screen; each may have 4 KiB.
inline constexpr std::size_t kRoomMessagesKept = 50;

inline constexpr std::size_t kMessageTextBytesMax = 4096;

enum class ListenerId : std::uint64_t {};

class RoomEvents {
 public:
  struct Entry {
    std::uint64_t seq = 0;
    std::string text;  // JSON
  };

  struct Send {
    ListenerId to;
    std::string text;
  };

  struct Close {
    ListenerId who;
    std::string reason;  // "dissolved", "left", "kicked"
  };

  /// `started_us`: when this process began, in microseconds since the Unix epoch. A later one's
  /// numbers are higher than all of an earlier one, if that wrote fewer than a million events a
  /// second; seconds would not do, as a killed process is back within one.
  explicit RoomEvents(std::int64_t started_us)
      : first_(static_cast<std::uint64_t>(started_us)), last_(first_) {}

  /// Writes it down and tells who listens. `fields` has kind and what belongs to it; the answer is
  /// the whole event.
  Json add(const RoomId& room, Json fields, std::int64_t at_s);

  /// Beside: it is kept longer, for who comes late.
  Json add_message(const RoomId& room, Json fields, std::int64_t at_s);

  /// Of messages alone, oldest first.
  std::vector<std::string> messages(const RoomId& room, std::uint64_t after) const;

  /// Hears of everything from now on, and of what was after `after`; with 0 of the last messages.
  void listen(ListenerId who, const RoomId& room, const UserId& user, std::uint64_t after,
              std::int64_t at_s);
  void forget(ListenerId who);

  /// Ends the listening of one user, or, when the room is gone, of all.
  void close_user(const RoomId& room, const UserId& user, const std::string& reason);
  void close_room(const RoomId& room);

  std::vector<Send> take_sends() { return std::exchange(sends_, {}); }

  std::vector<Close> take_closes() { return std::exchange(closes_, {}); }

  std::size_t listener_count() const { return listeners_.size(); }

 private:
  struct Log {
    std::deque<Entry> events, messages;
    std::uint64_t lost = 0;  // the highest number that fell out of `events`
  };

  struct Listener {
    RoomId room;
    UserId user;
  };

  Json write(const RoomId& room, Json fields, std::int64_t at_s, bool message);

  std::uint64_t first_, last_;
  std::map<RoomId, Log> logs_;
  std::map<ListenerId, Listener> listeners_;
  std::map<RoomId, std::vector<ListenerId>> by_room_;
  std::vector<Send> sends_;
  std::vector<Close> closes_;
};

}  // namespace sluice::rooms
