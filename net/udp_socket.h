// UdpSocket: datagrams in batches. Reading: recvmmsg of up to 64 messages, each of which UDP_GRO
// may have glued from up to 64 datagrams of one sender; the caller gets them split, with one clock
// read a batch, at most 4 batches a wake-up so that timers are not starved. Writing: runs
// (equal-sized packets to one address, one UDP_SEGMENT message each) are queued by send() and leave
// with flush() in as few sendmmsg calls as possible; what the kernel does not take is copied, kept
// in order and sent when the socket becomes writable. Where the kernel or a device refuses
// UDP_SEGMENT or UDP_GRO the same calls work datagram by datagram. One thread; the counters may be
// read from any.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "net/callback.h"
#include "net/counter.h"
#include "net/loop.h"
#include "net/socket.h"
#include "proto/base/address.h"
#include "proto/base/bytes.h"
#include "proto/base/result.h"
#include "proto/base/time.h"

namespace sluice::net {

struct UdpConfig {
  bool reuse_port = false;
  /// Asked of the kernel, which may give less (net.core.rmem_max); read back by *_buffer_bytes().
  /// 4 MiB: 30 ms of 1 Gbit/s while the thread is busy elsewhere. Half loses packets in such a
  /// pause.
  int receive_buffer_bytes = 4 << 20;
  int send_buffer_bytes = 4 << 20;
  /// False: as if the kernel had refused.
  bool segmentation = true;
  bool coalescing = true;
  /// Kernel receive times (SO_TIMESTAMPNS) in ReceivedDatagram::received_at; costs 50 ns a message.
  bool kernel_stamps = false;
  /// Bytes kept while the socket would block; a run beyond it is dropped and counted (the newest:
  /// what waits is older and nearer to its deadline). 1 MiB: 16 full runs. 0 keeps nothing.
  std::size_t backlog_bytes_max = 1U << 20U;
};

struct ReceivedDatagram {
  Address from;
  MutableBytes bytes;    // may be decrypted in place; gone when the callback returns
  std::uint8_t ecn = 0;  // the two ECN bits
  std::optional<Instant> received_at;
};

struct ReceivedBatch {
  Instant now;  // the one clock read
  std::span<ReceivedDatagram> datagrams;
};

/// Packets to one address, each `segment_bytes` bytes but the last, which may be shorter.
/// segment_bytes 0: one datagram. The bytes must stay until flush() has returned.
struct UdpRun {
  Address to;
  Bytes bytes;
  std::uint16_t segment_bytes = 0;
};

enum class SendError : std::uint8_t {
  kUnreachable,  // no route, network or host down
  kRefused,      // an ICMP error of an earlier datagram
  kTooLarge,     // more than the device's MTU
  kForbidden,    // a packet filter said no
  kNoMemory,
  kOther,
  kCount,
};

struct UdpCounters {
  Counter datagrams_in, bytes_in, messages_in, receive_calls;
  Counter datagrams_out, bytes_out, messages_out, send_calls;
  Counter would_block;
  Counter datagrams_dropped;  // backlog full, or refused by the kernel
  Counter receive_errors;
  Counter truncated;             // longer than the buffer: not one of ours
  Counter kernel_receive_drops;  // SO_RXQ_OVFL: the receive buffer was full
  std::array<Counter, static_cast<std::size_t>(SendError::kCount)> send_errors;
};

class UdpSocket {
 public:
  /// The callback must not destroy the socket.
  UdpSocket(Loop& loop, Callback<const ReceivedBatch&> on_batch);
  ~UdpSocket();

  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;

  /// Binds and starts to read. Port 0 lets the kernel choose.
  Status<Failure> open(const Address& bind_to, const UdpConfig& config);

  /// In two steps, for a group that steers (attach_steering): all sockets are bound in their order
  /// before the first one reads, here or in another thread.
  Status<Failure> bind(const Address& bind_to, const UdpConfig& config);
  Status<Failure> start();

  /// What bind() allocates, without the kernel's buffers.
  static std::size_t memory_bytes(const UdpConfig& config);

  /// Queues one run. Sends on its own when 64 are queued. O(1), copies nothing.
  void send(const UdpRun& run);

  /// Hands everything queued to the kernel, or to the backlog. Afterwards the runs' bytes are free.
  void flush();

  /// Delivers what has arrived by now, for an owner that is about to act on a deadline: an answer
  /// that waits in the socket must count before a timer that gave up on it.
  void receive_arrived() { handle_ready(Poll::kReadable); }

  /// Runs kept because the socket would block.
  std::size_t backlog_runs() const;

  Address address() const { return address_; }

  int fd() const { return fd_.get(); }

  bool segmentation() const { return segmentation_; }

  bool coalescing() const { return coalescing_; }

  int receive_buffer_bytes() const { return receive_buffer_bytes_; }

  int send_buffer_bytes() const { return send_buffer_bytes_; }

  const UdpCounters& counters() const { return counters_; }

 private:
  struct ReceiveArena;
  struct SendQueue;

  void configure(const UdpConfig& config);
  void handle_ready(unsigned events);
  bool receive_round();
  void deliver(std::size_t messages);
  void send_queued();
  void count_sent(std::size_t messages);
  bool handle_send_error(int error_number);

  Loop& loop_;
  Callback<const ReceivedBatch&> on_batch_;
  Fd fd_;
  Address address_;
  int family_ = 0;
  bool segmentation_ = false;
  bool coalescing_ = false;
  bool stamps_ = false;
  bool blocked_ = false;
  std::uint32_t kernel_drops_ = 0;  // as last told; wraps
  int receive_buffer_bytes_ = 0;
  int send_buffer_bytes_ = 0;
  std::unique_ptr<ReceiveArena> receive_;
  std::unique_ptr<SendQueue> queue_;
  UdpCounters counters_;
  Poll poll_;  // last: destroyed before the descriptor it watches
};

/// Fails as bind() does when anybody has the port: SO_REUSEPORT alone would let sockets of one user
/// share it unnoticed. Asked before the first socket of a group is bound; port 0 is never taken.
Status<Failure> require_unused_udp_port(const Address& address);

/// Attaches the steering program to the SO_REUSEPORT group of `fd`, whose sockets were bound in the
/// order door, worker 0, worker 1, ...: a datagram of at least 23 bytes whose first byte is
/// 0x40..0x7F goes to the worker in the low 5 bits of its second byte, if that is below `workers`;
/// everything else to the door. The order is fixed by bind; closing one socket of the group would
/// reorder it.
Status<Failure> attach_steering(int fd, std::size_t workers);

}  // namespace sluice::net
