#include "client/client_link.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "proto/wire/control_message.h"

namespace sluice::client {
namespace {

/// What a person can do about a refusal.
const char* cure(crypto::HandshakeStatus status) {
  using enum crypto::HandshakeStatus;
  switch (status) {
    case kTicketExpired:
      return "the ticket has expired; make a new one and use it within its time";
    case kTicketReplayed:
      return "the ticket was used before; each one joins once, make a new one";
    case kTicketNotYet:
      return "the ticket is not valid yet; compare this machine's clock with the relay's";
    case kTicketForeign:
      return "the ticket was made for another relay, or before this one was restarted; make a new "
             "one";
    case kTicketVoid:
      return "the ticket is void: its user was removed, or the room was closed";
    case kRoomFull:
      return "the room is full";
    case kRelayFull:
      return "the relay is full; try another one";
    case kDraining:
      return "the relay is being shut down and takes nobody new; try another one";
    case kUserPresent:
      return "this user is in the room already, from another program; leave there, or use another "
             "user";
    case kVersion:
      return "the relay does not speak this version of the protocol; update the older of the two";
    case kAccepted:
      break;
  }
  return "the relay gave a reason that this version does not know";
}

const char* describe(crypto::HandshakeSetupError error) {
  switch (error) {
    case crypto::HandshakeSetupError::kTicketLength:
      return "the ticket's length is no ticket's";
    case crypto::HandshakeSetupError::kRelayKey:
      return "the relay key is not a usable X25519 key";
    case crypto::HandshakeSetupError::kEarlyRoomBytes:
      return "the first commands are too long";
  }
  return "";
}

}  // namespace

Result<std::unique_ptr<ClientLink>, Error> ClientLink::start(Config config, Instant now) {
  const bool fits = config.first_commands.size() <= crypto::kEarlyRoomBytesMax;
  crypto::ClientCredentials credentials{config.credentials.relay, config.credentials.ticket,
                                        config.credentials.psk.copy()};
  const crypto::ClientHandshake::Offer offer{crypto::preferred_suites(),
                                             fits ? Bytes{config.first_commands} : Bytes{}};
  auto handshake =
      crypto::ClientHandshake::start(std::move(credentials), offer, now, config.random);
  if (!handshake) {
    return fail(ExitCode::kBadInput,
                std::string{"bad credentials: "} + describe(handshake.error()));
  }
  auto link = std::make_unique<ClientLink>(std::move(config), std::move(*handshake), now);
  link->commands_in_init_ = fits;
  return link;
}

ClientLink::ClientLink(Config config, crypto::ClientHandshake handshake, Instant now)
    : config_(std::move(config)),
      started_at_(now),
      handshake_(std::move(handshake)),
      question_(now, config_.random) {}

Status<> ClientLink::handle_datagram(Instant now, MutableBytes datagram, const Address& from,
                                     std::uint8_t ecn) {
  if (link_) return link_->handle_datagram(now, datagram, from, ecn);
  if (state_ != State::kJoining || from != config_.relay) {
    return Unexpected{DropReason::kUnknownConnection};
  }
  if (question_.handle_datagram(datagram)) return Done{};
  auto progress = handshake_->handle_datagram(now, datagram);
  if (!progress) return Unexpected{progress.error()};
  if (auto* accepted = std::get_if<crypto::Accepted>(&*progress)) {
    join(now, std::move(*accepted));
  } else if (const auto* refused = std::get_if<crypto::Refused>(&*progress)) {
    std::string message = "refused by " + config_.relay.to_string() + ": " + cure(refused->status);
    if (!refused->alternative.empty()) message += " (it names " + refused->alternative + ")";
    fail_with(ExitCode::kRefused, std::move(message));
  }
  return Done{};
}

void ClientLink::join(Instant now, crypto::Accepted accepted) {
  link::LinkSetup setup;
  setup.role = link::Role::kClient;
  setup.suite = accepted.suite;
  setup.send_secret = std::move(accepted.secrets.client_to_relay);
  setup.receive_secret = std::move(accepted.secrets.relay_to_client);
  setup.connection_id = accepted.link.connection_id;
  setup.reset_token = accepted.link.reset_token;
  setup.peer = config_.relay;
  setup.random = config_.random;
  setup.pacer_bits_per_s = config_.pacer_bits_per_s;
  setup.idle_timeout = accepted.link.idle_timeout;
  setup.keepalive = accepted.link.keepalive;
  if (commands_in_init_) {
    setup.early_room_bytes = static_cast<std::uint32_t>(config_.first_commands.size());
  }
  link_.emplace(std::move(setup), now);
  handshake_.reset();
  join_time_ = now - started_at_;
  state_ = State::kJoined;
  if (!commands_in_init_) send_first_commands();
}

void ClientLink::send_first_commands() {
  wire::MessageReader reader;
  reader.feed(config_.first_commands);
  while (const auto message = reader.next()) {
    if (!*message) return;
    const auto sent =
        link_->send_message(link::ControlStreamId::kRoom, (*message)->type, (*message)->body);
    if (!sent) return;  // the window is 64 KiB: first commands of a program of ours do not fill it
  }
}

void ClientLink::handle_timeout(Instant now) {
  if (link_) return link_->handle_timeout(now);
  if (state_ != State::kJoining) return;
  if (now >= started_at_ + config_.deadline) {
    fail_in_silence();
    return;
  }
  handshake_->handle_timeout(now);
}

void ClientLink::fail_in_silence() {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(config_.deadline).count();
  const std::string tried = config_.relay.to_string() + " within " + std::to_string(seconds) +
                            " s (" + std::to_string(handshake_->inits_sent()) +
                            " attempts over UDP)";
  const auto hint = handshake_->hint();
  if (hint == crypto::CookieStatus::kUnknownRelayKey) {
    return fail_with(ExitCode::kRefused,
                     "not taken by " + tried +
                         ": a relay answers there, but with another key; make a new ticket");
  }
  if (hint == crypto::CookieStatus::kUnknownVersion) {
    return fail_with(ExitCode::kRefused,
                     "not taken by " + tried +
                         ": the relay speaks another version; update the older of the two");
  }
  switch (question_.finding()) {
    case PathQuestion::Finding::kReachable:
      return fail_with(
          ExitCode::kRefused,
          "not taken by " + tried +
              ": a relay answers there, but not to this ticket: it was made by another "
              "relay or before this one was restarted (make a new one), or datagrams "
              "of 1232 bytes get lost on the way back");
    case PathQuestion::Finding::kSmallOnly:
      return fail_with(ExitCode::kUnreachable,
                       "no way to " + tried +
                           ": a relay answers there, but datagrams of 1232 bytes get lost on the "
                           "way; let every network between carry packets of 1280 (a tunnel's or "
                           "VPN's MTU)");
    case PathQuestion::Finding::kNothing:
      break;
  }
  fail_with(ExitCode::kUnreachable,
            "no answer from " + tried +
                "; is the relay running there, does UDP get through, and is the ticket its own?");
}

void ClientLink::fail_with(ExitCode code, std::string message) {
  state_ = State::kFailed;
  error_ = {code, std::move(message)};
}

std::optional<link::Event> ClientLink::poll_event() {
  return link_ ? link_->poll_event() : std::nullopt;
}

std::optional<link::Transmit> ClientLink::poll_transmit(Instant now, link::SendArena& arena,
                                                        std::size_t segments_max) {
  if (link_) return link_->poll_transmit(now, arena, segments_max);
  if (state_ != State::kJoining) return std::nullopt;
  if (!arena.has_room_for(1)) return std::nullopt;
  Bytes datagram = handshake_->poll_transmit(now);
  if (datagram.empty()) datagram = question_.poll_transmit(now);
  if (datagram.empty()) return std::nullopt;
  const MutableBytes place = arena.free_space().first(datagram.size());
  std::memcpy(place.data(), datagram.data(), datagram.size());
  arena.take(datagram.size());
  return link::Transmit{config_.relay, place, static_cast<std::uint16_t>(datagram.size()), 1};
}

Instant ClientLink::next_deadline() const {
  if (link_) return link_->next_deadline();
  if (state_ != State::kJoining) return kNever;
  return std::min(
      {handshake_->next_deadline(), question_.next_deadline(), started_at_ + config_.deadline});
}

}  // namespace sluice::client
