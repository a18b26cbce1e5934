// The client's side of the handshake: INIT out, COOKIE and ACCEPT in, repeats in between
// (P-HS-01..10). Owned by whoever connects; the attempt's overall deadline is the owner's. Nothing
// unauthenticated ends an attempt: a COOKIE makes one more INIT, everything else forged is dropped
// by name.
//
// Use: start; then loop { send poll_transmit(now) while it is not empty; wait until next_deadline
// or a datagram; handle_timeout / handle_datagram } until handle_datagram returns Accepted or
// Refused.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "proto/base/address.h"
#include "proto/base/bytes.h"
#include "proto/base/random.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/crypto/handshake.h"
#include "proto/crypto/noise.h"

namespace sluice::crypto {

/// What the room service hands a client (P-TICKET-03). Also what a resume ticket becomes.
struct ClientCredentials {
  PublicKey relay{};
  SealedTicket ticket;
  Psk psk;
};

/// The relay took us: everything a link is made of.
struct Accepted {
  Suite suite;
  LinkGrant link;
  TrafficSecrets secrets;
  std::optional<Address> own_address;  // as the relay sees it
  std::optional<ResumeTicket> resume;
};

/// The relay proved itself and said no.
struct Refused {
  HandshakeStatus status;
  std::string alternative;  // another relay's address, or empty
};

/// A COOKIE was taken or a refused INIT was given up for another one: go on.
struct StillTrying {};

using HandshakeProgress = std::variant<StillTrying, Accepted, Refused>;

enum class HandshakeSetupError : std::uint8_t {
  kTicketLength,    // no ticket is that long or short
  kRelayKey,        // not a usable X25519 key
  kEarlyRoomBytes,  // more than kEarlyRoomBytesMax
};

class ClientHandshake {
 public:
  struct Offer {
    SuiteSet suites;
    Bytes early_room_bytes;  // copied
  };

  /// The first INIT is ready at `now`. `random` must outlive the handshake.
  static Result<ClientHandshake, HandshakeSetupError> start(ClientCredentials credentials,
                                                            const Offer& offer, Instant now,
                                                            RandomSource random);

  /// The INIT to send now, exactly kInitBytes, valid until the next call; empty: nothing due.
  Bytes poll_transmit(Instant now);

  /// When handle_timeout wants to be called next (P-HS-10).
  Instant next_deadline() const { return retry_at_; }

  void handle_timeout(Instant now);

  /// A datagram from the relay's address. An error names why it changed nothing.
  Result<HandshakeProgress> handle_datagram(Instant now, Bytes datagram);

  /// What the last COOKIE said: worth telling the user once the attempt has run out of time.
  std::optional<CookieStatus> hint() const { return hint_; }

  std::uint32_t inits_sent() const { return inits_sent_; }

 private:
  /// One INIT on its way: it is resent byte-identical (P-HS-09), a new cookie makes another one.
  struct Attempt {
    std::array<std::byte, kInitBytes> init;
    NoiseInitiator noise;
  };

  /// INITs whose ACCEPT would still be understood. Two serve the honest relay; the others keep
  /// forged COOKIEs from pushing out the INIT that the relay is about to accept. The first is never
  /// dropped.
  static constexpr std::size_t kAttemptsMax = 4;

  ClientHandshake(ClientCredentials credentials, const Offer& offer, Instant now,
                  RandomSource random);

  Result<Attempt> make_attempt(const Mac& cookie);
  Result<HandshakeProgress> handle_cookie(Instant now, Bytes datagram);
  Result<HandshakeProgress> handle_accept(Bytes datagram);
  Result<HandshakeProgress> finish(std::size_t attempt, std::uint8_t header_suite, Bytes payload,
                                   NoiseKeys keys);
  void end();
  void schedule_retry(Instant now);

  RelayKey relay_;
  SealedTicket ticket_;
  Psk psk_;
  SuiteSet suites_;
  EarlyRoomBytes early_;
  ClientNonce nonce_{};
  RandomSource random_;
  std::vector<Attempt> attempts_;  // the last one is the one that is sent
  Instant started_at_;
  Instant retry_at_;
  Instant cookie_taken_at_ = kLongAgo;
  Duration interval_{};
  bool send_due_ = true;
  std::optional<CookieStatus> hint_;
  std::uint32_t inits_sent_ = 0;
};

}  // namespace sluice::crypto
