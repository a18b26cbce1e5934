// VoidTickets: kicks and closed rooms reach back: a ticket made before them does not open the door
// again. Kept by room and user (no user: the whole room), each for a day, as no ticket lives
// longer.
#pragma once

#include <cstddef>
#include <map>
#include <utility>

#include "proto/base/name.h"
#include "proto/base/time.h"

namespace sluice::relay {

class VoidTickets {
 public:
  /// Half forgets kicks sooner when a room service kicks a thousand users a minute; double costs 20
  /// MB.
  static constexpr std::size_t kEntriesMax = 1U << 16U;
  static constexpr std::int64_t kKeptSeconds = 86'400;

  /// Tickets for `user` (empty: everybody) whose not-before is `now` or earlier are void.
  void add(const RoomName& room, const UserName& user, UnixSeconds now) {
    if (entries_.size() >= kEntriesMax) sweep(now);
    if (entries_.size() >= kEntriesMax) entries_.erase(entries_.begin());
    entries_[{room, user}] = now;
  }

  /// Returns how many entries were lifted: those of the user, not the room's.
  std::size_t lift(const RoomName& room, const UserName& user) {
    return entries_.erase({room, user});
  }

  bool is_void(const RoomName& room, const UserName& user, UnixSeconds not_before) const {
    return covers({room, user}, not_before) || covers({room, UserName{}}, not_before);
  }

  std::size_t size() const { return entries_.size(); }

 private:
  using Key = std::pair<RoomName, UserName>;

  bool covers(const Key& key, UnixSeconds not_before) const {
    const auto found = entries_.find(key);
    return found != entries_.end() && not_before <= found->second;
  }

  void sweep(UnixSeconds now) {
    std::erase_if(entries_,
                  [&](const auto& e) { return now.value - e.second.value > kKeptSeconds; });
  }

  std::map<Key, UnixSeconds> entries_;
};

}  // namespace sluice::relay
