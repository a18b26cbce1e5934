#include "proto/crypto/handshake.h"

namespace sluice::crypto {

std::string_view handshake_status_name(HandshakeStatus status) noexcept {
  switch (status) {
    case HandshakeStatus::kAccepted:
      return "accepted";
    case HandshakeStatus::kTicketExpired:
      return "ticket_expired";
    case HandshakeStatus::kTicketReplayed:
      return "ticket_replayed";
    case HandshakeStatus::kTicketNotYet:
      return "ticket_not_yet";
    case HandshakeStatus::kTicketForeign:
      return "ticket_foreign";
    case HandshakeStatus::kTicketVoid:
      return "ticket_void";
    case HandshakeStatus::kRoomFull:
      return "room_full";
    case HandshakeStatus::kRelayFull:
      return "relay_full";
    case HandshakeStatus::kDraining:
      return "draining";
    case HandshakeStatus::kUserPresent:
      return "user_present";
    case HandshakeStatus::kVersion:
      return "version";
  }
  return "unknown";
}

std::optional<HandshakeStatus> refusal_for(DropReason reason) noexcept {
  // Most reasons are answered with silence, so this switch names the exceptions only.
  if (reason == DropReason::kTicketExpired) return HandshakeStatus::kTicketExpired;
  if (reason == DropReason::kTicketReplayed) return HandshakeStatus::kTicketReplayed;
  if (reason == DropReason::kTicketNotYet) return HandshakeStatus::kTicketNotYet;
  if (reason == DropReason::kTicketForeign) return HandshakeStatus::kTicketForeign;
  if (reason == DropReason::kTicketVoid) return HandshakeStatus::kTicketVoid;
  if (reason == DropReason::kLinkLimit) return HandshakeStatus::kRelayFull;
  if (reason == DropReason::kDraining) return HandshakeStatus::kDraining;
  return std::nullopt;
}

InitPrologue::InitPrologue(Bytes init_before_ephemeral) {
  constexpr std::string_view kContext = "sluice 1";
  bytes_.resize(kContext.size() + init_before_ephemeral.size());
  Writer writer{bytes_.mutable_view()};
  writer.bytes(as_bytes(kContext));
  writer.bytes(init_before_ephemeral);
}

std::string_view cookie_status_name(CookieStatus status) noexcept {
  switch (status) {
    case CookieStatus::kCookieNeeded:
      return "cookie_needed";
    case CookieStatus::kUnknownVersion:
      return "unknown_version";
    case CookieStatus::kUnknownRelayKey:
      return "unknown_relay_key";
  }
  return "unknown";
}

}  // namespace sluice::crypto
