// WorkerThread: a Worker with a thread, a loop and a UDP socket of the relay's group around it.
// Built and bound on the main thread, in the order of the group; run() happens on the thread;
// destroyed on the main thread after stop(). Datagrams and mail are taken in as they come, sending
// happens once an iteration.
#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include "net/fine_timer.h"
#include "net/loop.h"
#include "net/udp_socket.h"
#include "relay/socket_drops.h"
#include "relay/worker/worker.h"

namespace sluice::relay {

class WorkerThread {
 public:
  WorkerThread(const WorkerOptions& options, Switchboard& switchboard, WorkerMetrics& metrics);
  ~WorkerThread();
  WorkerThread(const WorkerThread&) = delete;
  WorkerThread& operator=(const WorkerThread&) = delete;

  Status<Failure> bind(const Address& address, const net::UdpConfig& config);

  /// Begins to read, in its own thread. Once.
  Status<Failure> start();

  /// Says CLOSE (draining) to every link, ends the thread and joins it. Harmless before start().
  void stop();

  const net::UdpSocket& socket() const { return socket_; }

 private:
  void run();
  void on_batch(const net::ReceivedBatch& batch);
  void on_wake();
  void on_deadline();
  void finish_turn();
  void send(const link::Transmit& run);
  void flush();
  void note_turn(Instant began);

  net::Loop loop_;
  WorkerMetrics& metrics_;
  WorkerIndex self_;
  Worker worker_;
  net::UdpSocket socket_;
  net::Async wake_;
  net::FineTimer timer_;
  net::BeforePoll before_poll_;
  net::AfterPoll after_poll_;
  std::atomic<bool> stop_wanted_{false};
  std::thread thread_;
  bool turn_open_ = false;  // something came in since the last finish_turn()
  Instant turn_began_{};
  Instant oldest_received_ = kNever;  // by the kernel's stamp, of this turn's packets
  Instant armed_for_ = kNever;
  SocketDrops socket_drops_;
};

}  // namespace sluice::relay
