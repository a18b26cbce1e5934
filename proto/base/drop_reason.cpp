#include "proto/base/drop_reason.h"

namespace sluice {

std::string_view drop_reason_name(DropReason reason) noexcept {
  switch (reason) {
    case DropReason::kRunt:
      return "runt";
    case DropReason::kOversize:
      return "oversize";
    case DropReason::kUnknownType:
      return "unknown_type";
    case DropReason::kUnknownConnection:
      return "unknown_connection";
    case DropReason::kBadVersion:
      return "bad_version";
    case DropReason::kBadMac1:
      return "bad_mac1";
    case DropReason::kRateLimited:
      return "rate_limited";
    case DropReason::kCookieNeeded:
      return "cookie_needed";
    case DropReason::kBadCookie:
      return "bad_cookie";
    case DropReason::kTicketSealed:
      return "ticket_sealed";
    case DropReason::kTicketExpired:
      return "ticket_expired";
    case DropReason::kTicketNotYet:
      return "ticket_not_yet";
    case DropReason::kTicketForeign:
      return "ticket_foreign";
    case DropReason::kTicketReplayed:
      return "ticket_replayed";
    case DropReason::kTicketVoid:
      return "ticket_void";
    case DropReason::kHandshakeFailed:
      return "handshake_failed";
    case DropReason::kDraining:
      return "draining";
    case DropReason::kLinkLimit:
      return "link_limit";
    case DropReason::kAuthenticationFailed:
      return "authentication_failed";
    case DropReason::kReplayed:
      return "replayed";
    case DropReason::kKeyPhase:
      return "key_phase";
    case DropReason::kLinkClosed:
      return "link_closed";
    case DropReason::kMalformed:
      return "malformed";
    case DropReason::kUnknownFrame:
      return "unknown_frame";
    case DropReason::kUnknownTrack:
      return "unknown_track";
    case DropReason::kNotAllowed:
      return "not_allowed";
    case DropReason::kFrameTooLarge:
      return "frame_too_large";
    case DropReason::kDuplicatePart:
      return "duplicate_part";
    case DropReason::kStalePart:
      return "stale_part";
    case DropReason::kFeedbackOfUnsent:
      return "feedback_of_unsent";
    case DropReason::kControlOverflow:
      return "control_overflow";
    case DropReason::kControlTooLarge:
      return "control_too_large";
    case DropReason::kQueueFull:
      return "queue_full";
    case DropReason::kBrokenUntilKey:
      return "broken_until_key";
    case DropReason::kTooLate:
      return "too_late";
    case DropReason::kOverwritten:
      return "overwritten";
    case DropReason::kHandoverFull:
      return "handover_full";
    case DropReason::kPathUnvalidated:
      return "path_unvalidated";
    case DropReason::kSendRefused:
      return "send_refused";
    case DropReason::kCount:
      break;
  }
  return "unknown";
}

}  // namespace sluice
