// By which address a client reaches a relay: what the operator said, else what the relay says of
// itself if that is good for others, else the name by which the client reached this service, as
// both often stand on one machine.
#pragma once

#include <string>
#include <string_view>

#include "proto/base/address.h"

namespace sluice::rooms {

struct Reach {
  std::string address;  // HOST:PORT
  /// The client is elsewhere on the internet, and this address leads nowhere from there.
  bool doubtful = false;
};

struct ReachInput {
  std::string_view told;        // HOST:PORT, the relay's word
  std::string_view configured;  // relay.public_address: HOST or HOST:PORT, or empty
  std::string_view http_host;   // of the client's request; hostile
  Address client;
};

Reach reach_of(const ReachInput& input);

}  // namespace sluice::rooms
