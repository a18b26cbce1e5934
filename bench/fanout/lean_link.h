// LeanLink: an authenticated link of the client's code on a socket of its own, with nothing behind
// it: no jitter buffer, no timer (its owner calls due()), a send arena shared by all. What a
// subscriber costs the relay it costs in full; what it costs this process is as little as can be.
#pragma once

#include <memory>
#include <optional>

#include "client/client_link.h"
#include "net/callback.h"
#include "net/loop.h"
#include "net/udp_socket.h"
#include "sim/xoshiro.h"

namespace sluice::bench {

class LeanLink {
 public:
  struct Handlers {
    /// An event, and when the kernel received the datagram behind it.
    net::Callback<const link::Event&, Instant> on_event;
    /// A run that leaves now; may be absent.
    net::Callback<const link::Transmit&> on_run;
  };

  /// `loss`: the share of all that comes which is dropped unread, by numbers from `seed`.
  LeanLink(net::Loop& loop, link::SendArena& arena, const Handlers& handlers, double loss = 0,
           std::uint64_t seed = 0);

  Status<client::Error> open(client::ClientLink::Config config);

  /// Does what has become due, and nothing else; cheap when nothing has.
  void due(Instant now);

  /// Sends what was queued on the link just now.
  void transmit(Instant now);

  Instant next_deadline() const { return client_link_ ? client_link_->next_deadline() : kNever; }

  link::Link* link() { return client_link_ ? client_link_->link() : nullptr; }

  bool joined() { return link() != nullptr; }

  /// Why it could not join.
  std::optional<client::Error> error() const;

 private:
  void handle_batch(const net::ReceivedBatch& batch);
  void drain(Instant received_at);

  net::Loop& loop_;
  link::SendArena& arena_;
  Handlers handlers_;
  double loss_;
  sim::Xoshiro random_;
  std::unique_ptr<client::ClientLink> client_link_;
  net::UdpSocket socket_;
};

}  // namespace sluice::bench
