// A Relay without threads or sockets, for what stands around it: it records the orders it gets and
// answers at once from the lists given here. Linked instead of the real one.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "relay/relay.h"

namespace sluice::relay {

struct FakeRelay {
  std::vector<RoomSnapshot> rooms;
  std::map<RoomName, std::vector<MemberSnapshot>> members;
  std::vector<std::string> orders;
  std::size_t touched = 1;  // what each order answers
  bool draining = false;
  TicketRequest ticket;
  DoorMetrics door;
  std::vector<WorkerMetrics> workers{2};
  RelayOptions options;  // of the last start
};

/// The one behind every Relay of this program.
FakeRelay& fake_relay();

/// A started Relay over a fresh FakeRelay.
std::unique_ptr<Relay> start_fake_relay(net::Loop& loop);

}  // namespace sluice::relay
