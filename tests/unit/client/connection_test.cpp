#include "client/connection.h"

#include <algorithm>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "net/udp_socket.h"
#include "proto/crypto/secret.h"
#include "tests/unit/client/plain_relay.h"

namespace sluice::client {
namespace {

/// A PlainRelay on a loopback socket, on the loop of the test.
class LoopbackRelay {
 public:
  explicit LoopbackRelay(net::Loop& loop)
      : relay(crypto::system_random()),
        socket_(loop,
                net::Callback<const net::ReceivedBatch&>::to<&LoopbackRelay::handle_batch>(this)) {
    EXPECT_TRUE(socket_.open(Address::v4(127, 0, 0, 1, 0), {}).has_value());
  }

  Address address() const { return socket_.address(); }

  PlainRelay relay;

 private:
  void handle_batch(const net::ReceivedBatch& batch) {
    for (const auto& datagram : batch.datagrams) {
      relay.handle_datagram(batch.now, datagram.bytes, datagram.from);
    }
    while (const auto out = relay.poll_datagram(batch.now)) {
      socket_.send({out->to, out->bytes, 0});
      socket_.flush();
    }
  }

  net::UdpSocket socket_;
};

struct Owner {
  explicit Owner(net::Loop& owner_loop)
      : loop(owner_loop),
        connection(loop, {net::Callback<>::to<&Owner::joined>(this),
                          net::Callback<const link::Event&>::to<&Owner::event>(this),
                          net::Callback<>::to<&Owner::turn>(this),
                          net::Callback<const Error&>::to<&Owner::fail>(this)}) {}

  void joined() { was_joined = true; }

  void event(const link::Event& e) {
    if (std::holds_alternative<link::Established>(e)) connection.link()->close(loop.now(), {}, "");
    if (std::holds_alternative<link::Closed>(e)) loop.stop();
  }

  void turn() { ++turns; }

  void fail(const Error& e) {
    error = e;
    loop.stop();
  }

  net::Loop& loop;
  Connection connection;
  bool was_joined = false;
  int turns = 0;
  Error error;
};

ClientLink::Config config_for(LoopbackRelay& relay) {
  ClientLink::Config config;
  config.credentials = relay.relay.issue("anna");
  config.relay = relay.address();
  config.random = crypto::system_random();
  return config;
}

TEST(Connection, JoinsAndClosesOverARealSocket) {
  crypto::init_crypto();
  net::Loop loop;
  LoopbackRelay relay{loop};
  // Tickets of the plain relay are valid in the first minute of virtual time only, which it never
  // asks.
  Owner owner{loop};
  ASSERT_TRUE(owner.connection.open(config_for(relay)).has_value());
  loop.run();
  EXPECT_TRUE(owner.was_joined);
  EXPECT_GT(owner.turns, 0);
  EXPECT_EQ(owner.error.code, ExitCode::kOk);
  const auto& drops = owner.connection.drops();
  EXPECT_TRUE(std::all_of(drops.begin(), drops.end(), [](std::uint64_t n) { return n == 0; }));
}

TEST(Connection, TellsItsOwnerThatItCouldNotJoin) {
  crypto::init_crypto();
  net::Loop loop;
  LoopbackRelay relay{loop};
  relay.relay.refuse_with = crypto::HandshakeStatus::kRoomFull;
  Owner owner{loop};
  ASSERT_TRUE(owner.connection.open(config_for(relay)).has_value());
  loop.run();
  EXPECT_FALSE(owner.was_joined);
  EXPECT_EQ(owner.error.code, ExitCode::kRefused);
}

}  // namespace
}  // namespace sluice::client
