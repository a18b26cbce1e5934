// Connection: a ClientLink on a real UDP socket and loop. It moves datagrams and keeps one timer,
// for the link's deadlines and for the owner's own; what the bytes mean is the owner's matter
// (pusher.h, subscriber.h). One thread, the loop's.
#pragma once

#include <array>
#include <memory>

#include "client/client_link.h"
#include "client/error.h"
#include "net/callback.h"
#include "net/loop.h"
#include "net/udp_socket.h"

namespace sluice::client {

class Connection {
 public:
  struct Handlers {
    /// The relay took us: link() may be used from now on.
    net::Callback<> on_joined;
    /// Each event of the link; views in it live during the call.
    net::Callback<const link::Event&> on_event;
    /// After every batch of datagrams and every deadline, before anything is sent: the owner's
    /// turn. It may call wake_at().
    net::Callback<> on_turn;
    /// It could not be joined; nothing follows.
    net::Callback<const Error&> on_failed;
  };

  Connection(net::Loop& loop, const Handlers& handlers);

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Opens a socket and sends the first INIT. Errors: kEnvironment (no socket), kBadInput.
  Status<Error> open(ClientLink::Config config);

  /// on_turn is called at this Instant at the latest, once.
  void wake_at(Instant at) { wake_at_ = at; }

  /// Sends what is due now: for an owner that touched the link outside of a callback.
  void flush();

  ClientLink* client_link() { return client_link_.get(); }

  link::Link* link() { return client_link_ ? client_link_->link() : nullptr; }

  Instant now() const { return loop_.now(); }

  /// Datagrams that were dropped, by reason.
  const std::array<std::uint64_t, kDropReasonCount>& drops() const { return drops_; }

 private:
  void handle_batch(const net::ReceivedBatch& batch);
  void handle_due();
  void drain_events();
  void turn();
  void transmit();

  /// Runs of one flush: 64 full packets, 79 KB. More gains nothing, a flush follows at once.
  static constexpr std::size_t kArenaPackets = 64;

  net::Loop& loop_;
  Handlers handlers_;
  std::unique_ptr<std::byte[]> arena_memory_;
  link::SendArena arena_;
  std::unique_ptr<ClientLink> client_link_;
  bool told_joined_ = false;
  bool told_failed_ = false;
  Instant wake_at_ = kNever;
  std::array<std::uint64_t, kDropReasonCount> drops_{};
  net::UdpSocket socket_;
  net::FineTimer timer_;
};

}  // namespace sluice::client
