// Tickets: the sealed right to join one room as one user at one relay, once (P-TICKET-01..03). The
// room service seals them, the relay opens them with the key they share; a client only carries one,
// with the psk that is also inside. Layout and limits are the wire's; opening reads hostile bytes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "proto/base/name.h"
#include "proto/base/random.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/crypto/fixed_bytes.h"
#include "proto/crypto/keys.h"

namespace sluice::crypto {

enum class Right : std::uint16_t {
  kPushAudio = 1,
  kPushVideo = 2,
  kPushData = 4,
  kSubscribe = 8,
  kControl = 16,
  kRecord = 32,
  kHidden = 64,
};

/// A set of rights, in the wire's bits.
class Rights {
 public:
  constexpr Rights() = default;

  constexpr explicit Rights(std::uint16_t bits) : bits_(bits) {}

  constexpr bool has(Right right) const { return (bits_ & static_cast<std::uint16_t>(right)) != 0; }

  constexpr Rights with(Right right) const {
    return Rights{static_cast<std::uint16_t>(bits_ | static_cast<std::uint16_t>(right))};
  }

  constexpr Rights without(Right right) const {
    return Rights{static_cast<std::uint16_t>(bits_ & ~static_cast<std::uint16_t>(right))};
  }

  constexpr std::uint16_t bits() const { return bits_; }

  constexpr bool operator==(const Rights&) const = default;

 private:
  std::uint16_t bits_ = 0;
};

inline constexpr Rights kAllRights{127};
inline constexpr Rights kPushRights{7};

struct TicketFlags {
  bool several_instances = false;  // of the user, at the same time
  bool resume = false;             // handed out in an ACCEPT

  constexpr bool operator==(const TicketFlags&) const = default;
};

struct Ticket {
  TicketId jti{};
  UnixSeconds not_before;
  UnixSeconds expiry;
  RelayKeyId relay{};
  InstanceId instance{};
  Rights rights;
  std::uint32_t rate_kbit_max = 0;        // 0: no limit
  std::uint32_t session_seconds_max = 0;  // 0: no limit
  TicketFlags flags;
  Psk psk;
  RoomName room;
  UserName user;
};

/// Shared by relay and room service, made by the relay at each start.
using TicketKey = Secret<kKeyBytes>;

inline constexpr std::size_t kTicketNonceBytes = 24;
inline constexpr std::size_t kTicketFixedFieldsBytes = 1 + 16 + 8 + 8 + 8 + 8 + 2 + 4 + 4 + 1 + 32;
inline constexpr std::size_t kTicketFieldsBytesMin = kTicketFixedFieldsBytes + (1 + 1) + (1 + 1);
inline constexpr std::size_t kTicketFieldsBytesMax =
    kTicketFixedFieldsBytes + 1 + RoomName::kLengthMax + 1 + UserName::kLengthMax;
inline constexpr std::size_t kSealedTicketBytesMin = kTicketNonceBytes + kTicketFieldsBytesMin + 16;
inline constexpr std::size_t kSealedTicketBytesMax = kTicketNonceBytes + kTicketFieldsBytesMax + 16;

/// Clock difference forgiven between room service and relay (P-TICKET-02). Half refuses tickets of
/// machines with poor time service; double lets an expired ticket live as long as a short one does.
inline constexpr std::int64_t kTicketClockSlackSeconds = 5;

using SealedTicket = FixedBytes<kSealedTicketBytesMax>;

/// Room and user must be named; rights and names are the caller's to check against its own rules.
SealedTicket seal_ticket(const TicketKey& key, const Ticket& ticket, RandomSource random);

/// kTicketSealed: not sealed with this key, or altered. kMalformed: sealed by us but not a ticket
/// of this version (P-TICKET-01). About 2 us, no allocation.
Result<Ticket> open_ticket(const TicketKey& key, Bytes sealed);

/// Audience and time: kTicketForeign, kTicketNotYet, kTicketExpired. One use is UsedTickets'
/// affair.
Status<> check_ticket(const Ticket& ticket, UnixSeconds now, RelayKeyId relay);

}  // namespace sluice::crypto
