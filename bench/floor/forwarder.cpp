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

#include "proto/base/bytes.h"

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

void FloorTag::write(std::byte* to) const {
  store_be<4>(to, flow);
  store_be<4>(to + 4, number);
}

FloorTag FloorTag::read(const std::byte* from) {
  return {static_cast<std::uint32_t>(load_be<4>(from)),
          static_cast<std::uint32_t>(load_be<4>(from + 4))};
}

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

/// Messages that leave with the next call, and their packets.
struct Forwarder::Sending {
  explicit Sending(std::size_t message_bytes)
      : message_bytes_max(message_bytes), arena(kMessagesPerCall * message_bytes) {}

  struct alignas(cmsghdr) Control {
    char bytes[CMSG_SPACE(sizeof(std::uint16_t))];
  };

  std::byte* room() { return arena.data() + count * message_bytes_max; }

  void add(sockaddr_in& to, std::size_t bytes, std::size_t segment_bytes) {
    parts[count] = {room(), bytes};
    msghdr& header = messages[count].msg_hdr;
    header = {};
    header.msg_iov = &parts[count];
    header.msg_iovlen = 1;
    header.msg_name = &to;
    header.msg_namelen = sizeof to;
    if (bytes > segment_bytes) {
      header.msg_control = control[count].bytes;
      header.msg_controllen = sizeof(Control);
      cmsghdr* const at = CMSG_FIRSTHDR(&header);
      at->cmsg_level = SOL_UDP;
      at->cmsg_type = UDP_SEGMENT;
      at->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
      const auto segment = static_cast<std::uint16_t>(segment_bytes);
      std::memcpy(CMSG_DATA(at), &segment, sizeof segment);
    }
    ++count;
  }

  std::size_t message_bytes_max, count = 0;
  std::uint64_t packets = 0;
  std::vector<std::byte> arena;
  std::array<iovec, kMessagesPerCall> parts{};
  std::array<mmsghdr, kMessagesPerCall> messages{};
  std::array<Control, kMessagesPerCall> control{};
};

Forwarder::Forwarder(const ForwarderSetup& setup, std::span<const sockaddr_in> sinks)
    : setup_(setup),
      receiving_(std::make_unique<Receiving>()),
      sending_(
          std::make_unique<Sending>(setup.burst_max * (setup.packet_bytes_max + kFloorTagBytes))) {
  for (std::uint32_t i = 0; i < sinks.size(); ++i) {
    sinks_.push_back({sinks[i], make_cipher(setup.cipher, i)});
  }
  const int on = 1, off = 0;
  for (const int option : {SO_RCVBUFFORCE, SO_SNDBUFFORCE, SO_RCVBUF, SO_SNDBUF}) {
    // The forced ones are for root; who is not gets what the system allows by the others.
    if (geteuid() == 0 && (option == SO_RCVBUF || option == SO_SNDBUF)) continue;
    setsockopt(socket_.fd(), SOL_SOCKET, option, &kBufferBytes, sizeof kBufferBytes);
  }
  if (setsockopt(socket_.fd(), SOL_UDP, UDP_SEGMENT, &off, sizeof off) != 0) {
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
    const std::size_t bytes = packet_bytes_of(message.msg_hdr, message.msg_len);
    if (bytes <= kFloorHeaderBytes || bytes > setup_.packet_bytes_max) continue;
    std::span<const std::byte> rest{receiving_->memory.data() + at * kMessageBytesMax,
                                    message.msg_len};
    while (!rest.empty()) {
      const auto burst = rest.first(std::min(rest.size(), setup_.burst_max * bytes));
      rest = rest.subspan(burst.size());
      forward(burst, bytes, counts);
    }
  }
  flush(counts);
  return got > 0;
}

/// Packets glued together came from one socket, and a pusher's socket sends one flow at a time.
void Forwarder::forward(std::span<const std::byte> packets, std::size_t packet_bytes,
                        ForwarderCounts& counts) {
  const FloorTag tag = FloorTag::read(packets.data());
  if (tag.flow == kFloorFeedback) return;
  const std::size_t own =
      setup_.flows_per_sink == 0 ? sinks_.size() : tag.flow / setup_.flows_per_sink;
  const std::size_t room = setup_.room_sinks == 0 ? sinks_.size() : setup_.room_sinks;
  const std::size_t first = own < sinks_.size() ? own / room * room : 0;
  counts.packets_in += (packets.size() + packet_bytes - 1) / packet_bytes;
  for (std::size_t i = first; i < std::min(first + room, sinks_.size()); ++i) {
    if (i == own) continue;
    copy_to(sinks_[i], packets, packet_bytes);
    if (sending_->count == kMessagesPerCall) flush(counts);
  }
}

void Forwarder::copy_to(Sink& sink, std::span<const std::byte> packets, std::size_t packet_bytes) {
  std::byte* out = sending_->room();
  std::size_t bytes = 0;
  for (auto rest = packets; rest.size() > kFloorHeaderBytes;) {
    const auto packet = rest.first(std::min(packet_bytes, rest.size()));
    rest = rest.subspan(packet.size());
    const std::size_t sealed = packet.size() + kFloorTagBytes;
    sink.cipher->write(load_be<8>(packet.data()), packet.subspan(kFloorHeaderBytes),
                       {out + bytes, sealed});
    bytes += sealed;
    ++sending_->packets;
  }
  sending_->add(sink.address, bytes, packet_bytes + kFloorTagBytes);
}

void Forwarder::flush(ForwarderCounts& counts) {
  if (sending_->count == 0) return;
  const int sent = ::sendmmsg(socket_.fd(), sending_->messages.data(),
                              static_cast<unsigned>(sending_->count), 0);
  ++counts.system_calls;
  // What the kernel does not take is missed by whoever counts copies.
  if (sent == static_cast<int>(sending_->count)) counts.packets_out += sending_->packets;
  sending_->count = 0;
  sending_->packets = 0;
}

}  // namespace sluice::bench
