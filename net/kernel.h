// What differs between the kernels we run on, as calls: net/linux takes what Linux gives (many
// messages a call, descriptors that are born non-blocking, fine timers), net/posix makes do with
// what macOS, iOS and the BSDs have as well. One of the two folders is compiled: the other one is
// for SLUICE_PORTABLE_IO, which is tested on Linux too.
#pragma once

#include <time.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include <sys/socket.h>
#include <sys/types.h>

#include "net/socket.h"
#include "net/udp_socket.h"

namespace sluice::net {

/// A new socket, non-blocking, that a child process does not inherit. Invalid: errno says why.
Fd open_socket(int family, int type);

/// accept() with a connection as open_socket() makes them.
Fd accept_socket(int fd);

/// Who is at the other end of a Unix connection; nothing when the kernel does not say.
std::optional<uid_t> user_of_peer(int fd);

#ifdef SLUICE_PORTABLE_IO
struct UdpMessage {
  msghdr msg_hdr;
  unsigned msg_len;
};
#else
using UdpMessage = mmsghdr;
#endif

/// As recvmmsg: how many came, at least one, with msg_len filled in; -1 and errno. Never blocks.
int receive_messages(int fd, std::span<UdpMessage> messages);

/// As sendmmsg: how many went, at least one; -1 and errno of the first.
int send_messages(int fd, std::span<UdpMessage> messages);

struct UdpFeatures {
  bool segmentation = false, coalescing = false, stamps = false;
  int receive_buffer_bytes = 0, send_buffer_bytes = 0;  // as granted
};

/// Sets all that a socket of ours wants. What the kernel refuses costs speed or a diagnosis, never
/// a datagram.
UdpFeatures set_up_udp(int fd, int family, const UdpConfig& config);

/// Of one received message.
struct UdpAncillary {
  std::size_t segment_bytes = 0;  // 0: one datagram
  std::uint8_t ecn = 0;
  std::optional<timespec> stamp;
  std::optional<std::uint32_t> kernel_drops;  // of the socket since it was opened; wraps
};

UdpAncillary read_ancillary(msghdr& header);

/// Ancillary data of one message. The union gives the alignment that CMSG_* asks for.
template <std::size_t kBytes>
union ControlBuffer {
  cmsghdr alignment;
  std::array<char, kBytes> bytes;
};

using SegmentControl = ControlBuffer<CMSG_SPACE(sizeof(std::uint16_t))>;

/// Has the kernel cut the message into datagrams. Only where set_up_udp() gave segmentation.
void ask_for_segments(msghdr& header, SegmentControl& control, std::uint16_t segment_bytes);

}  // namespace sluice::net
