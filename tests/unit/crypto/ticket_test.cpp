#include "proto/crypto/ticket.h"

#include <sodium.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/crypto/handshake_pair.h"
#include "tests/unit/crypto/hex.h"

namespace sluice::crypto {
namespace {

class TicketTest : public ::testing::Test {
 protected:
  HandshakePair pair_;

  /// Seals any fields at all, as whoever holds the key can (P-TICKET-01).
  std::vector<std::byte> seal_fields(const std::vector<std::byte>& fields) {
    const std::string context = "sluice ticket 1";
    std::vector<unsigned char> nonce(kTicketNonceBytes, 9);
    std::vector<unsigned char> text(fields.size());
    for (std::size_t i = 0; i < fields.size(); ++i) text[i] = to_u8(fields[i]);
    std::vector<unsigned char> body(fields.size() + 16);
    std::vector<unsigned char> key;
    for (const std::byte b : pair_.ticket_key().bytes()) key.push_back(to_u8(b));
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        body.data(), nullptr, text.data(), text.size(),
        reinterpret_cast<const unsigned char*>(context.data()), context.size(), nullptr,
        nonce.data(), key.data());
    std::vector<std::byte> sealed;
    for (const unsigned char c : nonce) sealed.push_back(std::byte{c});
    for (const unsigned char c : body) sealed.push_back(std::byte{c});
    return sealed;
  }
};

struct Fields {
  std::uint8_t version = 1;
  std::uint64_t not_before = 100;
  std::uint64_t expiry = 200;
  std::uint16_t rights = 15;
  std::uint8_t flags = 0;
  std::string room = "lobby";
  std::string user = "anna";
  std::size_t trailing = 0;

  std::vector<std::byte> bytes() const {
    std::vector<std::byte> out(512);
    Writer writer{out};
    writer.u8(version);
    writer.zeros(16);
    writer.u64(not_before);
    writer.u64(expiry);
    writer.u64(7);
    writer.u64(8);
    writer.u16(rights);
    writer.u32(0);
    writer.u32(0);
    writer.u8(flags);
    writer.zeros(32);
    writer.u8(static_cast<std::uint8_t>(room.size()));
    writer.bytes(as_bytes(room));
    writer.u8(static_cast<std::uint8_t>(user.size()));
    writer.bytes(as_bytes(user));
    writer.zeros(trailing);
    out.resize(writer.size());
    return out;
  }
};

TEST_F(TicketTest, EveryFieldComesBack) {
  Ticket ticket = pair_.make_ticket();
  ticket.instance = InstanceId{0x1122334455667788};
  ticket.rights = Rights{}.with(Right::kSubscribe).with(Right::kHidden);
  ticket.rate_kbit_max = 4'000'000'000;
  ticket.session_seconds_max = 3600;
  ticket.flags = {true, true};
  const auto opened = open_ticket(pair_.ticket_key(),
                                  seal_ticket(pair_.ticket_key(), ticket, pair_.random()).view());
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->jti, ticket.jti);
  EXPECT_EQ(opened->not_before, ticket.not_before);
  EXPECT_EQ(opened->expiry, ticket.expiry);
  EXPECT_EQ(opened->relay, ticket.relay);
  EXPECT_EQ(opened->instance, ticket.instance);
  EXPECT_EQ(opened->rights, ticket.rights);
  EXPECT_EQ(opened->rate_kbit_max, ticket.rate_kbit_max);
  EXPECT_EQ(opened->session_seconds_max, ticket.session_seconds_max);
  EXPECT_EQ(opened->flags, ticket.flags);
  EXPECT_TRUE(opened->psk.equals(ticket.psk));
  EXPECT_EQ(opened->room, ticket.room);
  EXPECT_EQ(opened->user, ticket.user);
}

TEST_F(TicketTest, LongestAndShortestNamesFitTheSizesSaid) {
  for (const std::size_t length : {std::size_t{1}, RoomName::kLengthMax}) {
    Ticket ticket = pair_.make_ticket();
    ticket.room = *RoomName::parse(std::string(length, 'r'));
    ticket.user = *UserName::parse(std::string(length, 'u'));
    const SealedTicket sealed = seal_ticket(pair_.ticket_key(), ticket, pair_.random());
    EXPECT_EQ(sealed.size(), length == 1 ? kSealedTicketBytesMin : kSealedTicketBytesMax);
    EXPECT_TRUE(open_ticket(pair_.ticket_key(), sealed.view()));
  }
}

TEST_F(TicketTest, NoBitOfASealedTicketMayChange) {
  SealedTicket sealed = seal_ticket(pair_.ticket_key(), pair_.make_ticket(), pair_.random());
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    sealed.mutable_view()[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    const auto opened = open_ticket(pair_.ticket_key(), sealed.view());
    ASSERT_FALSE(opened) << bit;
    EXPECT_EQ(opened.error(), DropReason::kTicketSealed);
    sealed.mutable_view()[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
  }
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_FALSE(open_ticket(pair_.ticket_key(), sealed.view().first(size))) << size;
  }
}

