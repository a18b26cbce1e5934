#include "sim/proxy/udp.h"

#include <netdb.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include <netinet/in.h>

namespace sluice::sim {

namespace {

constexpr int kReceiveBufferBytes = 4 << 20;

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error{errno, std::generic_category(), what};
}

}  // namespace

SocketAddress SocketAddress::parse(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) throw std::runtime_error{text + " is not HOST:PORT"};
  std::string host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), text.substr(colon + 1).c_str(), &hints, &found) != 0) {
    throw std::runtime_error{text + " is not a numeric HOST:PORT"};
  }
  SocketAddress result;
  std::memcpy(&result.storage, found->ai_addr, found->ai_addrlen);
  result.length = found->ai_addrlen;
  freeaddrinfo(found);
  return result;
}

std::string SocketAddress::to_string() const {
  char host[NI_MAXHOST], port[NI_MAXSERV];
  if (getnameinfo(data(), length, host, sizeof host, port, sizeof port,
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return "?";
  }
  const bool v6 = storage.ss_family == AF_INET6;
  return (v6 ? "[" : "") + std::string{host} + (v6 ? "]:" : ":") + port;
}

bool SocketAddress::operator==(const SocketAddress& other) const {
  return length == other.length && std::memcmp(&storage, &other.storage, length) == 0;
}

// The socket interface names every address by its first member's type.
sockaddr* SocketAddress::data() { return reinterpret_cast<sockaddr*>(&storage); }

const sockaddr* SocketAddress::data() const { return reinterpret_cast<const sockaddr*>(&storage); }

UdpSocket::UdpSocket(const SocketAddress& local)
    : fd_(::socket(local.storage.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
  if (fd_ < 0) fail("socket");
  // The kernel may grant less; then bursts are lost here, and the counters of the relay show it.
  setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &kReceiveBufferBytes, sizeof kReceiveBufferBytes);
  if (::bind(fd_, local.data(), local.length) != 0) {
    const int error = errno;
    ::close(fd_);
    errno = error;
    fail("bind " + local.to_string());
  }
}

UdpSocket UdpSocket::connected_to(const SocketAddress& peer) {
  UdpSocket socket{
      SocketAddress::parse(peer.storage.ss_family == AF_INET6 ? "[::]:0" : "0.0.0.0:0")};
  if (::connect(socket.fd_, peer.data(), peer.length) != 0) fail("connect " + peer.to_string());
  return socket;
}

UdpSocket& UdpSocket::operator=(UdpSocket&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

UdpSocket::~UdpSocket() {
  if (fd_ >= 0) ::close(fd_);
}

SocketAddress UdpSocket::local() const {
  SocketAddress result;
  result.length = sizeof result.storage;
  if (::getsockname(fd_, result.data(), &result.length) != 0) fail("getsockname");
  return result;
}

std::optional<Bytes> UdpSocket::receive(MutableBytes buffer, SocketAddress& from) const {
  for (;;) {
    from.length = sizeof from.storage;
    const ssize_t received =
        ::recvfrom(fd_, buffer.data(), buffer.size(), 0, from.data(), &from.length);
    if (received >= 0) return buffer.first(static_cast<std::size_t>(received));
    // A refused connection is the answer to an earlier send and says nothing about what waits here.
    if (errno != EINTR && errno != ECONNREFUSED) return std::nullopt;
  }
}

void UdpSocket::send(Bytes datagram) const {
  static_cast<void>(::send(fd_, datagram.data(), datagram.size(), 0));
}

void UdpSocket::send_to(const SocketAddress& to, Bytes datagram) const {
  static_cast<void>(::sendto(fd_, datagram.data(), datagram.size(), 0, to.data(), to.length));
}

}  // namespace sluice::sim
