// Why something was dropped. Every drop on the media and handshake paths has one of these and is
// counted under its name (`sluice_relay_drops_total{reason="..."}`): there is no silent return.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice {

enum class DropReason : std::uint8_t {
  // Datagrams, before any key was used.
  kRunt,               // shorter than its type allows
  kOversize,           // longer than its type allows
  kUnknownType,        // first byte of no message of ours
  kUnknownConnection,  // no link has this connection id
  kBadVersion,         // INIT of a version or suite set we do not speak
  kBadMac1,            // INIT not made for this relay's key
  kRateLimited,        // the address prefix, the member or its loss used up its share
  kCookieNeeded,       // under load, answered with a COOKIE
  kBadCookie,
  kTicketSealed,  // the ticket does not open with our key
  kTicketExpired,
  kTicketNotYet,
  kTicketForeign,    // made for another relay
  kTicketReplayed,   // its jti was used before
  kTicketVoid,       // its holder was kicked, or the room is closed
  kHandshakeFailed,  // Noise tag did not verify
  kDraining,
  kLinkLimit,
  kAuthenticationFailed,  // AEAD tag did not verify
  kReplayed,              // packet number seen before, or too old to tell
  kKeyPhase,              // a key phase whose keys are gone
  kLinkClosed,            // came for a link that has ended or is ending
  // Frames inside the seal.
  kMalformed,     // lengths or values that contradict each other
  kUnknownFrame,  // skipped, not critical
  kUnknownTrack,  // media before the answer to its PUSH
  kNotAllowed,    // the ticket does not carry this right
  kFrameTooLarge,
  kDuplicatePart,
  kStalePart,          // older than the ring holds
  kFeedbackOfUnsent,   // acknowledges a number that was never sent
  kRepairUnneeded,     // says nothing that the parts and repairs in hand do not say
  kRepairStale,        // its window has passed
  kRepairImplausible,  // reaches beyond the track, or contradicts what is known
  kControlOverflow,    // control data beyond the window
  kControlTooLarge,
  // Egress.
  kQueueFull,        // the subscriber's queue holds its limit in ms
  kBrokenUntilKey,   // an earlier frame that this one needs was dropped
  kTooLate,          // cannot arrive before its deadline
  kOverwritten,      // left the ring before it could be sent
  kHandoverFull,     // the ring between two workers was full
  kPathUnvalidated,  // the peer's new address has not answered its challenge
  kSendRefused,      // the kernel refused the send
  kCount,
};

inline constexpr std::size_t kDropReasonCount = static_cast<std::size_t>(DropReason::kCount);

/// Stable snake_case name: the value of the metrics label.
std::string_view drop_reason_name(DropReason reason) noexcept;

}  // namespace sluice
