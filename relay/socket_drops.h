// What a thread's socket dropped, added to the metrics of the thread.
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
  }

 private:
  std::uint64_t receive_seen_ = 0, refused_seen_ = 0;
};

}  // namespace sluice::relay
