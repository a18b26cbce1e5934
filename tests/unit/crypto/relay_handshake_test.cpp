#include "proto/crypto/relay_handshake.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/crypto/handshake_pair.h"
#include "tests/unit/crypto/hex.h"

namespace sluice::crypto {
namespace {

using InitBytes = std::array<std::byte, kInitBytes>;

InitBytes copy_init(ClientHandshake& client) {
  InitBytes init;
  const Bytes sent = client.poll_transmit(kStart);
  EXPECT_EQ(sent.size(), kInitBytes);  // P-HS-02
  std::ranges::copy(sent, init.begin());
  return init;
}

class RelayHandshake : public ::testing::Test {
 protected:
  HandshakePair pair_;
};

TEST_F(RelayHandshake, ReadsWhatTheClientOffered) {
  const std::string early(kEarlyRoomBytesMax, 'e');
  auto client = pair_.make_client(SuiteSet{6}, as_bytes(early));
  const InitBytes init = copy_init(client);
  const auto view = parse_init(init);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->suites, SuiteSet{6});
  EXPECT_EQ(view->relay, pair_.identity().key.id);
  EXPECT_EQ(view->nonce, init_nonce(init));
  const auto opened = pair_.open(init);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->suites, SuiteSet{6});
  EXPECT_EQ(as_text(opened->early_room_bytes.view()), early);
}

TEST_F(RelayHandshake, LongestTicketLeavesRoomForAllEarlyBytes) {
  Ticket ticket = pair_.make_ticket();
  ticket.room = *RoomName::parse(std::string(64, 'r'));
  ticket.user = *UserName::parse(std::string(64, 'u'));
  const std::string early(kEarlyRoomBytesMax, 'e');
  auto client = ClientHandshake::start(
      {pair_.identity().key.public_key, seal_ticket(pair_.ticket_key(), ticket, pair_.random()),
       ticket.psk.copy()},
      {kAllSuites, as_bytes(early)}, kStart, pair_.random());
  ASSERT_TRUE(client);
  EXPECT_TRUE(pair_.open(copy_init(*client)));
}

// P-HS-02, P-HS-08: the length first, then version, suites and the ticket's length.
TEST_F(RelayHandshake, GateNamesEachFault) {
  auto client = pair_.make_client();
  const InitBytes good = copy_init(client);

  struct Case {
    const char* what;
    std::size_t at;
    std::uint8_t value;
    DropReason reason;
  };

  const std::size_t ticket_length = kInitFixedBytes - 2;
  const Case cases[] = {
      {"type", 0, 2, DropReason::kUnknownType},
      {"version 0", 1, 0, DropReason::kBadVersion},
      {"version 2", 1, 2, DropReason::kBadVersion},
      {"no suites", 2, 0, DropReason::kBadVersion},
      {"unknown suites only", 2, 0xF8, DropReason::kBadVersion},
      {"kem", 3, 1, DropReason::kBadVersion},
      {"ticket too long", ticket_length, 0xFF, DropReason::kMalformed},
      {"ticket too short", ticket_length + 1, 1, DropReason::kMalformed},
      {"relay key id", 4 + 16, static_cast<std::uint8_t>(~to_u8(good[20])), DropReason::kBadMac1},
  };
  for (const Case& c : cases) {
    InitBytes init = good;
    init[c.at] = std::byte{c.value};
    pair_.renew_mac1(init);
    const auto opened = pair_.open(init);
    ASSERT_FALSE(opened) << c.what;
    EXPECT_EQ(opened.error(), c.reason) << c.what;
  }
  std::vector<std::byte> longer(good.begin(), good.end());
  longer.push_back(std::byte{0});
  EXPECT_EQ(parse_init(longer).error(), DropReason::kOversize);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kInitBytes - 1}) {
    EXPECT_EQ(parse_init(Bytes{good}.first(size)).error(), DropReason::kRunt) << size;
  }
}

// P-HS-03 and P-HS-04: no bit may change, whether or not the mac is made right again.
TEST_F(RelayHandshake, NoBitOfAnInitMayChange) {
  auto client = pair_.make_client();
  const InitBytes good = copy_init(client);
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    InitBytes init = good;
    init[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    EXPECT_FALSE(verify_mac1(pair_.identity().key, Bytes{init})) << bit;
    ASSERT_FALSE(pair_.open(init)) << bit;
    if (bit / 8 >= kInitBytes - kMacBytes) continue;
    pair_.renew_mac1(init);
    ASSERT_FALSE(pair_.open(init)) << bit << " with a new mac";
  }
  EXPECT_TRUE(pair_.open(good));
}

