// Fd owns a descriptor; open_bound() makes the bound sockets of UDP and TCP alike, so that dual
// stack, address reuse and the wording of bind errors exist once. Address "::" (what ":PORT" parses
// to) gives one AF_INET6 socket that serves IPv4 too, or an AF_INET one where the kernel has no
// IPv6; an IPv4 address gives an AF_INET socket.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "proto/base/address.h"
#include "proto/base/result.h"

namespace sluice::net {

class Fd {
 public:
  Fd() = default;

  explicit Fd(int fd) : fd_(fd) {}

  ~Fd() { reset(); }

  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }

  int get() const { return fd_; }

  bool valid() const { return fd_ >= 0; }

  /// Gives the descriptor away.
  int release() { return std::exchange(fd_, -1); }

  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

struct BindOptions {
  int type = 0;             // SOCK_DGRAM or SOCK_STREAM
  bool reuse_port = false;  // SO_REUSEPORT: several sockets, one port
};

/// A non-blocking, close-on-exec socket bound to `address`; TCP ones get SO_REUSEADDR. The Failure
/// names the address and the cure.
Result<Fd, Failure> open_bound(const Address& address, const BindOptions& options);

/// AF_INET or AF_INET6.
int socket_family(int fd);

/// Where the socket is bound: the port is known also when 0 was asked for.
Address bound_address(int fd);

/// Whom a connected socket leads to; all zero when it is none.
Address peer_address(int fd);

/// "what: No such file or directory".
Failure system_failure(std::string_view what, int error_number);

}  // namespace sluice::net
