// DoorThread: a Door with a thread, a loop and socket 0 of the relay's group around it. Built and
// bound on the main thread, before any worker's socket; run() happens on the thread; destroyed on
// the main thread after stop().
#pragma once

#include <atomic>
#include <thread>

#include "net/loop.h"
#include "net/udp_socket.h"
#include "relay/door/door.h"
#include "relay/socket_drops.h"

namespace sluice::relay {

class DoorThread {
 public:
  DoorThread(const DoorOptions& options, Switchboard& switchboard, DoorMetrics& metrics);
  ~DoorThread();
  DoorThread(const DoorThread&) = delete;
  DoorThread& operator=(const DoorThread&) = delete;

  Status<Failure> bind(const Address& address, const net::UdpConfig& config);

  /// Begins to read, in its own thread. Once.
  Status<Failure> start();

  /// Ends the thread and joins it. Harmless before start().
  void stop();

  const net::UdpSocket& socket() const { return socket_; }

 private:
  void on_batch(const net::ReceivedBatch& batch);
  void on_wake();
  void on_deadline();
  void finish_turn();
  void note_turn();

  net::Loop loop_;
  DoorMetrics& metrics_;
  Door door_;
  net::UdpSocket socket_;
  net::Async wake_;
  net::Timer timer_;
  net::BeforePoll before_poll_;
  net::AfterPoll after_poll_;
  std::atomic<bool> stop_wanted_{false};
  std::thread thread_;
  bool turn_open_ = true;  // the first turn arms the timer
  Instant turn_began_{};
  SocketDrops socket_drops_;
};

}  // namespace sluice::relay
