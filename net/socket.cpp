#include "net/socket.h"

#include <unistd.h>

#include <cerrno>
#include <system_error>

#include <sys/socket.h>

#include "net/address.h"
#include "net/kernel.h"

namespace sluice::net {

namespace {

bool is_any(const Address& address) { return address.ip == Address{}.ip; }

std::string_view cure_of_bind(int error_number) {
  switch (error_number) {
    case EADDRINUSE:
      return ": another program holds this port; stop it, or listen on another one";
    case EADDRNOTAVAIL:
      return ": this host has no such address; listen on one that `ip address` shows, or on "
             "\":PORT\"";
    case EACCES:
      return ": ports below 1024 need the capability CAP_NET_BIND_SERVICE; take a higher one";
    default:
      return "";
  }
}

Failure bind_failure(const Address& address, int error_number) {
  Failure failure = system_failure("cannot listen on " + address.to_string(), error_number);
  failure.message += cure_of_bind(error_number);
  return failure;
}

bool set_flag(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

bool kernel_has_ipv6() {
  const Fd probe = open_socket(AF_INET6, SOCK_DGRAM);
  return probe.valid() || errno != EAFNOSUPPORT;
}

Result<Fd, Failure> open_family(int family, const Address& address, const BindOptions& options) {
  Fd fd = open_socket(family, options.type);
  if (!fd.valid()) return Unexpected{bind_failure(address, errno)};
  bool set = true;
  if (family == AF_INET6) set = set && set_flag(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (options.type == SOCK_STREAM) set = set && set_flag(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (options.reuse_port) set = set && set_flag(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
  SocketAddress raw{};
  const socklen_t size = write_sockaddr(address, family, raw);
  if (!set || ::bind(fd.get(), &raw.generic, size) != 0) {
    return Unexpected{bind_failure(address, errno)};
  }
  return fd;
}

}  // namespace

void Fd::reset(int fd) {
  // The only errors of close() on Linux come after the descriptor is gone.
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Result<Fd, Failure> open_bound(const Address& address, const BindOptions& options) {
  if (address.is_v4()) return open_family(AF_INET, address, options);
  if (!is_any(address) || kernel_has_ipv6()) return open_family(AF_INET6, address, options);
  // Every address of such a host is an IPv4 one.
  return open_family(AF_INET, Address::v4(0, 0, 0, 0, address.port), options);
}

int socket_family(int fd) {
  SocketAddress raw{};
  socklen_t size = sizeof raw;
  return getsockname(fd, &raw.generic, &size) == 0 ? raw.generic.sa_family : AF_UNSPEC;
}

Address bound_address(int fd) {
  SocketAddress raw{};
  socklen_t size = sizeof raw;
  if (getsockname(fd, &raw.generic, &size) != 0) return {};
  return read_sockaddr(raw);
}

Address peer_address(int fd) {
  SocketAddress raw{};
  socklen_t size = sizeof raw;
  if (getpeername(fd, &raw.generic, &size) != 0) return {};
  return read_sockaddr(raw);
}

Failure system_failure(std::string_view what, int error_number) {
  return {std::string{what} + ": " + std::system_category().message(error_number)};
}

}  // namespace sluice::net