TEST_F(RelayHandshake, EditedOffersEndTheHandshake) {
  auto client = pair_.make_client();
  InitBytes init = copy_init(client);
  init[2] = std::byte{2};  // somebody leaves only ChaCha20
  pair_.renew_mac1(init);
  EXPECT_EQ(pair_.open(init).error(), DropReason::kHandshakeFailed);
}

// P-TICKET-03: every pairing of the right and a wrong credential.
TEST_F(RelayHandshake, OnlyTicketAndPskTogetherOpenAnything) {
  const ClientCredentials good = pair_.make_credentials();
  const ClientCredentials other = pair_.make_credentials();
  HandshakePair other_relay{2};

  struct Case {
    const char* what;
    ClientCredentials credentials;
    HandshakePair& relay;
    std::optional<DropReason> reason;
  };

  const PublicKey relay = pair_.identity().key.public_key;
  SealedTicket foreign_ticket = other_relay.make_credentials().ticket;
  Case cases[] = {
      {"right", {relay, good.ticket, good.psk.copy()}, pair_, std::nullopt},
      {"psk of another ticket",
       {relay, good.ticket, other.psk.copy()},
       pair_,
       DropReason::kHandshakeFailed},
      {"no psk", {relay, good.ticket, Psk{}}, pair_, DropReason::kHandshakeFailed},
      {"ticket of another key",
       {relay, foreign_ticket, good.psk.copy()},
       pair_,
       DropReason::kTicketSealed},
      {"another relay", {relay, good.ticket, good.psk.copy()}, other_relay, DropReason::kBadMac1},
  };
  for (Case& c : cases) {
    auto client =
        ClientHandshake::start(std::move(c.credentials), {kAllSuites, {}}, kStart, pair_.random());
    ASSERT_TRUE(client);
    const auto opened = c.relay.open(copy_init(*client));
    EXPECT_EQ(opened.has_value(), !c.reason) << c.what;
    if (!opened && c.reason) {
      EXPECT_EQ(opened.error(), *c.reason) << c.what;
    }
  }
}

// An impostor that took over the address and knows all that is public, even ticket key and psk.
TEST_F(RelayHandshake, WithoutTheRelaysPrivateKeyNothingOpens) {
  auto client = pair_.make_client();
  const InitBytes init = copy_init(client);
  const auto view = parse_init(init);
  const auto ticket = open_ticket(pair_.ticket_key(), view->ticket);
  RelayIdentity impostor{PrivateKey::random(pair_.random()), pair_.identity().key};
  EXPECT_EQ(read_init(impostor, *view, ticket->psk).error(), DropReason::kHandshakeFailed);
}

// P-HS-05, beneath a valid tag: the list must be one, and hold our version.
TEST_F(RelayHandshake, SealedPayloadsAreCheckedToo) {
  struct Case {
    const char* what;
    std::string_view list;  // in hexadecimal, the rest is zero
    std::optional<DropReason> reason;
  };

  const Case cases[] = {
      {"our version", "01000101", std::nullopt},
      {"several versions", "0100030201ff", std::nullopt},
      {"unknown tag skipped",
       "01000101"
       "7f0002aaaa",
       std::nullopt},
      {"no list", "", DropReason::kMalformed},
      {"version list without ours", "01000102", DropReason::kBadVersion},
      {"empty version list", "010000", DropReason::kBadVersion},
      {"tag twice",
       "01000101"
       "01000101",
       DropReason::kMalformed},
      {"unknown tag twice",
       "01000101"
       "7f0000"
       "7f0000",
       DropReason::kMalformed},
      {"length beyond the end", "01ffff01", DropReason::kMalformed},
      {"padding not zero",
       "01000101"
       "00"
       "01",
       DropReason::kMalformed},
      {"too many early bytes",
       "01000101"
       "020321",
       DropReason::kMalformed},
  };
  for (const Case& c : cases) {
    const Ticket ticket = pair_.make_ticket();
    const auto sealed = seal_ticket(pair_.ticket_key(), ticket, pair_.random());
    InitBytes init{};
    Writer writer{init};
    writer.bytes(from_hex("01010700"));
    writer.zeros(kClientNonceBytes);
    writer.u64(static_cast<std::uint64_t>(pair_.identity().key.id));
    writer.zeros(kMacBytes);
    writer.u16(static_cast<std::uint16_t>(sealed.size()));
    writer.bytes(sealed.view());
    const InitPrologue prologue{writer.written()};
    const MutableBytes message = writer.reserve(writer.remaining() - kMacBytes);
    std::vector<std::byte> payload = from_hex(c.list);
    payload.resize(message.size() - kNoiseOverheadBytes);
    ASSERT_TRUE(NoiseInitiator::start({prologue.view(), pair_.identity().key.public_key, ticket.psk,
                                       KeyPair::generate(pair_.random())},
                                      payload, message));
    pair_.renew_mac1(init);
    const auto opened = pair_.open(init);
    EXPECT_EQ(opened.has_value(), !c.reason) << c.what;
    if (!opened && c.reason) {
      EXPECT_EQ(opened.error(), *c.reason) << c.what;
    }
  }
}

