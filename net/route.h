// Which of this host's addresses it would speak from. Asks the kernel's routing table; sends
// nothing.
#pragma once

#include <optional>

#include "proto/base/address.h"

namespace sluice::net {

/// The source address of packets to `target`, port 0; nothing when there is no route.
std::optional<Address> source_address_towards(const Address& target);

}  // namespace sluice::net
