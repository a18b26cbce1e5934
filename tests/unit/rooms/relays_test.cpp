#include <algorithm>

#include <gtest/gtest.h>

#include "proto/schema/control.h"
#include "rooms/config.h"
#include "rooms/reach.h"
#include "rooms/relay_directory.h"
#include "sim/xoshiro.h"
#include "tests/unit/rooms/rooms_support.h"

namespace sluice::rooms {
namespace {

const Address kOutside = Address::v4(198, 51, 100, 7, 5000);
const Address kInside = Address::v4(192, 168, 1, 7, 5000);
const Address kHere = Address::v4(127, 0, 0, 1, 5000);

TEST(Reach, IsWhatTheClientCanReach) {
  const struct {
    const char *told, *configured, *http_host;
    Address client;
    const char* address;
    bool doubtful;
  } kCases[] = {
      // What the operator says goes before all else.
      {"10.0.0.2:4700", "relay.example", "rooms.example:5757", kOutside, "relay.example:4700",
       false},
      {"10.0.0.2:4700", "relay.example:9", "", kOutside, "relay.example:9", false},
      {"10.0.0.2:4700", "[2001:db8::1]", "", kOutside, "[2001:db8::1]:4700", false},
      {"10.0.0.2:4700", "[2001:db8::1]:9", "", kOutside, "[2001:db8::1]:9", false},
      {"10.0.0.2:4700", "10.0.0.2", "", kOutside, "10.0.0.2:4700", true},
      // A relay that says where it is is believed.
      {"203.0.113.5:4700", "", "rooms.example", kOutside, "203.0.113.5:4700", false},
      {"relay.example:4700", "", "rooms.example", kOutside, "relay.example:4700", false},
      // Else the name by which the client came.
      {"0.0.0.0:4700", "", "rooms.example:5757", kOutside, "rooms.example:4700", false},
      {"[::]:4700", "", "[2001:db8::1]:5757", kOutside, "[2001:db8::1]:4700", false},
      {"10.0.0.2:4700", "", "203.0.113.9", kOutside, "203.0.113.9:4700", false},
      {"127.0.0.1:4700", "", "192.168.1.2:5757", kInside, "192.168.1.2:4700", false},
      {"127.0.0.1:4700", "", "192.168.1.2:5757", kOutside, "192.168.1.2:4700", true},
      // On one machine the loopback is meant.
      {"127.0.0.1:4700", "", "localhost:5757", kHere, "127.0.0.1:4700", false},
      // Hosts that are none.
      {"0.0.0.0:4700", "", "", kOutside, "0.0.0.0:4700", true},
      {"0.0.0.0:4700", "", "a b", kOutside, "0.0.0.0:4700", true},
      {"0.0.0.0:4700", "", "0.0.0.0:5757", kOutside, "0.0.0.0:4700", true},
      {"0.0.0.0:4700", "", "[:5757", kOutside, "0.0.0.0:4700", true},
      {"0.0.0.0:4700", "", ":", kOutside, "0.0.0.0:4700", true},
      {"", "", "", kOutside, "", false},
  };

  for (const auto& c : kCases) {
    const Reach reach = reach_of({c.told, c.configured, c.http_host, c.client});
    EXPECT_EQ(reach.address, c.address) << c.told << " " << c.http_host;
    EXPECT_EQ(reach.doubtful, c.doubtful) << c.told << " " << c.http_host;
  }
}

TEST(RelayConfig, ListsRelaysWithTheirAddresses) {
  Config config;
  EXPECT_TRUE(relays_of(config).empty());
  const std::string toml =
      "[relay]\ncontrol = \"/run/a.sock, /run/b.sock\"\npublic_address = \"a.example:1\"\n";
  ASSERT_TRUE(settings_of(config).read_text(toml, "t"));
  const auto relays = relays_of(config);
  ASSERT_EQ(relays.size(), 2U);
  EXPECT_EQ(relays[1].control, "/run/b.sock");
  EXPECT_EQ(relays[0].public_address, "a.example:1");
  EXPECT_EQ(relays[1].public_address, "");
  for (const char* bad :
       {"[relay]\ncontrol = \"/run/a.sock,\"\n", "[relay]\npublic_address = \"udp://a\"\n"}) {
    EXPECT_FALSE(settings_of(config).read_text(bad, "t")) << bad;
  }
}

class Directory : public testing::Test {
 protected:
  Directory() {
    directory.add("/a", "", a);
    directory.add("/b", "", b);
  }

  static void come(RelayView& view, schema::Kind kind, schema::Message message) {
    const auto bytes = schema::encode({.id = kind == schema::Kind::kEvent ? 0U : 1U,
                                       .kind = kind,
                                       .message = std::move(message)});
    ASSERT_TRUE(bytes);
    ASSERT_TRUE(view.handle_bytes(*bytes));
  }

  /// It comes (back) with these rooms.
  void attach(RelayView& view, const char* address, const std::vector<schema::RoomUp>& rooms = {}) {
    view.handle_connected(1);
    schema::Hello hello;
    hello.address = address;
    come(view, schema::Kind::kEvent, hello);
    schema::Attached attached;
    attached.active = true;
    come(view, schema::Kind::kResponse, attached);
    for (const schema::RoomUp& room : rooms) come(view, schema::Kind::kEvent, room);
    come(view, schema::Kind::kResponse, schema::Resynced{});
  }

