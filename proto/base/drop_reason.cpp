#include "proto/base/drop_reason.h"

#include <array>

namespace sluice {

namespace {

struct Named {
  DropReason reason;
  std::string_view name;
};

constexpr std::array kNames{
    Named{DropReason::kRunt, "runt"},
    Named{DropReason::kOversize, "oversize"},
    Named{DropReason::kUnknownType, "unknown_type"},
    Named{DropReason::kUnknownConnection, "unknown_connection"},
    Named{DropReason::kBadVersion, "bad_version"},
    Named{DropReason::kBadMac1, "bad_mac1"},
    Named{DropReason::kRateLimited, "rate_limited"},
    Named{DropReason::kCookieNeeded, "cookie_needed"},
    Named{DropReason::kBadCookie, "bad_cookie"},
    Named{DropReason::kTicketSealed, "ticket_sealed"},
    Named{DropReason::kTicketExpired, "ticket_expired"},
    Named{DropReason::kTicketNotYet, "ticket_not_yet"},
    Named{DropReason::kTicketForeign, "ticket_foreign"},
    Named{DropReason::kTicketReplayed, "ticket_replayed"},
    Named{DropReason::kTicketVoid, "ticket_void"},
    Named{DropReason::kHandshakeFailed, "handshake_failed"},
    Named{DropReason::kDraining, "draining"},
    Named{DropReason::kLinkLimit, "link_limit"},
    Named{DropReason::kAuthenticationFailed, "authentication_failed"},
    Named{DropReason::kReplayed, "replayed"},
    Named{DropReason::kKeyPhase, "key_phase"},
    Named{DropReason::kLinkClosed, "link_closed"},
    Named{DropReason::kMalformed, "malformed"},
    Named{DropReason::kUnknownFrame, "unknown_frame"},
    Named{DropReason::kUnknownTrack, "unknown_track"},
    Named{DropReason::kNotAllowed, "not_allowed"},
    Named{DropReason::kFrameTooLarge, "frame_too_large"},
    Named{DropReason::kDuplicatePart, "duplicate_part"},
    Named{DropReason::kStalePart, "stale_part"},
    Named{DropReason::kFeedbackOfUnsent, "feedback_of_unsent"},
    Named{DropReason::kRepairUnneeded, "repair_unneeded"},
    Named{DropReason::kRepairStale, "repair_stale"},
    Named{DropReason::kRepairImplausible, "repair_implausible"},
    Named{DropReason::kControlOverflow, "control_overflow"},
    Named{DropReason::kControlTooLarge, "control_too_large"},
    Named{DropReason::kQueueFull, "queue_full"},
    Named{DropReason::kBrokenUntilKey, "broken_until_key"},
    Named{DropReason::kTooLate, "too_late"},
    Named{DropReason::kOverwritten, "overwritten"},
    Named{DropReason::kHandoverFull, "handover_full"},
    Named{DropReason::kPathUnvalidated, "path_unvalidated"},
    Named{DropReason::kSendRefused, "send_refused"},
};

// The compiler finds the reason that has no name, or one out of place.
constexpr bool all_in_order() {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i].reason != static_cast<DropReason>(i)) return false;
  }
  return kNames.size() == kDropReasonCount;
}

static_assert(all_in_order());

}  // namespace

std::string_view drop_reason_name(DropReason reason) noexcept {
  const auto index = static_cast<std::size_t>(reason);
  return index < kNames.size() ? kNames[index].name : "unknown";
}

}  // namespace sluice
