#include <gtest/gtest.h>

#include "proto/crypto/encoding.h"
#include "rooms/addresses.h"
#include "rooms/config.h"
#include "rooms/flood_guard.h"
#include "rooms/relay_view.h"
#include "tests/unit/rooms/api_support.h"
#include "tests/unit/rooms/rooms_support.h"

namespace sluice::rooms {
namespace {

constexpr crypto::Rights kSome = crypto::kPushRights.with(crypto::Right::kSubscribe);

TEST(FloodGuard, RefillsWithTime) {
  FloodGuard guard{10};
  const Address peer = Address::v4(192, 0, 2, 1, 5);
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(guard.allow(at_seconds(0), peer)) << i;
  EXPECT_FALSE(guard.allow(at_seconds(0), Address::v4(192, 0, 2, 1, 6))) << "another port";
  EXPECT_TRUE(guard.allow(at_seconds(0), Address::v4(192, 0, 2, 2, 5)));
  EXPECT_TRUE(guard.allow(at_seconds(0.11), peer));
  EXPECT_FALSE(guard.allow(at_seconds(0.12), peer));
  FloodGuard off{0};
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(off.allow(at_seconds(0), peer));
}

TEST(FloodGuard, RemembersSoManyAddressesAndNoMore) {
  FloodGuard guard{1};
  Address peer = Address::v4(10, 0, 0, 0, 1);
  for (std::size_t i = 0; i < kFloodAddressesMax + 100; ++i) {
    peer.ip[13] = static_cast<std::byte>(i >> 16U);
    peer.ip[14] = static_cast<std::byte>(i >> 8U);
    peer.ip[15] = static_cast<std::byte>(i);
    EXPECT_TRUE(guard.allow(at_seconds(0), peer));
  }
  EXPECT_EQ(guard.remembered(), kFloodAddressesMax);
  EXPECT_TRUE(guard.allow(at_seconds(100), Address::v4(11, 0, 0, 0, 1)));
  EXPECT_EQ(guard.remembered(), 1U);
}

TEST(Addresses, APushAddressIsItsUsersAlone) {
  ApiWorld w;
  const UserId alice = user_id("a"), other = user_id("a_b");
  const StreamName stream = w.addresses.new_stream(alice);
  const std::string url = w.addresses.push_url(stream, w.at.wall);
  EXPECT_EQ(w.addresses.stream_of(url, alice, w.at.wall), stream);
  EXPECT_FALSE(w.addresses.stream_of(url, other, w.at.wall));
  const std::string long_url = w.addresses.push_url(w.addresses.new_stream(other), w.at.wall);
  EXPECT_FALSE(w.addresses.stream_of(long_url, alice, w.at.wall));
  EXPECT_FALSE(w.addresses.stream_of(w.addresses.play_url(stream, w.at.wall), alice, w.at.wall));
  EXPECT_FALSE(w.addresses.stream_of(url, alice, {w.at.wall.value + kAddressSeconds + 1}));
  for (std::size_t i = url.rfind('/'); i < url.size(); ++i) {
    std::string bad = url;
    bad[i] = bad[i] == 'e' ? 'f' : 'e';
    // bizid stands in the query for clients alone.
    const bool bizid = i >= url.find('?') + 1 && i < url.find("&txSecret");
    EXPECT_EQ(w.addresses.stream_of(bad, alice, w.at.wall).has_value(), bizid) << bad;
    EXPECT_FALSE(w.addresses.stream_of(url.substr(0, i), alice, w.at.wall)) << i;
  }
}

TEST(RoomsConfig, ThePrintedFileGivesTheSameAgain) {
  Config config;
  config.relay_control = "/run/x.sock";
  config.account_chosen_ids = true;
  config.rules.pushers_multi = 5;
  const std::string printed = config_as_toml(config);
  Config again;
  const auto read = settings_of(again).read_text(printed, "printed");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(config_as_toml(again), printed);
  for (const char* bad :
       {"[addresses]\nbizid = \"a b\"\n", "[addresses]\npush_host = \"rtmp://h\"\n",
        "[rooms]\nmost = 0\n", "[service]\nstate_folder = \"\"\n"}) {
    EXPECT_FALSE(settings_of(again).read_text(bad, "bad")) << bad;
  }
}

class RelayViewTest : public testing::Test {
 protected:
  void come(schema::Kind kind, schema::Message message) {
    const auto bytes = schema::encode({.id = kind == schema::Kind::kEvent ? 0U : 1U,
                                       .kind = kind,
                                       .message = std::move(message)});
    ASSERT_TRUE(bytes) << bytes.error().message;
    ASSERT_TRUE(view.handle_bytes(*bytes));
  }

