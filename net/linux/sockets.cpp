#include <netinet/in.h>
#include <sys/socket.h>

#include "net/kernel.h"

namespace sluice::net {

Fd open_socket(int family, int type) {
  return Fd{::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
}

Fd accept_socket(int fd) { return Fd{accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)}; }

std::optional<uid_t> user_of_peer(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  return peer.uid;
}

}  // namespace sluice::net
