// Orders: what the requests of the control socket mean to this relay. Each is checked, handed to
// the Relay, and answered when the Relay has answered. What is defined in the schema and not done
// yet is refused by name (StatusCode::kNotYet). Main loop only.
#pragma once

#include <functional>
#include <string>

#include "net/loop.h"
#include "proto/base/time.h"
#include "proto/schema/control.h"
#include "relay/control/mirror.h"
#include "relay/relay.h"

namespace sluice::relay {

/// A ticket that waits longer than a day for its use is a password.
inline constexpr std::uint32_t kTicketValidSecondsMax = 24 * 3600;

/// Drain orders beyond this are taken for a mistake in units.
inline constexpr Duration kDrainMax = std::chrono::hours{24};

class Orders {
 public:
  using Reply = std::function<void(schema::Message)>;

  struct Config {
    std::string address;        // under which clients reach the relay
    std::size_t rooms_max = 0;  // also of rooms that are only opened
    std::function<void(Duration)> drain;
  };

  /// Relay and Mirror outlive it; the callbacks it gives to the Relay may outlive it too.
  Orders(Relay& relay, Mirror& mirror, Config config);

  void handle(const schema::Message& request, Reply reply);

 private:
  struct Visitor;

  Relay& relay_;
  Mirror& mirror_;
  Config config_;
};

/// The page of `rooms` that a ListRooms asks for.
schema::RoomList room_page(std::vector<RoomSnapshot> rooms, const schema::ListRooms& request);

/// The page of `members` that a ListMembers asks for.
schema::MemberList member_page(std::vector<MemberSnapshot> members,
                               const schema::ListMembers& request);

}  // namespace sluice::relay
