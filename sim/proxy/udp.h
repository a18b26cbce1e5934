// The few socket calls that test programs need, owned. Blocking nowhere; errors are thrown, as
// tests may. Not the relay's UDP code on purpose: a tool that shared it would share its mistakes.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include <sys/socket.h>

#include "proto/base/bytes.h"

namespace sluice::sim {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  /// "192.0.2.1:443" or "[::1]:443"; numeric only. Throws std::runtime_error.
  static SocketAddress parse(const std::string& text);

  std::string to_string() const;

  bool operator==(const SocketAddress& other) const;

  sockaddr* data();
  const sockaddr* data() const;
};

class UdpSocket {
 public:
  /// Non-blocking and bound to `local`, with 4 MiB of receive buffer asked for.
  explicit UdpSocket(const SocketAddress& local);

  /// Bound to any port of the family of `peer`, and connected to it.
  static UdpSocket connected_to(const SocketAddress& peer);

  UdpSocket(UdpSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

  UdpSocket& operator=(UdpSocket&& other) noexcept;
  ~UdpSocket();

  int fd() const { return fd_; }

  SocketAddress local() const;

  /// The bytes received into `buffer`, or nothing when none wait. A datagram of 0 bytes is a
  /// datagram.
  std::optional<Bytes> receive(MutableBytes buffer, SocketAddress& from) const;

  /// Refusals of the kernel are losses like any other: a full buffer, or nobody at the other end.
  void send(Bytes datagram) const;
  void send_to(const SocketAddress& to, Bytes datagram) const;

 private:
  int fd_;
};

}  // namespace sluice::sim
