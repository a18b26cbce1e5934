// What both sides of the handshake share (docs/PROTOCOL.md section 3): layouts of INIT, COOKIE and
// ACCEPT, the statuses, and what an ACCEPT grants. The client's side is client_handshake.h, the
// relay's relay_handshake.h and cookie.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "proto/base/address.h"
#include "proto/base/drop_reason.h"
#include "proto/base/ids.h"
#include "proto/base/limits.h"
#include "proto/base/time.h"
#include "proto/crypto/fixed_bytes.h"
#include "proto/crypto/keys.h"
#include "proto/crypto/ticket.h"

namespace sluice::crypto {

inline constexpr std::uint8_t kProtocolVersion = 1;
inline constexpr std::uint8_t kKemNone = 0;

enum class HandshakeType : std::uint8_t { kInit = 1, kCookie = 2, kAccept = 3, kReset = 4 };

inline constexpr std::size_t kClientNonceBytes = 16;
using ClientNonce = std::array<std::byte, kClientNonceBytes>;

/// INIT before its ticket: type, version, suites, kem, nonce, relay key id, cookie, ticket length.
inline constexpr std::size_t kInitFixedBytes = 4 + kClientNonceBytes + 8 + kMacBytes + 2;

/// Noise payload of an INIT that carries the longest ticket.
inline constexpr std::size_t kInitPayloadBytesMin =
    kInitBytes - kInitFixedBytes - kSealedTicketBytesMax - kKeyBytes - kTagBytes - kMacBytes;

/// The first bytes of the client's room control stream that may ride in INIT (P-HS-05).
inline constexpr std::size_t kEarlyRoomBytesMax = 800;
static_assert(3 + 1 + 3 + kEarlyRoomBytesMax + 1 <= kInitPayloadBytesMin);

/// ACCEPT before its ephemeral: type, suite, zero, nonce.
inline constexpr std::size_t kAcceptFixedBytes = 4 + kClientNonceBytes;
inline constexpr std::size_t kAcceptBytesMin = kAcceptFixedBytes + kKeyBytes + kTagBytes;

/// Another relay's address in a refusal: a DNS name (253) with a port.
inline constexpr std::size_t kAlternativeBytesMax = 260;

using EarlyRoomBytes = FixedBytes<kEarlyRoomBytesMax>;
using AcceptMessage = FixedBytes<kAcceptBytesMax>;
using CookieMessage = std::array<std::byte, kCookieBytes>;

/// ACCEPT's status (P-HS-05). All but the first are refusals, sent to a peer that proved its psk.
enum class HandshakeStatus : std::uint8_t {
  kAccepted = 0,
  kTicketExpired = 1,
  kTicketReplayed = 2,
  kTicketNotYet = 3,
  kTicketForeign = 4,
  kTicketVoid = 5,
  kRoomFull = 6,
  kRelayFull = 7,
  kDraining = 8,
  kUserPresent = 9,
  kVersion = 10,
};

/// Stable snake_case name. Statuses of newer relays are "unknown".
std::string_view handshake_status_name(HandshakeStatus status) noexcept;

/// The refusal that tells a peer why its ticket was not taken; nothing for reasons that are
/// answered with silence.
std::optional<HandshakeStatus> refusal_for(DropReason reason) noexcept;

/// COOKIE's status (P-HS-06): a hint, never the end of an attempt.
enum class CookieStatus : std::uint8_t {
  kCookieNeeded = 0,
  kUnknownVersion = 1,
  kUnknownRelayKey = 2
};

std::string_view cookie_status_name(CookieStatus status) noexcept;

/// The Noise prologue: "sluice 1" and all of INIT before its ephemeral (P-HS-04).
class InitPrologue {
 public:
  explicit InitPrologue(Bytes init_before_ephemeral);

  Bytes view() const { return bytes_.view(); }

 private:
  FixedBytes<8 + kInitFixedBytes + kSealedTicketBytesMax> bytes_;
};

/// TLV 2 of ACCEPT: what the link is.
struct LinkGrant {
  ConnectionId connection_id{};
  ResetToken reset_token{};
  Duration idle_timeout = kIdleTimeout;  // whole milliseconds
  Duration keepalive = kKeepalive;       // whole milliseconds
};

/// TLV 3 of ACCEPT: how to come back within minutes without asking the room service.
struct ResumeTicket {
  SealedTicket ticket;
  Psk psk;
};

}  // namespace sluice::crypto
