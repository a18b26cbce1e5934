#include <cstring>

#include <netinet/in.h>
#include <sys/socket.h>

#include "net/kernel.h"
#include "proto/base/check.h"

namespace sluice::net {

namespace {

constexpr std::uint8_t kEcnMask = 0x03;

void set_option(int fd, int level, int option, int value) {
  static_cast<void>(setsockopt(fd, level, option, &value, sizeof value));
}

/// A kernel that refuses the size keeps its own: asked again with half, down to 64 KiB.
int set_buffer(int fd, int option, int bytes) {
  constexpr int kWorthAsking = 64 << 10;
  while (setsockopt(fd, SOL_SOCKET, option, &bytes, sizeof bytes) != 0 && bytes > kWorthAsking) {
    bytes /= 2;
  }
  int granted = 0;
  socklen_t size = sizeof granted;
  return getsockopt(fd, SOL_SOCKET, option, &granted, &size) == 0 ? granted : 0;
}

/// Linux and the BSDs give the traffic class as a byte or as an int; either way the least of it is
/// in the first byte on machines of ours.
std::uint8_t ecn_of(const cmsghdr* item) {
  if (item->cmsg_len < CMSG_LEN(sizeof(int))) {
    return *reinterpret_cast<const std::uint8_t*>(CMSG_DATA(item)) & kEcnMask;
  }
  int value = 0;
  std::memcpy(&value, CMSG_DATA(item), sizeof value);
  return static_cast<std::uint8_t>(value) & kEcnMask;
}

}  // namespace

int receive_messages(int fd, std::span<UdpMessage> messages) {
  int received = 0;
  for (UdpMessage& message : messages) {
    const ssize_t bytes = recvmsg(fd, &message.msg_hdr, 0);
    if (bytes < 0) return received > 0 ? received : -1;
    message.msg_len = static_cast<unsigned>(bytes);
    ++received;
  }
  return received;
}

int send_messages(int fd, std::span<UdpMessage> messages) {
  int sent = 0;
  for (const UdpMessage& message : messages) {
    if (sendmsg(fd, &message.msg_hdr, 0) < 0) return sent > 0 ? sent : -1;
    ++sent;
  }
  return sent;
}

UdpFeatures set_up_udp(int fd, int family, const UdpConfig& config) {
  UdpFeatures features;
  features.receive_buffer_bytes = set_buffer(fd, SO_RCVBUF, config.receive_buffer_bytes);
  features.send_buffer_bytes = set_buffer(fd, SO_SNDBUF, config.send_buffer_bytes);
#ifdef IP_RECVTOS
  set_option(fd, IPPROTO_IP, IP_RECVTOS, 1);
#endif
#ifdef IP_DONTFRAG
  set_option(fd, IPPROTO_IP, IP_DONTFRAG, 1);
#endif
  if (family != AF_INET6) return features;
#ifdef IPV6_RECVTCLASS
  set_option(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
#endif
#ifdef IPV6_DONTFRAG
  set_option(fd, IPPROTO_IPV6, IPV6_DONTFRAG, 1);
#endif
  return features;
}

UdpAncillary read_ancillary(msghdr& header) {
  UdpAncillary result;
  for (cmsghdr* at = CMSG_FIRSTHDR(&header); at != nullptr; at = CMSG_NXTHDR(&header, at)) {
    bool is_class = at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_TOS;
#ifdef IP_RECVTOS
    // The BSDs name the item as the option that asked for it.
    is_class = is_class || (at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_RECVTOS);
#endif
#ifdef IPV6_TCLASS
    is_class = is_class || (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_TCLASS);
#endif
    if (is_class) result.ecn = ecn_of(at);
  }
  return result;
}

void ask_for_segments(msghdr&, SegmentControl&, std::uint16_t) {
  CHECK(false);  // set_up_udp() never gives segmentation
}

}  // namespace sluice::net
