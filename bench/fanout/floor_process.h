// FloorProcess: a bare forwarder in a process of its own, forked before this program has threads,
// loops or keys. It is told its sinks' addresses, tells where it listens, and forwards until it is
// ended.
#pragma once

#include <memory>
#include <span>

#include <netinet/in.h>
#include <sys/types.h>

#include "bench/floor/forwarder.h"
#include "net/socket.h"
#include "proto/base/address.h"
#include "proto/base/result.h"

namespace sluice::bench {

class FloorProcess {
 public:
  /// Forks. The child stays on `processor` (-1: anywhere) and waits for serve().
  static Result<std::unique_ptr<FloorProcess>, Failure> start(const ForwarderSetup& setup,
                                                              int processor);

  /// For start() alone.
  FloorProcess(pid_t pid, net::Fd pipe) : pid_(pid), pipe_(std::move(pipe)) {}

  ~FloorProcess();
  FloorProcess(const FloorProcess&) = delete;
  FloorProcess& operator=(const FloorProcess&) = delete;

  /// Tells it whom to forward to. Once.
  Status<Failure> serve(std::span<const sockaddr_in> sinks);

  /// Where it wants packets and feedback.
  const sockaddr_in& address() const { return address_; }

  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
  net::Fd pipe_;
  sockaddr_in address_{};
};

}  // namespace sluice::bench
