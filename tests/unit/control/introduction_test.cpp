#include "relay/control/introduction.h"

#include <gtest/gtest.h>

#include "tests/unit/control/fake_relay.h"
#include "tests/unit/schema/samples.h"

namespace sluice::relay {
namespace {

TEST(Introduction, SaysWhoTheRelayIsAndHowFullItIs) {
  net::Loop loop;
  const auto relay = start_fake_relay(loop);
  Introduction introduction(loop, *relay, "0.1.0", "relay.example:4700",
                            schema::counted_from<16>(1));
  fake_relay().door.rooms.set(2);
  fake_relay().workers[0].members.set(3);
  fake_relay().workers[1].members.set(4);
  fake_relay().workers[1].streams.set(5);
  fake_relay().draining = true;
  const schema::Hello hello = introduction.hello();
  EXPECT_EQ(hello.control_version, schema::kControlVersion);
  EXPECT_EQ(hello.version, "0.1.0");
  EXPECT_EQ(hello.address, "relay.example:4700");
  EXPECT_EQ(hello.boot_id, schema::counted_from<16>(1));
  EXPECT_EQ(hello.relay_key[31], std::byte{0x11});
  EXPECT_EQ(hello.relay_key_id, RelayKeyId{42});
  EXPECT_EQ(hello.load, (schema::Load{2, 2, 7, 5, 0}));
  EXPECT_TRUE(hello.draining);
  EXPECT_TRUE(schema::encode({0, schema::Kind::kEvent, 0, hello}));
}

}  // namespace
}  // namespace sluice::relay