// Both sides' ephemerals are fresh in every handshake, and with every cookie.
TEST_F(RelayHandshake, TwoHandshakesNeverShareAnEphemeral) {
  std::set<std::string> ephemerals;
  for (int i = 0; i < 100; ++i) {
    auto client = pair_.make_client();
    const InitBytes init = copy_init(client);
    const auto opened = pair_.open(init);
    ASSERT_TRUE(opened);
    const AcceptWritten accept = pair_.accept(*opened);
    EXPECT_TRUE(ephemerals.insert(to_hex(parse_init(init)->noise.first(kKeyBytes))).second);
    EXPECT_TRUE(
        ephemerals.insert(to_hex(accept.message.view().subspan(kAcceptFixedBytes, kKeyBytes)))
            .second);
  }
}

// P-HS-07: no answer is larger than an INIT, whatever it holds.
TEST_F(RelayHandshake, NoAnswerIsLargerThanItsRequest) {
  auto client = pair_.make_client();
  const auto opened = pair_.open(copy_init(client));
  Ticket ticket = pair_.make_ticket();
  ticket.room = *RoomName::parse(std::string(64, 'r'));
  ticket.user = *UserName::parse(std::string(64, 'u'));
  const ResumeTicket resume{seal_ticket(pair_.ticket_key(), ticket, pair_.random()),
                            ticket.psk.copy()};
  EXPECT_EQ(pair_.accept(*opened, &resume).message.size(), kInitBytes);  // P-HS-02
  const std::string alternative(kAlternativeBytesMax, 'x');
  EXPECT_LE(pair_.refuse(*opened, HandshakeStatus::kDraining, alternative).size(), kInitBytes);
}

TEST(HandshakeStatus, HasOneUniqueNameEach) {
  std::set<std::string_view> names;
  for (std::uint8_t i = 0; i <= 10; ++i) {
    const auto name = handshake_status_name(HandshakeStatus{i});
    EXPECT_NE(name, "unknown");
    EXPECT_TRUE(names.insert(name).second) << name;
  }
  EXPECT_EQ(handshake_status_name(HandshakeStatus{11}), "unknown");
}

// P-HS-08: time, audience and jti have refusals of their own; what a stranger can cause has none.
TEST(HandshakeStatus, OnlyReasonsOfAProvenPeerHaveARefusal) {
  EXPECT_EQ(refusal_for(DropReason::kTicketExpired), HandshakeStatus::kTicketExpired);
  EXPECT_EQ(refusal_for(DropReason::kTicketNotYet), HandshakeStatus::kTicketNotYet);
  EXPECT_EQ(refusal_for(DropReason::kTicketForeign), HandshakeStatus::kTicketForeign);
  EXPECT_EQ(refusal_for(DropReason::kTicketReplayed), HandshakeStatus::kTicketReplayed);
  EXPECT_EQ(refusal_for(DropReason::kTicketVoid), HandshakeStatus::kTicketVoid);
  EXPECT_EQ(refusal_for(DropReason::kDraining), HandshakeStatus::kDraining);
  EXPECT_EQ(refusal_for(DropReason::kLinkLimit), HandshakeStatus::kRelayFull);
  for (const DropReason silent :
       {DropReason::kBadMac1, DropReason::kBadCookie, DropReason::kTicketSealed,
        DropReason::kHandshakeFailed, DropReason::kMalformed, DropReason::kRunt}) {
    EXPECT_EQ(refusal_for(silent), std::nullopt);
  }
}

}  // namespace
}  // namespace sluice::crypto
