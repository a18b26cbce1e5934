// FloorSinks: the bare forwarder's sinks, plain sockets that read everything as the relay's links
// do, count it, and answer with datagrams of feedback at the pace that links do.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include <netinet/in.h>

#include "bench/fanout/window_ledger.h"
#include "net/loop.h"
#include "net/udp_socket.h"

namespace sluice::bench {

/// What links send back.
struct FeedbackTraffic {
  double copies_per_feedback = 16;
  std::size_t bytes = 60;
};

class FloorSinks {
 public:
  FloorSinks(net::Loop& loop, WindowLedger& ledger);
  ~FloorSinks();

  Status<Failure> open(unsigned count);

  std::vector<sockaddr_in> addresses() const;

  /// The next window's packets come from the forwarder at `from`.
  void begin(const Address& from, const FeedbackTraffic& feedback);

 private:
  class Sink;

  net::Loop& loop_;
  WindowLedger& ledger_;
  std::vector<std::unique_ptr<Sink>> sinks_;
  Address forwarder_;
  FeedbackTraffic feedback_;
  std::vector<std::byte> feedback_bytes_;
};

}  // namespace sluice::bench