  std::string where(const char* room) {
    const auto access =
        directory.access({room_id(room), user_id("u"), crypto::kPushRights, "", kOutside}, {1000});
    return access ? access->relay.address : "";
  }

  void make(const char* room) {
    bool created = false;
    store.enter(at_seconds(0), {RoomType::kMulti, room_id(room)}, entry_of("u"), created);
  }

  /// "open@1:r" of each order.
  std::string orders() {
    std::string text;
    for (const RelayDirectory::Order& order : directory.take_orders()) {
      if (!text.empty()) text += ' ';
      const std::string at = "@" + std::to_string(order.relay) + ":";
      if (const auto* open = std::get_if<schema::OpenRoom>(&order.message)) {
        text += "open" + at + std::string{open->room.view()};
      } else if (const auto* close = std::get_if<schema::CloseRoom>(&order.message)) {
        text += "close" + at + std::string{close->room.view()};
      } else {
        text += "other" + at;
      }
    }
    return text;
  }

  sim::Xoshiro random{3};
  RoomStore store{RoomRules{}};
  RelayDirectory directory{store};
  RelayView a{random.source()}, b{random.source()};
};

TEST_F(Directory, PlacesARoomWhereThereIsLeastToDoAndKeepsItThere) {
  make("r1"), make("r2"), make("r3");
  EXPECT_EQ(where("r1"), "") << "none is attached";
  attach(a, "a.example:1");
  EXPECT_EQ(where("r1"), "a.example:1");
  attach(b, "b.example:1");
  EXPECT_EQ(where("r2"), "b.example:1") << "it has no room yet";
  EXPECT_EQ(where("r1"), "a.example:1");
  come(a, schema::Kind::kEvent,
       schema::StreamUp{room_id("r1"), *UserName::parse("u"), *StreamName::parse("s"), {}});
  EXPECT_EQ(where("r3"), "b.example:1") << "streams count first";
  EXPECT_EQ(orders(), "open@0:r1 open@1:r2 open@1:r3");
  a.handle_lost();
  EXPECT_EQ(where("r1"), "") << "it waits for its relay";
  EXPECT_EQ(directory.streams_of(room_id("r1")).size(), 1U);
  EXPECT_EQ(store.find(room_id("r1"))->relay, "/a");
}

TEST_F(Directory, ARoomThatIsNotYetGetsItsRelayAheadAndKeepsIt) {
  attach(a, "a.example:1");
  EXPECT_EQ(where("r"), "a.example:1");
  attach(b, "b.example:1");
  make("r");
  EXPECT_EQ(where("r"), "a.example:1");
  EXPECT_EQ(store.find(room_id("r"))->relay, "/a");
  for (std::size_t i = 0; i < kPlacedAheadMax + 10; ++i) where(("x" + std::to_string(i)).c_str());
}

TEST_F(Directory, HoldsWhatARelayTellsAgainstTheJournal) {
  attach(a, "a.example:1");
  make("known"), make("changed"), make("forgotten");
  for (const char* room : {"known", "changed", "forgotten"}) where(room);
  orders();
  const auto blob = room_blob(*store.find(room_id("known")));
  const auto other = [](const char* text) {
    const Bytes bytes = as_bytes(std::string_view{text});
    return std::vector<std::byte>{bytes.begin(), bytes.end()};
  };
  a.handle_lost();
  attach(a, "a.example:1",
         {{room_id("known"), {}, blob},
          {room_id("changed"), {}, other("sluice-rooms 1 live eve")},
          {room_id("gone"), {}, other("sluice-rooms 1 multi bob")},
          {room_id("somebody-elses"), {}, other("x")},
          {room_id("bare"), {}, {}}});
  EXPECT_EQ(directory.handle_resynced(0), 1U);
  const std::string said = orders();
  EXPECT_NE(said.find("open@0:changed"), std::string::npos) << said;
  EXPECT_NE(said.find("open@0:forgotten"), std::string::npos) << said;
  EXPECT_NE(said.find("close@0:gone"), std::string::npos) << said;
  EXPECT_EQ(std::count(said.begin(), said.end(), '@'), 3) << said;
}

TEST_F(Directory, OrdersGoToTheRoomsRelay) {
  attach(a, "a.example:1");
  make("r");
  where("r");
  orders();
  directory.kick(room_id("r"), user_id("u"));
  directory.set_rights(room_id("r"), user_id("u"), {});
  EXPECT_EQ(orders(), "other@0: other@0:");
  // With its last member a room is gone before he is put out.
  directory.kick(room_id("gone"), user_id("u"));
  EXPECT_EQ(orders(), "other@0: other@1:");
  directory.close(room_id("r"), "/a");
  EXPECT_EQ(orders(), "close@0:r");
  directory.close(room_id("old"), "");
  EXPECT_EQ(orders(), "close@0:old close@1:old");
}

}  // namespace
}  // namespace sluice::rooms
