// What a thread's socket dropped, and how often it called the kernel, added to the metrics of the
// thread.
#pragma once

#include <cstdint>
#include <utility>

#include "net/udp_socket.h"
#include "relay/metrics.h"

namespace sluice::relay {

class SocketDrops {
 public:
  /// Adds what is new since the last call.
  void note(const net::UdpCounters& counters, ThreadMetrics& metrics) {
    const std::uint64_t received = counters.kernel_receive_drops.value();
    metrics.socket_receive_drops.add(received - std::exchange(receive_seen_, received));
    const std::uint64_t refused = counters.datagrams_dropped.value();
    if (const std::uint64_t n = refused - std::exchange(refused_seen_, refused); n != 0) {
      metrics.drop(DropReason::kSendRefused, n);
    }
    add_new(counters.receive_calls, receive_calls_seen_, metrics.receive_calls);
    add_new(counters.send_calls, send_calls_seen_, metrics.send_calls);
    add_new(counters.messages_out, messages_seen_, metrics.messages_out);
  }

 private:
  static void add_new(const net::Counter& from, std::uint64_t& seen, net::Counter& to) {
    const std::uint64_t value = from.value();
    to.add(value - std::exchange(seen, value));
  }

  std::uint64_t receive_seen_ = 0, refused_seen_ = 0;
  std::uint64_t receive_calls_seen_ = 0, send_calls_seen_ = 0, messages_seen_ = 0;
};

}  // namespace sluice::relay
