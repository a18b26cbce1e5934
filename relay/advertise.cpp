#include "relay/advertise.h"

#include <algorithm>

#include <sys/socket.h>

#include "net/address.h"
#include "net/socket.h"

namespace sluice::relay {
namespace {

bool is_every_address(const Address& address) {
  const Address any_v4 = Address::v4(0, 0, 0, 0, 0);
  return address.ip == Address{}.ip || address.ip == any_v4.ip;
}

/// The source address the kernel would choose. Connecting a UDP socket sends nothing.
bool source_towards(const Address& target, int family, Address& source) {
  const net::Fd fd{::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  net::SocketAddress to{};
  const socklen_t length = net::write_sockaddr(target, family, to);
  if (!fd.valid() || ::connect(fd.get(), &to.generic, length) != 0) return false;
  source = net::bound_address(fd.get());
  return true;
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
  Address source = Address::v4(127, 0, 0, 1, 0);
  if (!source_towards(Address::v4(192, 0, 2, 1, 9), AF_INET, source)) {
    static_cast<void>(source_towards(outside_v6, AF_INET6, source));
  }
  source.port = bound.port;
  return {source.to_string(), true};
}

}  // namespace sluice::relay
