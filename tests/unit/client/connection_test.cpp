#include "client/connection.h"

#include <algorithm>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "proto/crypto/secret.h"
#include "tests/unit/client/loopback_relay.h"

namespace sluice::client {
namespace {

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

TEST(Connection, JoinsAndClosesOverARealSocket) {
  crypto::init_crypto();
  net::Loop loop;
  LoopbackRelay relay{loop};
  // Tickets of the plain relay are valid in the first minute of virtual time only, which it never
  // asks.
  Owner owner{loop};
  ASSERT_TRUE(owner.connection.open(relay.config_for("anna")).has_value());
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
  ASSERT_TRUE(owner.connection.open(relay.config_for("anna")).has_value());
  loop.run();
  EXPECT_FALSE(owner.was_joined);
  EXPECT_EQ(owner.error.code, ExitCode::kRefused);
}

}  // namespace
}  // namespace sluice::client
