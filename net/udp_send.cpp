#include <algorithm>
#include <cerrno>
#include <cstring>

#include "net/udp_batch.h"
#include "net/udp_socket.h"
#include "proto/base/check.h"

namespace sluice::net {

namespace {

SendError classify(int error_number) {
  switch (error_number) {
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case EDESTADDRREQ:  // an IPv6 address on an IPv4 socket, for which no name can be written
      return SendError::kUnreachable;
    case ECONNREFUSED:
      return SendError::kRefused;
    case EMSGSIZE:
      return SendError::kTooLarge;
    case EPERM:
    case EACCES:
      return SendError::kForbidden;
    case ENOBUFS:
    case ENOMEM:
      return SendError::kNoMemory;
    default:
      return SendError::kOther;
  }
}

/// What a kernel or device answers that cannot cut a message into datagrams: EIO when the route has
/// no checksum offload, EINVAL and the others when the kernel does not know or want UDP_SEGMENT
/// here.
bool may_refuse_segmentation(int error_number) {
  return error_number == EIO || error_number == EINVAL || error_number == ENOPROTOOPT ||
         error_number == EOPNOTSUPP;
}

}  // namespace

UdpSocket::SendQueue::SendQueue(std::size_t backlog_limit)
    : backlog_bytes_max(backlog_limit),
      backlog(std::make_unique_for_overwrite<std::byte[]>(backlog_limit)) {
  runs.reserve(kUdpBacklogRunsMax + kUdpMessagesMax);
}

std::size_t UdpSocket::SendQueue::datagrams_of(const UdpRun& run) {
  if (run.segment_bytes == 0) return 1;
  return (run.bytes.size() + run.segment_bytes - 1) / run.segment_bytes;
}

std::size_t UdpSocket::SendQueue::build(int family, bool segmentation) {
  std::size_t messages = 0;
  for (std::size_t at = head; at < runs.size() && messages < kUdpMessagesMax; ++at) {
    const UdpRun& run = runs[at];
    if (segmentation || run.segment_bytes == 0) {
      fill(messages++, run, run.bytes.size(), family);
      continue;
    }
    UdpRun rest = run;
    for (; !rest.bytes.empty() && messages < kUdpMessagesMax; ++messages) {
      const std::size_t bytes = std::min<std::size_t>(run.segment_bytes, rest.bytes.size());
      fill(messages, rest, bytes, family);
      rest.bytes = rest.bytes.subspan(bytes);
    }
  }
  return messages;
}

void UdpSocket::SendQueue::fill(std::size_t index, const UdpRun& run, std::size_t bytes,
                                int family) {
  // The kernel only reads what is sent; msghdr has no const variant.
  buffers[index] = {const_cast<std::byte*>(run.bytes.data()), bytes};
  msghdr& header = headers[index].msg_hdr;
  header = {};
  header.msg_name = &names[index];
  header.msg_namelen = write_sockaddr(run.to, family, names[index]);
  header.msg_iov = &buffers[index];
  header.msg_iovlen = 1;
  if (run.segment_bytes == 0 || bytes <= run.segment_bytes) return;
  ask_for_segments(header, control[index], run.segment_bytes);
}

std::size_t UdpSocket::SendQueue::advance(std::size_t messages) {
  std::size_t datagrams = 0;
  for (std::size_t i = 0; i < messages; ++i) {
    UdpRun& run = runs[head];
    const std::size_t before = datagrams_of(run);
    run.bytes = run.bytes.subspan(buffers[i].iov_len);
    if (run.bytes.empty()) ++head;
    datagrams += run.bytes.empty() ? before : before - datagrams_of(run);
  }
  kept = std::max(kept, head);
  return datagrams;
}

std::size_t UdpSocket::SendQueue::drop_front() {
  const std::size_t datagrams = datagrams_of(runs[head]);
  ++head;
  kept = std::max(kept, head);
  return datagrams;
}

std::size_t UdpSocket::SendQueue::keep() {
  compact();
  std::size_t dropped = 0;
  const auto first = runs.begin() + static_cast<std::ptrdiff_t>(kept);
  const auto refused = std::remove_if(first, runs.end(), [&](UdpRun& run) {
    if (keep_one(run)) return false;
    dropped += datagrams_of(run);
    return true;
  });
  runs.erase(refused, runs.end());
  kept = runs.size();
  return dropped;
}

bool UdpSocket::SendQueue::keep_one(UdpRun& run) {
  if (kept == kUdpBacklogRunsMax || backlog_used + run.bytes.size() > backlog_bytes_max)
    return false;
  std::memcpy(backlog.get() + backlog_used, run.bytes.data(), run.bytes.size());
  run.bytes = {backlog.get() + backlog_used, run.bytes.size()};
  backlog_used += run.bytes.size();
  ++kept;
  return true;
}

/// Moves what is left to the front of the arrays. At most backlog_bytes_max bytes, only while
/// blocked.
void UdpSocket::SendQueue::compact() {
  if (head == 0) return;
  runs.erase(runs.begin(), runs.begin() + static_cast<std::ptrdiff_t>(head));
  kept -= head;
  head = 0;
  backlog_used = 0;
  for (std::size_t i = 0; i < kept; ++i) {
    std::memmove(backlog.get() + backlog_used, runs[i].bytes.data(), runs[i].bytes.size());
    runs[i].bytes = {backlog.get() + backlog_used, runs[i].bytes.size()};
    backlog_used += runs[i].bytes.size();
  }
}

void UdpSocket::send(const UdpRun& run) {
  UdpRun rest = run;
  if (run.segment_bytes >= run.bytes.size()) rest.segment_bytes = 0;
  const std::size_t bytes_max =
      rest.segment_bytes == 0
          ? rest.bytes.size()
          : rest.segment_bytes * std::clamp<std::size_t>(kUdpMessageBytesMax / rest.segment_bytes,
                                                         1, kUdpSegmentsMax);
  while (!rest.bytes.empty()) {
    UdpRun part = rest;
    part.bytes = rest.bytes.first(std::min(bytes_max, rest.bytes.size()));
    if (part.bytes.size() <= part.segment_bytes) part.segment_bytes = 0;
    rest.bytes = rest.bytes.subspan(part.bytes.size());
    queue_->runs.push_back(part);
    if (queue_->runs.size() - queue_->kept == kUdpMessagesMax) flush();
  }
}

void UdpSocket::flush() {
  if (!blocked_) send_queued();
  if (queue_->empty()) return;
  counters_.datagrams_dropped.add(queue_->keep());
}

std::size_t UdpSocket::backlog_runs() const { return queue_->kept - queue_->head; }

void UdpSocket::send_queued() {
  while (!queue_->empty()) {
    const std::size_t messages = queue_->build(family_, segmentation_);
    counters_.send_calls.add();
    const int sent = send_messages(fd_.get(), std::span{queue_->headers}.first(messages));
    if (sent > 0) {
      count_sent(static_cast<std::size_t>(sent));
    } else if (!handle_send_error(errno)) {
      return;
    }
  }
  queue_->runs.clear();
  queue_->head = queue_->kept = queue_->backlog_used = 0;
}

void UdpSocket::count_sent(std::size_t messages) {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < messages; ++i) bytes += queue_->buffers[i].iov_len;
  counters_.messages_out.add(messages);
  counters_.bytes_out.add(bytes);
  counters_.datagrams_out.add(queue_->advance(messages));
}

