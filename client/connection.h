// Connection: a ClientLink on a real UDP socket and loop. It moves datagrams and keeps one timer,
// for the link's deadlines and for the owner's own; what the bytes mean is the owner's matter
// (pusher.h, subscriber.h). Where the path seems dead it goes on from another port (P-KEEP-02).
// One thread, the loop's.
#pragma once

#include <array>
#include <memory>

#include "client/client_link.h"
#include "client/error.h"
#include "client/moving_socket.h"
#include "net/callback.h"
#include "net/fine_timer.h"
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

  /// Goes on from another socket, soon: for an owner that knows that the network changed. Media
  /// that is under way to the old one still comes.
  void move();

  /// How often it went on from another socket.
  std::uint64_t moves() const { return moves_; }

  ClientLink* client_link() { return client_link_.get(); }

  link::Link* link() { return client_link_ ? client_link_->link() : nullptr; }

  Instant now() const { return loop_.now(); }

  /// Datagrams that were dropped, by reason.
  const std::array<std::uint64_t, kDropReasonCount>& drops() const { return drops_; }

 private:
  void handle_batch(const net::ReceivedBatch& batch);
  void handle_due();
  void care_for_path();
  Instant path_due() const;
  void drain_events();
  void turn();
  void transmit();

  /// A path that stays silent is tried again from yet another port, so much later, doubled each
  /// time.
  static constexpr Duration kMoveAgainMin = std::chrono::seconds{1};
  static constexpr Duration kMoveAgainMax = std::chrono::seconds{8};

  /// The old socket is read so many PTO after the new one was heard: what was under way is there.
  static constexpr int kLingerPtos = 3;

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
  std::uint64_t moves_ = 0;
  Instant move_wanted_ = kNever;  // by the owner, or by sends that failed
  Instant move_not_before_ = kLongAgo;
  Duration move_again_in_ = kMoveAgainMin;
  MovingSocket socket_;
  net::FineTimer timer_;
};

}  // namespace sluice::client
