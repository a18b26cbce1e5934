#include "relay/advertise.h"

#include <cstddef>

#include "net/route.h"

namespace sluice::relay {
namespace {

bool is_every_address(const Address& address) {
  const Address any_v4 = Address::v4(0, 0, 0, 0, 0);
  return address.ip == Address{}.ip || address.ip == any_v4.ip;
}

}  // namespace

Advertised advertised_address(const std::string& configured, const Address& bound) {
  if (!configured.empty()) return {configured, false};
  if (!is_every_address(bound)) return {bound.to_string(), false};
  // Addresses for documentation: they are routed like the rest of the internet, and nobody has
  // them.
  Address outside_v6;
  outside_v6.ip = {std::byte{0x20}, std::byte{0x01}, std::byte{0x0D}, std::byte{0xB8}};
  outside_v6.port = 9;
  auto source = net::source_address_towards(Address::v4(192, 0, 2, 1, 9));
  if (!source) source = net::source_address_towards(outside_v6);
  Address guess = source.value_or(Address::v4(127, 0, 0, 1, 0));
  guess.port = bound.port;
  return {guess.to_string(), true};
}

}  // namespace sluice::relay
