// Forwarder: the bare forwarder itself, on one socket. What came in one call is split where the
// kernel glued it, and for each sink's address a copy of each packet is written, sealed if wanted,
// and sent as one UDP_SEGMENT message, 16 messages a call. A packet begins with eight bytes: its
// flow, which says who gets it, and its number, which become the copy's header. What names no flow
// is feedback: read and forgotten. Nothing of the relay's path is in it. Used by floor.cpp on a
// thread, by fanout/ in a process of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <netinet/in.h>

#include "bench/floor/floor_cipher.h"

namespace sluice::bench {

struct ForwarderSetup {
  CipherKind cipher = CipherKind::kOpenSsl;
  std::size_t packet_bytes_max = 1200;
  unsigned burst_max = 8;   ///< packets for one sink in one message; more that came become several
  unsigned room_sinks = 0;  ///< sinks stand in rooms of so many; 0: all in one
  unsigned flows_per_sink = 0;  ///< so many are each sink's own, which it does not get back
};

/// The first bytes of a packet, before and after it was forwarded.
struct FloorTag {
  std::uint32_t flow = 0, number = 0;

  void write(std::byte* to) const;
  static FloorTag read(const std::byte* from);
};

/// Of datagrams that are not forwarded.
inline constexpr std::uint32_t kFloorFeedback = 0xFFFFFFFF;

struct ForwarderCounts {
  std::uint64_t packets_in = 0, packets_out = 0;
  std::uint64_t system_calls = 0;
};

/// A UDP socket on a free port of 127.0.0.1. Throws std::system_error when it cannot be had.
class LoopbackSocket {
 public:
  LoopbackSocket();
  LoopbackSocket(LoopbackSocket&& other) noexcept;
  LoopbackSocket(const LoopbackSocket&) = delete;
  ~LoopbackSocket();

  int fd() const { return fd_; }

  const sockaddr_in& address() const { return address_; }

 private:
  int fd_;
  sockaddr_in address_{};
};

class Forwarder {
 public:
  /// Throws std::system_error when the kernel lacks what it needs.
  Forwarder(const ForwarderSetup& setup, std::span<const sockaddr_in> sinks);
  ~Forwarder();

  /// Where packets and feedback are to be sent.
  const sockaddr_in& address() const { return socket_.address(); }

  /// Waits for packets, `wait_ms` at most (-1: for good), and forwards them. False: none came.
  bool turn(int wait_ms, ForwarderCounts& counts);

 private:
  struct Sink {
    sockaddr_in address{};
    std::unique_ptr<FloorCipher> cipher;
  };

  struct Receiving;
  struct Sending;

  void forward(std::span<const std::byte> packets, std::size_t packet_bytes,
               ForwarderCounts& counts);
  void copy_to(Sink& sink, std::span<const std::byte> packets, std::size_t packet_bytes);
  void flush(ForwarderCounts& counts);

  ForwarderSetup setup_;
  LoopbackSocket socket_;
  std::vector<Sink> sinks_;
  std::unique_ptr<Receiving> receiving_;
  std::unique_ptr<Sending> sending_;
};

}  // namespace sluice::bench