  void event(schema::Message message) { come(schema::Kind::kEvent, std::move(message)); }

  void attach() {
    EXPECT_FALSE(view.handle_connected(9).empty());
    schema::Hello hello;
    hello.address = "relay.test:4700";
    hello.relay_key_id = RelayKeyId{77};
    event(hello);
    schema::Attached attached;
    attached.active = true;
    attached.ticket_key.fill(std::byte{3});
    come(schema::Kind::kResponse, attached);
  }

  schema::StreamUp up(const char* user, const char* stream) {
    return {*RoomName::parse("r"), *UserName::parse(user), *StreamName::parse(stream), {}};
  }

  std::string changes() {
    std::string text;
    for (const MediaChange& change : view.take_changes()) {
      text += (change.publishing ? "+" : "-") + std::string{change.user.view()};
    }
    return text;
  }

  sim::Xoshiro random{3};
  RelayView view{random.source()};
};

TEST_F(RelayViewTest, TellsWhoPushesAndWhoNoLonger) {
  attach();
  event(up("a", "s1"));
  EXPECT_EQ(changes(), "") << "until all is listed";
  come(schema::Kind::kResponse, schema::Resynced{});
  EXPECT_EQ(changes(), "+a");
  event(up("a", "s2"));
  event(up("b", "s3"));
  event(schema::StreamDown{*RoomName::parse("r"), *UserName::parse("a"), *StreamName::parse("s1")});
  EXPECT_EQ(changes(), "+b");
  event(schema::StreamDown{*RoomName::parse("r"), *UserName::parse("a"), *StreamName::parse("s2")});
  EXPECT_EQ(changes(), "-a");
  event(schema::RoomDown{*RoomName::parse("r")});
  EXPECT_EQ(changes(), "-b");
}

TEST_F(RelayViewTest, ALostRelayEndsNothingUntilItsResync) {
  attach();
  event(up("a", "s1"));
  event(up("b", "s2"));
  come(schema::Kind::kResponse, schema::Resynced{});
  EXPECT_EQ(changes(), "+a+b");
  view.handle_lost();
  EXPECT_EQ(changes(), "");
  EXPECT_FALSE(view.access(room_id("r"), user_id("a"), kSome, {1}));
  attach();
  event(up("b", "s2"));
  event(up("c", "s4"));
  come(schema::Kind::kResponse, schema::Resynced{});
  EXPECT_EQ(changes(), "-a+c");
}

TEST_F(RelayViewTest, SealsTicketsThatTheRelayOpens) {
  attach();
  EXPECT_FALSE(view.access(room_id("r"), user_id("a"), kSome, {1000})) << "not resynchronised";
  come(schema::Kind::kResponse, schema::Resynced{});
  const auto access = view.access(room_id("r"), user_id("a"), kSome, {1000});
  ASSERT_TRUE(access);
  EXPECT_EQ(access->address, "relay.test:4700");
  std::vector<std::byte> sealed;
  for (std::size_t i = 0; i < access->ticket.size(); i += 2) {
    sealed.push_back(static_cast<std::byte>(std::stoi(access->ticket.substr(i, 2), nullptr, 16)));
  }
  std::array<std::byte, 32> key;
  key.fill(std::byte{3});
  const auto ticket = crypto::open_ticket(crypto::TicketKey{key}, sealed);
  ASSERT_TRUE(ticket);
  EXPECT_EQ(ticket->room, room_id("r"));
  EXPECT_EQ(ticket->user.view(), "a");
  EXPECT_TRUE(crypto::check_ticket(*ticket, {1000}, RelayKeyId{77}));
  EXPECT_FALSE(crypto::check_ticket(*ticket, {1100}, RelayKeyId{77}));
  EXPECT_EQ(crypto::to_hex(ticket->psk.bytes()), access->psk);
}

TEST_F(RelayViewTest, AStandbyGivesNoTickets) {
  attach();
  come(schema::Kind::kResponse, schema::Resynced{});
  event(schema::Attached{});
  EXPECT_FALSE(view.ready());
  EXPECT_FALSE(view.access(room_id("r"), user_id("a"), kSome, {1000}));
}

TEST_F(RelayViewTest, JunkEndsTheConnectionOrIsPassedOver) {
  const std::byte nothing[4]{};
  EXPECT_FALSE(view.handle_bytes(nothing));
  view.handle_connected(1);
  const std::byte junk[6]{std::byte{0}, std::byte{0}, std::byte{0}, std::byte{2}};
  EXPECT_TRUE(view.handle_bytes(junk));
}

}  // namespace
}  // namespace sluice::rooms
