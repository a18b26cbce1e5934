// Allocator: shares a member's link out among its subscriptions. It takes the renditions' rates as
// they are measured, what the path is said to carry, and what the subscriber said of priority and
// limits; allocate() decides, and the subscriptions are told. Members on a path without a known
// limit, of streams with one rendition, cost nothing. Owned by a room for its buffers' sake.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "proto/base/time.h"
#include "proto/link/link_types.h"
#include "proto/wire/room_message.h"
#include "relay/allocation/allocate.h"
#include "relay/stream/rendition_choice.h"

namespace sluice::relay {

class Member;
class Subscription;

/// Half looks twice as often at rates that are averages of seconds; double lets a queue grow for
/// twice as long before a picture gets smaller.
inline constexpr Duration kAllocationTick = std::chrono::milliseconds{100};

class Allocator {
 public:
  /// Tells each of the member's subscriptions what it is sent from now on.
  void run(Instant now, Member& member);

 private:
  /// What one subscription can choose from, smallest first.
  struct Choices {
    Subscription* subscription = nullptr;
    std::size_t first = 0, count = 0;  // in rates_ and renditions_
  };

  void collect(Instant now, Member& member);
  void add_choices(Instant now, Subscription& subscription);
  void tell(Instant now, const Choices& choices, const Grant& grant);

  std::vector<Choices> choices_;
  std::vector<std::uint64_t> rates_;
  std::vector<Rendition> renditions_;
  std::vector<Wish> wishes_;
  std::vector<Grant> grants_;
};

}  // namespace sluice::relay
