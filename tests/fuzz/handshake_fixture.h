// Fixed keys and a repeatable source of randomness for the handshake's fuzz targets: an input means
// the same in every run.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "proto/base/random.h"
#include "proto/crypto/client_handshake.h"
#include "proto/crypto/relay_handshake.h"
#include "proto/crypto/ticket.h"

namespace sluice::crypto {

inline constexpr Instant kFuzzNow = instant_from_us(1'000'000);

class FuzzRandom {
 public:
  RandomSource source() {
    return {[](void* self, MutableBytes out) {
              for (std::byte& b : out) {
                b = static_cast<std::byte>(static_cast<FuzzRandom*>(self)->count_++ * 167U >> 3U);
              }
            },
            this};
  }

 private:
  std::uint32_t count_ = 1;
};

/// The relay's keys and one ticket, made once for the process.
struct FuzzRelay {
  FuzzRandom random;
  RelayIdentity identity;
  TicketKey ticket_key;
  Ticket ticket;
  SealedTicket sealed;

  static FuzzRelay& get() {
    static FuzzRelay relay;
    return relay;
  }

  ClientHandshake make_client(FuzzRandom& client_random) const {
    return *ClientHandshake::start({identity.key.public_key, sealed, ticket.psk.copy()},
                                   {kAllSuites, as_bytes("early")}, kFuzzNow,
                                   client_random.source());
  }

 private:
  FuzzRelay() {
    init_crypto();
    identity = RelayIdentity::generate(random.source());
    ticket_key = TicketKey::random(random.source());
    random.source()(ticket.jti);
    ticket.expiry = {60};
    ticket.relay = identity.key.id;
    ticket.psk = Psk::random(random.source());
    ticket.room = *RoomName::parse("lobby");
    ticket.user = *UserName::parse("anna");
    sealed = seal_ticket(ticket_key, ticket, random.source());
  }
};

}  // namespace sluice::crypto
