// The address under which clients reach the relay, for tickets: what the operator says, else what
// the socket is bound to, else, when it is bound to every address, the one this host would use to
// go out. The last is a guess that is wrong behind NAT: relay.address is the cure.
#pragma once

#include <string>

#include "proto/base/address.h"

namespace sluice::relay {

struct Advertised {
  std::string address;
  bool guessed = false;
};

Advertised advertised_address(const std::string& configured, const Address& bound);

}  // namespace sluice::relay
