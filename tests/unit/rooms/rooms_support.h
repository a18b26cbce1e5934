// Shared by the tests of rooms/: names, entries and instants in few letters.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rooms/journal_codec.h"
#include "rooms/room_store.h"

namespace sluice::rooms {

inline UserId user_id(std::string_view text) { return *UserId::parse(text); }

inline RoomId room_id(std::string_view text) { return *RoomId::parse(text); }

inline Instant at_seconds(double s) {
  return instant_from_us(static_cast<std::int64_t>(s * 1'000'000));
}

inline Entry entry_of(std::string_view user) {
  const std::string name{user};
  return {user_id(user), name, "a", *StreamName::parse("s_" + name), "info", {}, kMemberRights};
}

/// "opened changed came:bob left:bob dissolved:creator", of all events since the last call.
inline std::string told(RoomStore& store) {
  static constexpr const char* kCauses[] = {"creator", "last", "destroyed", "never"};
  std::string text;
  for (const Event& event : store.take_events()) {
    if (!text.empty()) text += ' ';
    if (std::holds_alternative<RoomOpened>(event)) text += "opened";
    if (std::holds_alternative<PushersChanged>(event)) text += "changed";
    if (const auto* came = std::get_if<MemberCame>(&event)) {
      text += "came:" + std::string{came->user.view()};
    }
    if (const auto* other = std::get_if<MemberChanged>(&event)) {
      text += "other:" + std::string{other->user.view()};
    }
    if (const auto* left = std::get_if<PusherLeft>(&event)) {
      text += (left->cause == LeaveCause::kLeft ? "left:" : "timeout:") +
              std::string{left->user.view()};
    }
    if (const auto* gone = std::get_if<RoomDissolved>(&event)) {
      text += std::string{"dissolved:"} + kCauses[static_cast<std::size_t>(gone->cause)];
    }
  }
  return text;
}

/// A whole store as text: equal texts are equal stores.
inline std::string as_lines(const std::vector<Change>& changes) {
  std::string text;
  for (const Change& change : changes) text += journal_line(change);
  return text;
}

}  // namespace sluice::rooms