TEST_F(TicketTest, AnotherKeyOpensNothing) {
  const SealedTicket sealed = seal_ticket(pair_.ticket_key(), pair_.make_ticket(), pair_.random());
  EXPECT_EQ(open_ticket(TicketKey{}, sealed.view()).error(), DropReason::kTicketSealed);
}

// P-TICKET-01: what makes a ticket invalid even though the right key sealed it.
TEST_F(TicketTest, OnlyTicketsOfThisVersionAreTickets) {
  struct Case {
    const char* what;
    std::function<void(Fields&)> change;
    bool valid;
  };

  const Case cases[] = {
      {"as it should be", [](Fields&) {}, true},
      {"all rights", [](Fields& f) { f.rights = 127; }, true},
      {"both flags", [](Fields& f) { f.flags = 3; }, true},
      {"names of 64", [](Fields& f) { f.room = f.user = std::string(64, 'x'); }, true},
      {"version 0", [](Fields& f) { f.version = 0; }, false},
      {"version 2", [](Fields& f) { f.version = 2; }, false},
      {"unknown right", [](Fields& f) { f.rights = 128; }, false},
      {"unknown flag", [](Fields& f) { f.flags = 4; }, false},
      {"no room",
       [](Fields& f) {
         f.room = "";
         f.user = "longer-name";
       },
       false},
      {"no user",
       [](Fields& f) {
         f.user = "";
         f.room = "longer-name";
       },
       false},
      {"room of 65", [](Fields& f) { f.room = std::string(65, 'x'); }, false},
      {"space in the room", [](Fields& f) { f.room = "a b"; }, false},
      {"slash in the user", [](Fields& f) { f.user = "../x"; }, false},
      {"trailing byte", [](Fields& f) { f.trailing = 1; }, false},
      {"expiry beyond the sign", [](Fields& f) { f.expiry = UINT64_MAX; }, false},
      {"expiry where the slack overflows", [](Fields& f) { f.expiry = INT64_MAX; }, false},
  };
  for (const Case& c : cases) {
    Fields fields;
    c.change(fields);
    const auto opened = open_ticket(pair_.ticket_key(), seal_fields(fields.bytes()));
    EXPECT_EQ(opened.has_value(), c.valid) << c.what;
  }
}

TEST_F(TicketTest, TruncatedFieldsAreMalformed) {
  auto fields = Fields{.room = std::string(20, 'x'), .user = std::string(20, 'y')}.bytes();
  while (fields.size() > kTicketFieldsBytesMin) {
    fields.pop_back();
    const auto opened = open_ticket(pair_.ticket_key(), seal_fields(fields));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error(), DropReason::kMalformed) << fields.size();
  }
}

// P-TICKET-02.
TEST_F(TicketTest, TimeAndAudienceAreChecked) {
  Ticket ticket = pair_.make_ticket();
  ticket.not_before = {1000};
  ticket.expiry = {1060};

  struct Case {
    std::int64_t now;
    std::optional<DropReason> reason;
  };

  const Case cases[] = {
      {994, DropReason::kTicketNotYet},
      {995, std::nullopt},
      {1000, std::nullopt},
      {1060, std::nullopt},
      {1065, std::nullopt},
      {1066, DropReason::kTicketExpired},
  };
  for (const Case& c : cases) {
    const auto checked = check_ticket(ticket, {c.now}, pair_.identity().key.id);
    EXPECT_EQ(checked.has_value(), !c.reason) << c.now;
    if (c.reason && !checked) {
      EXPECT_EQ(checked.error(), *c.reason) << c.now;
    }
  }
  EXPECT_EQ(check_ticket(ticket, {1000}, RelayKeyId{1}).error(), DropReason::kTicketForeign);
}

// P-TICKET-03: the psk is not readable in the sealed ticket.
TEST_F(TicketTest, ShowsNeitherPskNorNames) {
  Ticket ticket = pair_.make_ticket();
  ticket.room = *RoomName::parse("a-room-with-a-long-name");
  const auto sealed = to_hex(seal_ticket(pair_.ticket_key(), ticket, pair_.random()).view());
  EXPECT_EQ(sealed.find(to_hex(ticket.psk.bytes().first(8))), std::string::npos);
  EXPECT_EQ(sealed.find(to_hex(as_bytes("a-room-with"))), std::string::npos);
}

TEST(Rights, AddAndRemove) {
  const Rights rights = Rights{}.with(Right::kPushAudio).with(Right::kSubscribe);
  EXPECT_EQ(rights.bits(), 9);
  EXPECT_TRUE(rights.has(Right::kSubscribe));
  EXPECT_FALSE(rights.has(Right::kPushVideo));
  EXPECT_EQ(rights.without(Right::kPushAudio).bits(), 8);
}

}  // namespace
}  // namespace sluice::crypto
