// The relay's side of the handshake, one function per step in the order of P-HS-08, so that the
// door can count each failure and put its own checks between them:
//   parse_init -> verify_mac1 -> [address bucket] -> [under load: CookieJar::verify] -> open_ticket
//   -> [UsedTickets::find, check_ticket: keep the reason] -> read_init (proves the psk)
//   -> [admission] -> write_accept or write_refusal.
// No step before read_init's success allocates or remembers anything about the peer.
#pragma once

#include <cstdint>
#include <string_view>

#include "proto/base/address.h"
#include "proto/base/bytes.h"
#include "proto/base/random.h"
#include "proto/base/result.h"
#include "proto/crypto/handshake.h"
#include "proto/crypto/keys.h"
#include "proto/crypto/noise.h"

namespace sluice::crypto {

/// The parts of an INIT; spans into the datagram.
struct InitView {
  Bytes before_mac;  // all that mac1 covers
  Bytes prologue;    // all before the ephemeral (P-HS-04)
  SuiteSet suites;
  ClientNonce nonce{};
  RelayKeyId relay{};
  Bytes cookie;
  Bytes ticket;
  Bytes noise;  // ephemeral and sealed payload
  Mac mac1{};
};

/// kRunt, kOversize, kUnknownType, kBadVersion (version, kem, or no suite of ours), kMalformed.
/// Checks lengths only: a few ns.
Result<InitView> parse_init(Bytes datagram);

/// The nonce of an INIT of any version, for a COOKIE that says "unknown version". `datagram` is
/// kInitBytes long and its mac1 was verified.
ClientNonce init_nonce(Bytes datagram);

/// kBadMac1, also when the INIT names another relay key. About 1 us. The Bytes form is for INITs of
/// a version that parse_init does not know: the mac is the last 16 bytes of every version.
Status<> verify_mac1(const RelayKey& relay, const InitView& init);
Status<> verify_mac1(const RelayKey& relay, Bytes datagram);

/// An INIT whose sender proved psk and relay key. Holds what an answer needs; make one answer only.
struct InitOpened {
  NoiseResponder responder;
  ClientNonce nonce{};
  SuiteSet suites;
  EarlyRoomBytes early_room_bytes;
};

/// kHandshakeFailed (wrong psk, wrong relay key, altered), kMalformed (the sealed payload is no TLV
/// list), kBadVersion (the header's version is not among those offered: a downgrade). About 60 us.
Result<InitOpened> read_init(const RelayIdentity& identity, const InitView& init, const Psk& psk);

struct AcceptGrant {
  Suite suite;
  LinkGrant link;
  Address client;                        // as we see it
  const ResumeTicket* resume = nullptr;  // none: the client asks the room service again
};

struct AcceptWritten {
  AcceptMessage message;
  TrafficSecrets secrets;
};

/// About 130 us: a fresh ephemeral and one Diffie-Hellman. kHandshakeFailed cannot happen for an
/// InitOpened that read_init made; it is there so that no peer can make us abort.
Result<AcceptWritten> write_accept(const InitOpened& init, const AcceptGrant& grant,
                                   RandomSource random);

/// `status` is a refusal; `alternative` at most kAlternativeBytesMax, may be empty (P-HS-07).
Result<AcceptMessage> write_refusal(const InitOpened& init, HandshakeStatus status,
                                    std::string_view alternative, RandomSource random);

}  // namespace sluice::crypto
