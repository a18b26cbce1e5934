// A relay and its clients for handshake tests: seeded keys, a ticket for "anna" in "lobby", and the
// relay's steps in one call. handshake_example_test.cpp shows the same without helpers.
#pragma once

#include <chrono>
#include <utility>
#include <variant>

#include "proto/base/address.h"
#include "proto/crypto/client_handshake.h"
#include "proto/crypto/relay_handshake.h"
#include "proto/crypto/ticket.h"
#include "tests/unit/crypto/seeded_random.h"

namespace sluice::crypto {

inline constexpr Instant kStart = instant_from_us(1'000'000);
inline constexpr UnixSeconds kWall{1'800'000'000};

class HandshakePair {
 public:
  explicit HandshakePair(std::uint64_t seed = 1)
      : random_(seed),
        identity_(RelayIdentity::generate(random_.source())),
        ticket_key_(TicketKey::random(random_.source())) {
    init_crypto();
  }

  RandomSource random() { return random_.source(); }

  const RelayIdentity& identity() const { return identity_; }

  const TicketKey& ticket_key() const { return ticket_key_; }

  Ticket make_ticket() {
    Ticket ticket;
    random()(ticket.jti);
    ticket.not_before = kWall;
    ticket.expiry = {kWall.value + 60};
    ticket.relay = identity_.key.id;
    ticket.rights = kPushRights;
    ticket.psk = Psk::random(random());
    ticket.room = *RoomName::parse("lobby");
    ticket.user = *UserName::parse("anna");
    return ticket;
  }

  ClientCredentials make_credentials() {
    const Ticket ticket = make_ticket();
    return {identity_.key.public_key, seal_ticket(ticket_key_, ticket, random()),
            ticket.psk.copy()};
  }

  ClientHandshake make_client(SuiteSet suites = kAllSuites, Bytes early = {}) {
    return *ClientHandshake::start(make_credentials(), {suites, early}, kStart, random());
  }

  /// All of the relay's steps up to the proof of the psk.
  Result<InitOpened> open(Bytes datagram) {
    const auto init = parse_init(datagram);
    if (!init) return Unexpected{init.error()};
    if (const auto mac = verify_mac1(identity_.key, *init); !mac) return Unexpected{mac.error()};
    const auto ticket = open_ticket(ticket_key_, init->ticket);
    if (!ticket) return Unexpected{ticket.error()};
    return read_init(identity_, *init, ticket->psk);
  }

  AcceptWritten accept(const InitOpened& init, const ResumeTicket* resume = nullptr) {
    LinkGrant link;
    link.connection_id = ConnectionId{0xFEDCBA987654};
    random()(link.reset_token);
    const auto suite = choose_suite(init.suites, kAllSuites);
    return *write_accept(init, {*suite, link, client_address_, resume}, random());
  }

  AcceptMessage refuse(const InitOpened& init, HandshakeStatus status,
                       std::string_view alternative = {}) {
    return *write_refusal(init, status, alternative, random());
  }

  Address client_address() const { return client_address_; }

  /// The last 16 bytes made right again: anyone who knows the relay's public key can.
  void renew_mac1(MutableBytes init) const {
    const Mac mac = identity_.key.mac(Bytes{init}.first(kInitBytes - kMacBytes));
    std::copy(mac.begin(), mac.end(), init.end() - kMacBytes);
  }

 private:
  SeededRandom random_;
  RelayIdentity identity_;
  TicketKey ticket_key_;
  Address client_address_ = Address::v4(192, 0, 2, 7, 40000);
};

template <class T>
bool is(const Result<HandshakeProgress>& progress) {
  return progress && std::holds_alternative<T>(*progress);
}

}  // namespace sluice::crypto
