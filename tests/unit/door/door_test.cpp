#include "relay/door/door.h"

#include <gtest/gtest.h>

#include "proto/wire/packet.h"
#include "tests/unit/door/door_bench.h"

namespace sluice::relay {
namespace {

using crypto::HandshakeStatus;

constexpr Party kFirstWorker{1};

TEST(Door, AcceptsAndMailsTheLinkToItsWorker) {
  DoorBench bench;
  const crypto::Ticket ticket = bench.ticket();
  crypto::ClientHandshake client = bench.client(ticket);
  const auto progress = bench.join(client);
  ASSERT_TRUE(progress.has_value());
  const auto& accepted = std::get<crypto::Accepted>(*progress);
  EXPECT_EQ(accepted.own_address, kClient);
  ASSERT_TRUE(accepted.resume.has_value());
  std::vector<Mail> mail = bench.mail_of(kFirstWorker);
  ASSERT_EQ(mail.size(), 1U);
  const NewLink& link = std::get<NewLink>(mail[0]);
  EXPECT_EQ(link.pass.connection, accepted.link.connection_id);
  EXPECT_EQ(link.reset_token, accepted.link.reset_token);
  EXPECT_TRUE(link.secrets.client_to_relay.equals(accepted.secrets.client_to_relay));
  EXPECT_EQ(link.pass.user, ticket.user);
  EXPECT_EQ(bench.metrics.half_open.value(), 1U);
}

// P-HS-09
TEST(Door, GivesTheSameInitTheSameAcceptUntilTheFirstData) {
  DoorBench bench;
  crypto::ClientHandshake client = bench.client(bench.ticket());
  const std::vector<std::byte> init = DoorBench::init_of(client, bench.now);
  const std::vector<std::byte> first = bench.ask(init);
  ASSERT_FALSE(first.empty());
  EXPECT_EQ(bench.ask(init), first);
  std::vector<Mail> mail = bench.mail_of(kFirstWorker);
  ASSERT_EQ(mail.size(), 1U);  // one link, however often it was asked for
  bench.tell_door(LinkEstablished{std::get<NewLink>(mail[0]).pass.connection});
  EXPECT_EQ(bench.metrics.half_open.value(), 0U);
  const auto after = client.handle_datagram(bench.now, bench.ask(init));
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(std::get<crypto::Refused>(*after).status, HandshakeStatus::kTicketReplayed);
}

TEST(Door, AnotherInitWithAUsedTicketIsRefused) {
  DoorBench bench;
  const crypto::Ticket ticket = bench.ticket();
  EXPECT_EQ(bench.status_of(ticket), HandshakeStatus::kAccepted);
  EXPECT_EQ(bench.status_of(ticket), HandshakeStatus::kTicketReplayed);
}

// P-HS-08: why a ticket is not taken is told only to who proved its psk; P-HS-07 in this form.
TEST(Door, TellsOnlyTheHolderWhyATicketIsRefused) {
  DoorBench bench;

  struct Case {
    HandshakeStatus status;
    void (*change)(crypto::Ticket&);
  };

  const Case cases[] = {
      {HandshakeStatus::kTicketExpired, [](crypto::Ticket& t) { t.expiry.value -= 66; }},
      {HandshakeStatus::kTicketNotYet, [](crypto::Ticket& t) { t.not_before.value += 6; }},
      {HandshakeStatus::kTicketForeign, [](crypto::Ticket& t) { t.relay = RelayKeyId{1}; }},
  };
  for (const Case& c : cases) {
    crypto::Ticket ticket = bench.ticket();
    c.change(ticket);
    EXPECT_EQ(bench.status_of(ticket), c.status);
    // The ticket alone, with a psk that is not its own: silence.
    crypto::ClientHandshake thief = bench.client(ticket);
    auto stolen = crypto::ClientHandshake::start(
        {bench.identity.key.public_key,
         crypto::seal_ticket(bench.ticket_key, ticket, bench.random.source()),
         crypto::Psk::random(bench.random.source())},
        {crypto::preferred_suites(), {}}, bench.now, bench.random.source());
    EXPECT_TRUE(bench.ask(DoorBench::init_of(*stolen, bench.now)).empty());
  }
}

TEST(Door, AnswersStrangersWithSilence) {
  DoorBench bench;
  crypto::ClientHandshake client = bench.client(bench.ticket());
  const std::vector<std::byte> good = DoorBench::init_of(client, bench.now);
  for (std::size_t at = 0; at < good.size(); at += 7) {
    std::vector<std::byte> flipped = good;
    flipped[at] ^= std::byte{0x10};
    EXPECT_TRUE(bench.ask(flipped).empty()) << at;
  }
  EXPECT_TRUE(bench.ask(Bytes{good}.first(kInitBytes - 1)).empty());
  const crypto::TicketKey other = crypto::TicketKey::random(bench.random.source());
  crypto::ClientHandshake foreign = bench.client(bench.ticket(), other);
  EXPECT_TRUE(bench.ask(DoorBench::init_of(foreign, bench.now)).empty());
  EXPECT_EQ(bench.drops(DropReason::kTicketSealed), 1U);
  EXPECT_EQ(bench.metrics.links.value(), 0U);
  EXPECT_TRUE(bench.mail_of(kFirstWorker).empty());
  EXPECT_FALSE(bench.ask(good).empty());
}

// P-HS-02, threat 5
TEST(Door, NoAnswerIsLargerThanItsRequest) {
  DoorBench bench;
  for (int i = 0; i < 50; ++i) {
    crypto::ClientHandshake client = bench.client(bench.ticket("room", "user" + std::to_string(i)));
    const std::vector<std::byte> init = DoorBench::init_of(client, bench.now);
    EXPECT_LE(bench.ask(init).size(), init.size());
  }
  std::vector<std::byte> data(27, std::byte{0xFF});
  data[0] = std::byte{0x40};
  EXPECT_LE(bench.ask(data).size(), data.size());
}

// P-HS-06
TEST(Door, AsksForACookieUnderLoadAndTakesIt) {
  DoorBench bench;
  // Each from a prefix of its own; 260 joins at one moment are half of a thread's 100 ms.
  for (int i = 0; i < 300; ++i) {
    crypto::ClientHandshake other = bench.client(bench.ticket("room" + std::to_string(i), "user"));
    const Address from = Address::v4(10, static_cast<std::uint8_t>(i / 200),
                                     static_cast<std::uint8_t>(i % 200), 1, 99);
    static_cast<void>(bench.ask(DoorBench::init_of(other, bench.now), from));
  }
  EXPECT_GT(bench.metrics.cookies_sent.value(), 0U);
  EXPECT_GT(bench.drops(DropReason::kCookieNeeded), 0U);
  crypto::ClientHandshake client = bench.client(bench.ticket("last", "ann"));
  const auto asked = bench.join(client);
  ASSERT_TRUE(asked.has_value());
  EXPECT_TRUE(std::holds_alternative<crypto::StillTrying>(*asked));
  const auto accepted = bench.join(client);
  ASSERT_TRUE(accepted.has_value());
  EXPECT_TRUE(std::holds_alternative<crypto::Accepted>(*accepted));
}

TEST(Door, ANeighbourhoodThatUsedUpItsShareStillGetsInWithACookie) {
  DoorBench bench;
  const crypto::TicketKey other = crypto::TicketKey::random(bench.random.source());
  while (bench.metrics.cookies_sent.value() == 0) {
    crypto::ClientHandshake forger = bench.client(bench.ticket(), other);
    static_cast<void>(bench.ask(DoorBench::init_of(forger, bench.now)));
  }
  crypto::ClientHandshake elsewhere = bench.client(bench.ticket("a", "a"));
  EXPECT_TRUE(std::holds_alternative<crypto::Accepted>(
      *bench.join(elsewhere, Address::v4(198, 51, 100, 1, 5))));
  crypto::ClientHandshake neighbour = bench.client(bench.ticket("b", "b"));
  const Address beside = Address::v4(192, 0, 2, 99, 5);
  EXPECT_TRUE(std::holds_alternative<crypto::StillTrying>(*bench.join(neighbour, beside)));
  EXPECT_TRUE(std::holds_alternative<crypto::Accepted>(*bench.join(neighbour, beside)));
}

TEST(Door, TakesOnlyLoopbackWhenToldSo) {
  DoorBench bench{{}, true};
  crypto::ClientHandshake client = bench.client(bench.ticket());
  EXPECT_FALSE(bench.join(client).has_value());
  EXPECT_EQ(bench.drops(DropReason::kNotAllowed), 1U);
  crypto::ClientHandshake near = bench.client(bench.ticket());
  EXPECT_TRUE(bench.join(near, Address::v4(127, 0, 0, 1, 7)).has_value());
}

TEST(Door, RefusesBeyondTheRoomsAndTheRelaysLimits) {
  RelayLimits limits;
  limits.members_per_room_max = 2;
  limits.rooms_max = 2;
  DoorBench bench{limits};
  EXPECT_EQ(bench.status_of(bench.ticket("one", "a")), HandshakeStatus::kAccepted);
  EXPECT_EQ(bench.status_of(bench.ticket("one", "b")), HandshakeStatus::kAccepted);
  EXPECT_EQ(bench.status_of(bench.ticket("one", "c")), HandshakeStatus::kRoomFull);
  EXPECT_EQ(bench.status_of(bench.ticket("two", "a")), HandshakeStatus::kAccepted);
  EXPECT_EQ(bench.status_of(bench.ticket("three", "a")), HandshakeStatus::kRelayFull);
}

// P-RESET-01, P-RESET-02
TEST(Door, ResetsLinksOfAnEarlierLifeAtALimitedRate) {
  DoorBench bench;
  std::vector<std::byte> data(27, std::byte{0x11});
  data[0] = std::byte{0x41};
  std::size_t resets = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::vector<std::byte> reply = bench.ask(data);
    if (reply.empty()) continue;
    ++resets;
    const wire::Reset reset = wire::read_reset(reply);
    const auto id = wire::read_data_header(data, wire::Direction::kToRelay).connection;
    EXPECT_EQ(reset.connection, id);
    EXPECT_EQ(reset.token, crypto::derive_reset_token(bench.secrets.reset, id));
  }
  EXPECT_GE(resets, 1U);
  EXPECT_LE(resets, static_cast<std::size_t>(kResetsPerSecond));
}

TEST(Door, ARoomWhoseLastLinkIsGoneEndsOnEveryWorkerThatKnewIt) {
  DoorBench bench{{}, false, Placement::kRoundRobin};
  bench.status_of(bench.ticket("room", "ann"));
  bench.status_of(bench.ticket("room", "bob"));
  std::vector<ConnectionId> links;
  for (const Party worker : {Party{1}, Party{2}}) {
    for (const Mail& mail : bench.mail_of(worker)) {
      links.push_back(std::get<NewLink>(mail).pass.connection);
    }
  }
  ASSERT_EQ(links.size(), 2U);
  bench.tell_door(LinkGone{links[0]});
  EXPECT_TRUE(bench.mail_of(Party{1}).empty());
  bench.tell_door(LinkGone{links[1]});
  EXPECT_EQ(bench.mail_of(Party{1}).size(), 1U);
  EXPECT_EQ(bench.mail_of(Party{2}).size(), 1U);
  EXPECT_EQ(bench.metrics.rooms.value(), 0U);
  bench.tell_door(LinkGone{links[1]});  // twice is harmless
}

}  // namespace
}  // namespace sluice::relay
