// A PlainRelay on a loopback socket, on the loop of the test. It may be deaf to all ports seen so
// far, both ways, as behind a NAT that has forgotten them.
#pragma once

#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "client/client_link.h"
#include "net/loop.h"
#include "net/udp_socket.h"
#include "proto/crypto/secret.h"
#include "tests/unit/client/plain_relay.h"

namespace sluice::client {

class LoopbackRelay {
 public:
  explicit LoopbackRelay(net::Loop& loop)
      : relay(crypto::system_random()),
        loop_(loop),
        socket_(loop,
                net::Callback<const net::ReceivedBatch&>::to<&LoopbackRelay::handle_batch>(this)),
        timer_(loop, net::Callback<>::to<&LoopbackRelay::handle_due>(this)) {
    EXPECT_TRUE(socket_.open(Address::v4(127, 0, 0, 1, 0), {}).has_value());
  }

  Address address() const { return socket_.address(); }

  /// Tickets of the plain relay are valid in the first minute of virtual time only, which it never
  /// asks.
  ClientLink::Config config_for(std::string_view user, std::vector<std::byte> first_commands = {}) {
    ClientLink::Config config;
    config.credentials = relay.issue(user);
    config.relay = address();
    config.first_commands = std::move(first_commands);
    config.random = crypto::system_random();
    return config;
  }

  /// What it sends from here on looks as if a router on the way had marked it (RFC 3168: CE).
  void mark_congestion() {
    const int congestion_experienced = 3;
    EXPECT_EQ(setsockopt(socket_.fd(), IPPROTO_IP, IP_TOS, &congestion_experienced,
                         sizeof congestion_experienced),
              0);
  }

  void forget_ports() { forgotten_ = seen_; }

  std::size_t ports_seen() const { return seen_.size(); }

  PlainRelay relay;

 private:
  void handle_batch(const net::ReceivedBatch& batch) {
    for (const auto& datagram : batch.datagrams) {
      seen_.insert(datagram.from.port);
      if (forgotten_.contains(datagram.from.port)) continue;
      relay.handle_datagram(batch.now, datagram.bytes, datagram.from);
    }
    transmit(batch.now);
  }

  void handle_due() {
    relay.handle_timeout(loop_.now());
    transmit(loop_.now());
  }

  void transmit(Instant now) {
    while (const auto out = relay.poll_datagram(now)) {
      if (forgotten_.contains(out->to.port)) continue;
      socket_.send({out->to, out->bytes, 0});
      socket_.flush();
    }
    timer_.arm(relay.next_deadline());
  }

  net::Loop& loop_;
  std::set<std::uint16_t> seen_, forgotten_;
  net::UdpSocket socket_;
  net::Timer timer_;
};

}  // namespace sluice::client
