// MovingSocket: the UDP socket of a connection, which may be replaced under way: where a NAT, a
// firewall or one of several routes has lost a flow, another port is another flow (P-KEEP-02). What
// is sent goes through the new one at once; the old one is read on until the new one was heard and
// nothing can be under way to the old any more. Same verbs as net::UdpSocket.
#pragma once

#include <cstdint>
#include <memory>

#include "net/callback.h"
#include "net/loop.h"
#include "net/udp_socket.h"
#include "proto/base/address.h"
#include "proto/base/result.h"
#include "proto/base/time.h"

namespace sluice::client {

class MovingSocket {
 public:
  MovingSocket(net::Loop& loop, net::Callback<const net::ReceivedBatch&> on_batch);
  ~MovingSocket();

  MovingSocket(const MovingSocket&) = delete;
  MovingSocket& operator=(const MovingSocket&) = delete;

  Status<Failure> open(const Address& bind_to);

  /// Opens another socket and sends through it from here on. When that fails the present one stays.
  /// Not inside of on_batch.
  Status<Failure> move();

  void send(const net::UdpRun& run);

  void flush();

  /// Reads what has arrived on both.
  void receive_arrived();

  /// Closes the old socket when its time has come, `linger` after the new one was heard. Not inside
  /// of on_batch.
  void close_old(Instant now, Duration linger);

  /// When close_old() has something to do, as far as is known; kNever without an old socket.
  Instant close_due(Duration linger) const;

  bool has_old() const { return old_ != nullptr; }

  /// Something came through the socket that is sent through.
  bool heard() const { return heard_at_ != kNever; }

  /// Since the last call a send failed because there is no way there, or no address to send from.
  bool take_unreachable();

  Address address() const;

 private:
  struct Side;

  void take(const Side& side, const net::ReceivedBatch& batch);

  net::Loop& loop_;
  net::Callback<const net::ReceivedBatch&> on_batch_;
  Address bind_to_;
  std::unique_ptr<Side> present_, old_;
  Instant heard_at_ = kNever;      // the present one, first
  std::uint64_t unreachable_ = 0;  // sends of the present one, as far as told
};

}  // namespace sluice::client
