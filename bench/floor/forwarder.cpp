#include "bench/floor/forwarder.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <netinet/udp.h>
#include <sys/socket.h>

namespace sluice::bench {
namespace {

constexpr unsigned kMessagesPerCall = 16;
constexpr std::size_t kMessageBytesMax = 65'536;  // what the kernel may have glued
constexpr int kBufferBytes = 4 << 20;  // as the relay's: neither loses where the other does not

[[noreturn]] void fail(const char* what) {
  throw std::system_error{errno, std::generic_category(), what};
}

/// A message's size is its packets' unless the kernel says that it glued them.
std::size_t packet_bytes_of(msghdr& header, std::size_t bytes) {
  for (cmsghdr* at = CMSG_FIRSTHDR(&header); at != nullptr; at = CMSG_NXTHDR(&header, at)) {
    if (at->cmsg_level != SOL_UDP || at->cmsg_type != UDP_GRO) continue;
    int segment = 0;
    std::memcpy(&segment, CMSG_DATA(at), sizeof segment);
    return static_cast<std::size_t>(segment);
  }
  return bytes;
}

}  // namespace

LoopbackSocket::LoopbackSocket() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd_ < 0) fail("a UDP socket for the floor");
  // The API's one type for all families is reached by this cast alone, here and below.
  if (::bind(fd_, reinterpret_cast<sockaddr*>(&any), sizeof any) != 0) fail("bind");
  socklen_t length = sizeof address_;
  getsockname(fd_, reinterpret_cast<sockaddr*>(&address_), &length);
}

LoopbackSocket::LoopbackSocket(LoopbackSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), address_(other.address_) {}

LoopbackSocket::~LoopbackSocket() {
  if (fd_ >= 0) ::close(fd_);
}

struct Forwarder::Receiving {
  Receiving() {
    for (unsigned i = 0; i < kMessagesPerCall; ++i) {
      parts[i] = {memory.data() + i * kMessageBytesMax, kMessageBytesMax};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
      messages[i].msg_hdr.msg_control = control[i].bytes;
    }
  }

  struct alignas(cmsghdr) Control {
    char bytes[CMSG_SPACE(sizeof(int))];
  };

  std::vector<std::byte> memory = std::vector<std::byte>(kMessagesPerCall * kMessageBytesMax);
  std::array<iovec, kMessagesPerCall> parts{};
  std::array<mmsghdr, kMessagesPerCall> messages{};
  std::array<Control, kMessagesPerCall> control{};
};

Forwarder::Forwarder(const ForwarderSetup& setup, std::span<const sockaddr_in> sinks)
    : setup_(setup),
      sealed_bytes_(kFloorHeaderBytes + setup.packet_bytes + kFloorTagBytes),
      receiving_(std::make_unique<Receiving>()),
      arena_(kMessagesPerCall * setup.burst_max * sealed_bytes_) {
  for (std::uint32_t i = 0; i < sinks.size(); ++i) {
    sinks_.push_back({sinks[i], make_cipher(setup.cipher, i), 0});
  }
  const int segment = static_cast<int>(sealed_bytes_), on = 1;
  for (const int option : {SO_RCVBUFFORCE, SO_SNDBUFFORCE, SO_RCVBUF, SO_SNDBUF}) {
    // The forced ones are for root; who is not gets what the system allows by the others.
    if (geteuid() == 0 && (option == SO_RCVBUF || option == SO_SNDBUF)) continue;
    setsockopt(socket_.fd(), SOL_SOCKET, option, &kBufferBytes, sizeof kBufferBytes);
  }
  if (setsockopt(socket_.fd(), SOL_UDP, UDP_SEGMENT, &segment, sizeof segment) != 0) {
    fail("UDP_SEGMENT, which the floor needs");
  }
  if (setsockopt(socket_.fd(), SOL_UDP, UDP_GRO, &on, sizeof on) != 0) {
    fail("UDP_GRO, which the floor needs");
  }
}

Forwarder::~Forwarder() = default;

bool Forwarder::turn(int wait_ms, ForwarderCounts& counts) {
  pollfd polled{socket_.fd(), POLLIN, 0};
  ++counts.system_calls;
  if (::poll(&polled, 1, wait_ms) <= 0) return false;
  for (mmsghdr& message : receiving_->messages) {
    message.msg_hdr.msg_controllen = sizeof(Receiving::Control);
  }
  const int got = ::recvmmsg(socket_.fd(), receiving_->messages.data(), kMessagesPerCall,
                             MSG_DONTWAIT, nullptr);
  ++counts.system_calls;
  for (int i = 0; i < got; ++i) {
    const auto at = static_cast<std::size_t>(i);
    mmsghdr& message = receiving_->messages[at];
    if (packet_bytes_of(message.msg_hdr, message.msg_len) != setup_.packet_bytes) continue;
    std::span<const std::byte> rest{receiving_->memory.data() + at * kMessageBytesMax,
                                    message.msg_len};
    while (!rest.empty()) {
      const auto burst = rest.first(std::min(rest.size(), setup_.burst_max * setup_.packet_bytes));
      rest = rest.subspan(burst.size());
      forward(burst, counts);
    }
  }
  return got > 0;
}

void Forwarder::forward(std::span<const std::byte> packets, ForwarderCounts& counts) {
  counts.packets_in += packets.size() / setup_.packet_bytes;
  for (std::span<Sink> rest{sinks_}; !rest.empty();) {
    const auto some = rest.first(std::min<std::size_t>(kMessagesPerCall, rest.size()));
    rest = rest.subspan(some.size());
    send_to(some, packets, counts);
  }
}

void Forwarder::send_to(std::span<Sink> sinks, std::span<const std::byte> packets,
                        ForwarderCounts& counts) {
  const std::size_t count = packets.size() / setup_.packet_bytes;
  std::array<iovec, kMessagesPerCall> parts{};
  std::array<mmsghdr, kMessagesPerCall> messages{};
  for (std::size_t i = 0; i < sinks.size(); ++i) {
    std::byte* const run = arena_.data() + i * setup_.burst_max * sealed_bytes_;
    for (std::size_t p = 0; p < count; ++p) {
      sinks[i].cipher->write(sinks[i].next_number++,
                             packets.subspan(p * setup_.packet_bytes, setup_.packet_bytes),
                             {run + p * sealed_bytes_, sealed_bytes_});
    }
    parts[i] = {run, count * sealed_bytes_};
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
    messages[i].msg_hdr.msg_name = &sinks[i].address;
    messages[i].msg_hdr.msg_namelen = sizeof(sockaddr_in);
  }
  const int sent =
      ::sendmmsg(socket_.fd(), messages.data(), static_cast<unsigned>(sinks.size()), 0);
  ++counts.system_calls;
  if (sent > 0) counts.packets_out += static_cast<std::uint64_t>(sent) * count;
}

}  // namespace sluice::bench
