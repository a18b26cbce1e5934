// The whole handshake as a program does it, without helpers: who makes a client or a door copies
// these calls. Everything that can go wrong is in the other tests of this folder.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "proto/crypto/client_handshake.h"
#include "proto/crypto/cookie.h"
#include "proto/crypto/packet_protection.h"
#include "proto/crypto/relay_handshake.h"
#include "proto/crypto/ticket.h"
#include "proto/crypto/used_tickets.h"

namespace sluice::crypto {
namespace {

Ticket make_right(RelayKeyId relay, UnixSeconds now, RandomSource random) {
  Ticket right;
  random(right.jti);
  right.not_before = now;
  right.expiry = {now.value + 60};
  right.relay = relay;
  right.rights = kPushRights.with(Right::kSubscribe);
  right.psk = Psk::random(random);
  right.room = *RoomName::parse("lobby");
  right.user = *UserName::parse("anna");
  return right;
}

/// Packet number 0 of one direction: header, plaintext and room for the tag in one buffer, sealed
/// and opened in place. Returns what came out.
std::string carry(PacketProtection& from, PacketProtection& to, std::string_view text) {
  std::array<std::byte, 64> datagram{};
  const std::uint16_t header_bytes = kDataHeaderFromRelayBytes;
  datagram[0] = std::byte{0x40};
  std::ranges::copy(as_bytes(text), datagram.begin() + header_bytes);
  const MutableBytes packet = MutableBytes{datagram}.first(header_bytes + text.size() + kTagBytes);
  const SealJob job{PacketNumber{0}, packet, header_bytes};
  EXPECT_TRUE(from.seal_run({&job, 1}));
  const auto plaintext =
      to.open(instant_from_us(1'000'000), {PacketNumber{0}, packet, header_bytes});
  return plaintext ? std::string{as_text(*plaintext)} : "dropped";
}

TEST(HandshakeExample, ClientAndRelayMakeALinkInOneRoundTrip) {
  init_crypto();
  const RandomSource random = system_random();
  const Instant now = instant_from_us(1'000'000);
  const UnixSeconds wall{1'800'000'000};
  const Address client_address = Address::v4(192, 0, 2, 7, 40000);

  // The relay, once: its keys live in locked memory.
  const Locked<RelayIdentity> identity{RelayIdentity::generate(random)};
  const Locked<TicketKey> ticket_key{TicketKey::random(random)};
  UsedTickets used{random, 1024};

  // The room service, or the relay's control socket: a ticket and its psk.
  const Ticket right = make_right(identity->key.id, wall, random);
  ClientCredentials credentials{identity->key.public_key, seal_ticket(*ticket_key, right, random),
                                right.psk.copy()};

  // Client: INIT.
  const auto early = as_bytes("first room messages");
  auto client =
      ClientHandshake::start(std::move(credentials), {preferred_suites(), early}, now, random);
  ASSERT_TRUE(client);
  const Bytes init_datagram = client->poll_transmit(now);
  ASSERT_EQ(init_datagram.size(), kInitBytes);

  // Relay: the steps of P-HS-08, cheapest first, nothing kept before the psk is proved.
  const auto init = parse_init(init_datagram);
  ASSERT_TRUE(init);
  ASSERT_TRUE(verify_mac1(identity->key, *init));
  const auto ticket = open_ticket(*ticket_key, init->ticket);
  ASSERT_TRUE(ticket);
  ASSERT_EQ(used.find(ticket->jti, init->mac1).use, UsedTickets::Use::kUnused);
  ASSERT_TRUE(check_ticket(*ticket, wall, identity->key.id));
  const auto opened = read_init(*identity, *init, ticket->psk);
  ASSERT_TRUE(opened);
  EXPECT_EQ(as_text(opened->early_room_bytes.view()), "first room messages");

  // Relay: admission is the door's; then ACCEPT, and the jti is used up.
  const auto suite = choose_suite(opened->suites, preferred_suites());
  ASSERT_TRUE(suite);
  LinkGrant link;
  link.connection_id = ConnectionId{0x0102030405};
  random(link.reset_token);
  auto accept = write_accept(*opened, {*suite, link, client_address}, random);
  ASSERT_TRUE(accept);
  ASSERT_TRUE(used.insert(ticket->jti, ticket->expiry, init->mac1, 0, wall));

  // Client: ACCEPT.
  auto progress = client->handle_datagram(now, accept->message.view());
  ASSERT_TRUE(progress);
  ASSERT_TRUE(std::holds_alternative<Accepted>(*progress));
  Accepted& accepted = std::get<Accepted>(*progress);
  EXPECT_EQ(accepted.suite, *suite);
  EXPECT_EQ(accepted.link.connection_id, link.connection_id);
  EXPECT_EQ(accepted.link.reset_token, link.reset_token);
  EXPECT_EQ(accepted.own_address, client_address);
  EXPECT_EQ(client->next_deadline(), kNever);

  // Both: the link's packet protection, and one packet each way.
  PacketProtection at_client{accepted.suite, std::move(accepted.secrets.client_to_relay),
                             std::move(accepted.secrets.relay_to_client), now};
  PacketProtection at_relay{*suite, std::move(accept->secrets.relay_to_client),
                            std::move(accept->secrets.client_to_relay), now};
  EXPECT_EQ(carry(at_client, at_relay, "media up"), "media up");
  EXPECT_EQ(carry(at_relay, at_client, "media down"), "media down");

  // The same INIT again is given the same ACCEPT (P-HS-09): `answer` is where the door keeps it.
  EXPECT_EQ(used.find(ticket->jti, init->mac1).use, UsedTickets::Use::kSameInit);
}

}  // namespace
}  // namespace sluice::crypto
