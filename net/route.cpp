#include "net/route.h"

#include "net/address.h"
#include "net/socket.h"

namespace sluice::net {

std::optional<Address> source_address_towards(const Address& target) {
  const int family = target.is_v4() ? AF_INET : AF_INET6;
  const Fd fd{::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  SocketAddress to{};
  const socklen_t length = write_sockaddr(target, family, to);
  // Connecting a UDP socket only chooses its route.
  if (!fd.valid() || ::connect(fd.get(), &to.generic, length) != 0) return std::nullopt;
  Address source = bound_address(fd.get());
  source.port = 0;
  return source;
}

}  // namespace sluice::net
