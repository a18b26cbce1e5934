#include <algorithm>
#include <cstring>

#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include "net/kernel.h"

namespace sluice::net {

namespace {

constexpr std::uint8_t kEcnMask = 0x03;

bool set_option(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

/// The size the kernel grants; it books twice the asked size to pay for its own structures.
int set_buffer(int fd, int forced_option, int option, int bytes) {
  // The forced variant may exceed the system's limit but wants CAP_NET_ADMIN.
  if (!set_option(fd, SOL_SOCKET, forced_option, bytes)) {
    static_cast<void>(set_option(fd, SOL_SOCKET, option, bytes));
  }
  int granted = 0;
  socklen_t size = sizeof granted;
  if (getsockopt(fd, SOL_SOCKET, option, &granted, &size) != 0) return 0;
  return granted / 2;
}

template <class T>
T read_value(const cmsghdr* item) {
  T value{};
  std::memcpy(&value, CMSG_DATA(item), sizeof value);
  return value;
}

}  // namespace

int receive_messages(int fd, std::span<UdpMessage> messages) {
  return recvmmsg(fd, messages.data(), static_cast<unsigned>(messages.size()), MSG_DONTWAIT,
                  nullptr);
}

int send_messages(int fd, std::span<UdpMessage> messages) {
  return sendmmsg(fd, messages.data(), static_cast<unsigned>(messages.size()), 0);
}

UdpFeatures set_up_udp(int fd, int family, const UdpConfig& config) {
  UdpFeatures features;
  features.receive_buffer_bytes =
      set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, config.receive_buffer_bytes);
  features.send_buffer_bytes = set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, config.send_buffer_bytes);
  features.segmentation = config.segmentation && set_option(fd, SOL_UDP, UDP_SEGMENT, 0);
  features.coalescing = config.coalescing && set_option(fd, SOL_UDP, UDP_GRO, 1);
  features.stamps = config.kernel_stamps && set_option(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
  static_cast<void>(set_option(fd, SOL_SOCKET, SO_RXQ_OVFL, 1));
  // An IPv6 socket that serves IPv4 too needs both families' options. PROBE: never fragment, and do
  // not let ICMP messages, which anybody can forge, lower what we believe the path carries.
  static_cast<void>(set_option(fd, IPPROTO_IP, IP_RECVTOS, 1));
  static_cast<void>(set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE));
  if (family == AF_INET6) {
    static_cast<void>(set_option(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1));
    static_cast<void>(set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE));
  }
  return features;
}

UdpAncillary read_ancillary(msghdr& header) {
  UdpAncillary result;
  for (cmsghdr* at = CMSG_FIRSTHDR(&header); at != nullptr; at = CMSG_NXTHDR(&header, at)) {
    if (at->cmsg_level == SOL_UDP && at->cmsg_type == UDP_GRO) {
      result.segment_bytes = static_cast<std::size_t>(std::max(read_value<int>(at), 0));
    } else if (at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_TOS) {
      result.ecn = read_value<std::uint8_t>(at) & kEcnMask;
    } else if (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_TCLASS) {
      result.ecn = static_cast<std::uint8_t>(read_value<int>(at)) & kEcnMask;
    } else if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SO_TIMESTAMPNS) {
      result.stamp = read_value<timespec>(at);
    } else if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SO_RXQ_OVFL) {
      result.kernel_drops = read_value<std::uint32_t>(at);
    }
  }
  return result;
}

void ask_for_segments(msghdr& header, SegmentControl& control, std::uint16_t segment_bytes) {
  header.msg_control = control.bytes.data();
  header.msg_controllen = control.bytes.size();
  cmsghdr* item = CMSG_FIRSTHDR(&header);
  item->cmsg_level = SOL_UDP;
  item->cmsg_type = UDP_SEGMENT;
  item->cmsg_len = CMSG_LEN(sizeof segment_bytes);
  std::memcpy(CMSG_DATA(item), &segment_bytes, sizeof segment_bytes);
}

}  // namespace sluice::net