/// What to do about the first message, which was not sent. False: nothing more can be sent now.
bool UdpSocket::handle_send_error(int error_number) {
  const bool segmented = segmentation_ && queue_->runs[queue_->head].segment_bytes != 0;
  if (segmented && may_refuse_segmentation(error_number)) {
    // A bad address or a small MTU gives the same numbers: only if the run's first datagram goes
    // alone was it the segmentation that the kernel refused. Otherwise one peer could switch it off
    // for all.
    queue_->build(family_, false);
    counters_.send_calls.add();
    if (sendmsg(fd_.get(), &queue_->headers[0].msg_hdr, 0) >= 0) {
      segmentation_ = false;
      count_sent(1);
      return true;
    }
    error_number = errno;
  }
  if (error_number == EAGAIN || error_number == EWOULDBLOCK) {
    counters_.would_block.add();
    blocked_ = true;
    poll_.watch(Poll::kReadable | Poll::kWritable);
    return false;
  }
  const SendError error = classify(error_number);
  counters_.send_errors[static_cast<std::size_t>(error)].add();
  // An ICMP answer to an earlier datagram, to whomever; this one was not tried. Asking cleared it.
  if (error == SendError::kRefused) return true;
  counters_.datagrams_dropped.add(queue_->drop_front());
  return true;
}

}  // namespace sluice::net
