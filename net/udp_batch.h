// The memory behind UdpSocket, allocated once when it is bound: the arrays that messages are
// received into and sent from, the buffers datagrams arrive in, and the backlog that keeps runs
// while the socket would block. Included by udp_socket.cpp and udp_send.cpp alone.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <sys/socket.h>

#include "net/address.h"
#include "net/kernel.h"
#include "net/udp_socket.h"

namespace sluice::net {

/// Messages of one recvmmsg or sendmmsg: at 64 the call itself is 1 % of the cost; beyond, only
/// latency.
inline constexpr std::size_t kUdpMessagesMax = 64;

/// Datagrams of one message: UDP_MAX_SEGMENTS of kernels before 6.9, and UDP_GRO_CNT_MAX.
inline constexpr std::size_t kUdpSegmentsMax = 64;

/// Largest payload of one message, less than 65507 by the IPv6 header's share.
inline constexpr std::size_t kUdpMessageBytesMax = 65'000;

/// Buffer of a message: all that UDP_GRO can glue; without it any datagram of ours and some to tell
/// it from a longer one.
inline constexpr std::size_t kCoalescedBufferBytes = 64U << 10U;
inline constexpr std::size_t kSingleBufferBytes = 2048;

/// Between two buffers: at a distance of 64 KiB the first lines of all of them, which is all that
/// small messages have, would fall to the same few places of a cache.
inline constexpr std::size_t kBufferShiftBytes = 192;

/// Runs the backlog keeps besides its limit in bytes.
inline constexpr std::size_t kUdpBacklogRunsMax = 1024;

struct UdpSocket::ReceiveArena {
  explicit ReceiveArena(std::size_t bytes_per_message);

  /// Makes the headers ready for the next recvmmsg: the kernel wrote lengths into them.
  void prepare();

  MutableBytes message(std::size_t index) {
    return {static_cast<std::byte*>(buffers[index].iov_base), headers[index].msg_len};
  }

  /// UDP_GRO, traffic class, time stamp, overflow count.
  static constexpr std::size_t kControlBytes = CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(int)) +
                                               CMSG_SPACE(sizeof(timespec)) +
                                               CMSG_SPACE(sizeof(std::uint32_t));

  std::unique_ptr<std::byte[]> memory;
  std::array<UdpMessage, kUdpMessagesMax> headers{};
  std::array<iovec, kUdpMessagesMax> buffers{};
  std::array<SocketAddress, kUdpMessagesMax> names{};
  std::array<ControlBuffer<kControlBytes>, kUdpMessagesMax> control{};
  std::vector<ReceivedDatagram> datagrams;  // never grows beyond what was reserved
};

struct UdpSocket::SendQueue {
  explicit SendQueue(std::size_t backlog_bytes_max);

  bool empty() const { return head == runs.size(); }

  std::size_t size() const { return runs.size() - head; }

  /// Fills the headers from the front of the queue, one message a run, or one a datagram.
  std::size_t build(int family, bool segmentation);

  /// Takes the first `messages` of the last build() off the queue; returns their datagrams.
  std::size_t advance(std::size_t messages);

  /// Removes the first run; returns its datagrams.
  std::size_t drop_front();

  /// Copies the callers' runs into the backlog; returns the datagrams it had no room for.
  std::size_t keep();

  static std::size_t datagrams_of(const UdpRun& run);

  std::vector<UdpRun> runs;  // [head, kept) lie in the backlog, [kept, end) in the callers' memory
  std::size_t head = 0;
  std::size_t kept = 0;
  std::size_t backlog_bytes_max;
  std::size_t backlog_used = 0;
  std::unique_ptr<std::byte[]> backlog;
  std::array<UdpMessage, kUdpMessagesMax> headers{};
  std::array<iovec, kUdpMessagesMax> buffers{};
  std::array<SocketAddress, kUdpMessagesMax> names{};
  std::array<SegmentControl, kUdpMessagesMax> control{};

 private:
  void fill(std::size_t index, const UdpRun& run, std::size_t bytes, int family);
  bool keep_one(UdpRun& run);
  void compact();
};

}  // namespace sluice::net
