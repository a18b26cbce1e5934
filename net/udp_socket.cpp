#include "net/udp_socket.h"

#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "net/udp_batch.h"
#include "proto/base/check.h"

namespace sluice::net {

namespace {

/// Batches a wake-up reads before timers and other sockets have their turn: 256 messages.
constexpr int kRoundsMax = 4;

Duration since_epoch(const timespec& at) {
  return Duration{std::int64_t{at.tv_sec} * 1'000'000 + at.tv_nsec / 1000};
}

/// Kernel stamps are wall-clock: what to add to one to make it an Instant.
Duration wall_to_monotonic(Instant now) {
  timespec wall{};
  clock_gettime(CLOCK_REALTIME, &wall);
  return now.time_since_epoch() - since_epoch(wall);
}

}  // namespace

UdpSocket::ReceiveArena::ReceiveArena(std::size_t bytes_per_message)
    : memory(std::make_unique_for_overwrite<std::byte[]>(kUdpMessagesMax *
                                                         (bytes_per_message + kBufferShiftBytes))) {
  datagrams.reserve(kUdpMessagesMax * kUdpSegmentsMax);
  for (std::size_t i = 0; i < kUdpMessagesMax; ++i) {
    buffers[i] = {memory.get() + i * (bytes_per_message + kBufferShiftBytes), bytes_per_message};
    headers[i].msg_hdr.msg_iov = &buffers[i];
    headers[i].msg_hdr.msg_iovlen = 1;
    headers[i].msg_hdr.msg_name = &names[i];
    headers[i].msg_hdr.msg_control = control[i].bytes.data();
  }
}

void UdpSocket::ReceiveArena::prepare() {
  for (UdpMessage& header : headers) {
    header.msg_hdr.msg_namelen = sizeof(SocketAddress);
    header.msg_hdr.msg_controllen = kControlBytes;
    header.msg_hdr.msg_flags = 0;
  }
}

UdpSocket::UdpSocket(Loop& loop, Callback<const ReceivedBatch&> on_batch)
    : loop_(loop),
      on_batch_(on_batch),
      poll_(loop, Callback<unsigned>::to<&UdpSocket::handle_ready>(this)) {}

UdpSocket::~UdpSocket() = default;

Status<Failure> UdpSocket::open(const Address& bind_to, const UdpConfig& config) {
  if (auto bound = bind(bind_to, config); !bound) return bound;
  return start();
}

Status<Failure> UdpSocket::bind(const Address& bind_to, const UdpConfig& config) {
  auto fd = open_bound(bind_to, {.type = SOCK_DGRAM, .reuse_port = config.reuse_port});
  if (!fd) return Unexpected{fd.error()};
  fd_ = std::move(*fd);
  family_ = socket_family(fd_.get());
  address_ = bound_address(fd_.get());
  configure(config);
  receive_ =
      std::make_unique<ReceiveArena>(coalescing_ ? kCoalescedBufferBytes : kSingleBufferBytes);
  queue_ = std::make_unique<SendQueue>(config.backlog_bytes_max);
  return Done{};
}

std::size_t UdpSocket::memory_bytes(const UdpConfig& config) {
  const std::size_t message = config.coalescing ? kCoalescedBufferBytes : kSingleBufferBytes;
  return kUdpMessagesMax * (message + kBufferShiftBytes) + sizeof(ReceiveArena) +
         kUdpMessagesMax * kUdpSegmentsMax * sizeof(ReceivedDatagram) + config.backlog_bytes_max +
         sizeof(SendQueue) + (kUdpBacklogRunsMax + kUdpMessagesMax) * sizeof(UdpRun);
}

Status<Failure> require_unused_udp_port(const Address& address) {
  // Bound without SO_REUSEPORT and closed at once; whoever takes the port in between shares it.
  auto fd = open_bound(address, {.type = SOCK_DGRAM, .reuse_port = false});
  if (!fd) return Unexpected{fd.error()};
  return Done{};
}

Status<Failure> UdpSocket::start() {
  if (auto opened = poll_.open(fd_.get()); !opened) return opened;
  poll_.watch(Poll::kReadable);
  return Done{};
}

void UdpSocket::configure(const UdpConfig& config) {
  const UdpFeatures features = set_up_udp(fd_.get(), family_, config);
  segmentation_ = features.segmentation;
  coalescing_ = features.coalescing;
  stamps_ = features.stamps;
  receive_buffer_bytes_ = features.receive_buffer_bytes;
  send_buffer_bytes_ = features.send_buffer_bytes;
}

void UdpSocket::handle_ready(unsigned events) {
  if ((events & Poll::kWritable) != 0 && blocked_) {
    blocked_ = false;
    send_queued();
    if (!blocked_) poll_.watch(Poll::kReadable);
  }
  if ((events & Poll::kReadable) == 0) return;
  for (int round = 0; round < kRoundsMax; ++round) {
    if (!receive_round()) return;
  }
}

/// True when more may be waiting.
bool UdpSocket::receive_round() {
  receive_->prepare();
  counters_.receive_calls.add();
  const int received = receive_messages(fd_.get(), receive_->headers);
  if (received < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return false;
    // ECONNREFUSED and its kin report an ICMP answer to something sent earlier; reading clears
    // them. Links find dead peers by their own timers, which nobody can forge.
    counters_.receive_errors.add();
    return true;
  }
  deliver(static_cast<std::size_t>(received));
  return static_cast<std::size_t>(received) == kUdpMessagesMax;
}

void UdpSocket::deliver(std::size_t messages) {
  const Instant now = loop_.refresh_now();
  const Duration wall_offset = stamps_ ? wall_to_monotonic(now) : Duration{};
  auto& datagrams = receive_->datagrams;
  datagrams.clear();
  for (std::size_t i = 0; i < messages; ++i) {
    msghdr& header = receive_->headers[i].msg_hdr;
    const UdpAncillary ancillary = read_ancillary(header);
    if (ancillary.kernel_drops) {
      counters_.kernel_receive_drops.add(*ancillary.kernel_drops - kernel_drops_);
      kernel_drops_ = *ancillary.kernel_drops;
    }
    if ((header.msg_flags & MSG_TRUNC) != 0) {
      counters_.truncated.add();
      continue;
    }
    ReceivedDatagram datagram{};
    datagram.from = read_sockaddr(receive_->names[i]);
    datagram.ecn = ancillary.ecn;
    if (ancillary.stamp)
      datagram.received_at = Instant{since_epoch(*ancillary.stamp) + wall_offset};
    MutableBytes rest = receive_->message(i);
    counters_.messages_in.add();
    counters_.bytes_in.add(rest.size());
    const std::size_t step = ancillary.segment_bytes == 0 ? rest.size() : ancillary.segment_bytes;
    do {
      if (datagrams.size() == datagrams.capacity()) {
        on_batch_({now, datagrams});
        datagrams.clear();
      }
      datagram.bytes = rest.first(std::min(step, rest.size()));
      rest = rest.subspan(datagram.bytes.size());
      datagrams.push_back(datagram);
      counters_.datagrams_in.add();
    } while (!rest.empty());
  }
  if (!datagrams.empty()) on_batch_({now, datagrams});
}

}  // namespace sluice::net
