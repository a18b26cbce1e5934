#include "proto/crypto/client_handshake.h"

#include <algorithm>

#include "proto/crypto/cookie.h"
#include "proto/crypto/tlv.h"

namespace sluice::crypto {

namespace {

// P-HS-10. The jitter keeps clients that lost the same relay from knocking in step.
constexpr Duration kRetryFirst = std::chrono::milliseconds{100};
constexpr Duration kRetryMax = std::chrono::seconds{1};
constexpr Duration kRetryFlatFor = std::chrono::seconds{1};

/// A COOKIE costs us a key pair and a Diffie-Hellman, and anyone who saw our INIT can make one.
constexpr Duration kCookieSpacing = std::chrono::milliseconds{100};

struct InitFields {
  SuiteSet suites;
  const ClientNonce& nonce;
  RelayKeyId relay;
  const Mac& cookie;
  Bytes ticket;
};

/// INIT up to the ephemeral (P-HS-01). Returns its length.
std::size_t write_init_header(MutableBytes init, const InitFields& fields) {
  Writer writer{init};
  writer.u8(static_cast<std::uint8_t>(HandshakeType::kInit));
  writer.u8(kProtocolVersion);
  writer.u8(fields.suites.bits);
  writer.u8(kKemNone);
  writer.bytes(fields.nonce);
  writer.u64(static_cast<std::uint64_t>(fields.relay));
  writer.bytes(fields.cookie);
  writer.u16(static_cast<std::uint16_t>(fields.ticket.size()));
  writer.bytes(fields.ticket);
  CHECK(writer.ok());
  return writer.size();
}

/// The sealed part of INIT: fills `payload`, zero-padded (P-HS-02, P-HS-05).
void write_init_payload(MutableBytes payload, Bytes early_room_bytes) {
  std::fill(payload.begin(), payload.end(), std::byte{0});
  Writer writer{payload};
  TlvWriter tlv{writer};
  tlv.add_u8(InitTag::kVersions, kProtocolVersion);
  if (!early_room_bytes.empty()) tlv.add(InitTag::kEarlyRoomBytes, early_room_bytes);
  tlv.end();
  CHECK(writer.ok());
}

Result<LinkGrant> read_link(std::optional<Bytes> value) {
  if (!value) return Unexpected{DropReason::kMalformed};
  Reader reader{*value};
  LinkGrant link;
  link.connection_id = ConnectionId{reader.u48()};
  const Bytes token = reader.bytes(link.reset_token.size());
  link.idle_timeout = std::chrono::milliseconds{reader.u32()};
  link.keepalive = std::chrono::milliseconds{reader.u32()};
  if (!reader.finished() || link.connection_id == ConnectionId{0} ||
      link.idle_timeout == Duration::zero() || link.keepalive == Duration::zero()) {
    return Unexpected{DropReason::kMalformed};
  }
  std::copy(token.begin(), token.end(), link.reset_token.begin());
  return link;
}

Result<std::optional<ResumeTicket>> read_resume(std::optional<Bytes> value) {
  if (!value) return std::optional<ResumeTicket>{};
  Reader reader{*value};
  const Bytes ticket = reader.bytes(reader.u16());
  const Bytes psk = reader.bytes(Psk::kSize);
  if (!reader.finished() || ticket.size() < kSealedTicketBytesMin ||
      ticket.size() > kSealedTicketBytesMax) {
    return Unexpected{DropReason::kMalformed};
  }
  return std::optional<ResumeTicket>{
      ResumeTicket{SealedTicket{ticket}, Psk{psk.first<Psk::kSize>()}}};
}

Result<std::optional<Address>> read_address(std::optional<Bytes> value) {
  if (!value) return std::optional<Address>{};
  Reader reader{*value};
  Address address;
  const Bytes ip = reader.bytes(address.ip.size());
  address.port = reader.u16();
  if (!reader.finished()) return Unexpected{DropReason::kMalformed};
  std::copy(ip.begin(), ip.end(), address.ip.begin());
  return std::optional<Address>{address};
}

/// The sealed suite must be the one the header shows, which no key protects (P-HS-07).
std::optional<Suite> read_suite(const TlvList& list, std::uint8_t header_suite) {
  const auto value = list.find(AcceptTag::kSuite);
  if (!value || value->size() != 1 || to_u8(value->front()) != header_suite) return std::nullopt;
  return parse_suite(header_suite);
}

Result<Accepted> read_grant(const TlvList& list, Suite suite, NoiseKeys keys) {
  auto link = read_link(list.find(AcceptTag::kLink));
  if (!link) return Unexpected{link.error()};
  auto resume = read_resume(list.find(AcceptTag::kResume));
  if (!resume) return Unexpected{resume.error()};
  auto address = read_address(list.find(AcceptTag::kAddress));
  if (!address) return Unexpected{address.error()};
  return Accepted{suite, *link,
                  TrafficSecrets{std::move(keys.initiator_to_responder),
                                 std::move(keys.responder_to_initiator)},
                  *address, *std::move(resume)};
}

}  // namespace

Result<ClientHandshake, HandshakeSetupError> ClientHandshake::start(ClientCredentials credentials,
                                                                    const Offer& offer, Instant now,
                                                                    RandomSource random) {
  const std::size_t ticket_bytes = credentials.ticket.size();
  if (ticket_bytes < kSealedTicketBytesMin) return Unexpected{HandshakeSetupError::kTicketLength};
  if (offer.early_room_bytes.size() > kEarlyRoomBytesMax) {
    return Unexpected{HandshakeSetupError::kEarlyRoomBytes};
  }
  ClientHandshake handshake{std::move(credentials), offer, now, random};
  auto attempt = handshake.make_attempt(Mac{});
  if (!attempt) return Unexpected{HandshakeSetupError::kRelayKey};
  handshake.attempts_.push_back(*std::move(attempt));
  return handshake;
}

ClientHandshake::ClientHandshake(ClientCredentials credentials, const Offer& offer, Instant now,
                                 RandomSource random)
    : relay_(RelayKey::from_public(credentials.relay)),
      ticket_(credentials.ticket),
      psk_(std::move(credentials.psk)),
      suites_(offer.suites),
      early_(offer.early_room_bytes),
      random_(random),
      started_at_(now),
      retry_at_(now),
      interval_(kRetryFirst) {
  attempts_.reserve(kAttemptsMax);
  random_(nonce_);
}

Bytes ClientHandshake::poll_transmit(Instant now) {
  if (!send_due_ || attempts_.empty()) return {};
  send_due_ = false;
  ++inits_sent_;
  schedule_retry(now);
  return attempts_.back().init;
}

void ClientHandshake::handle_timeout(Instant now) {
  if (now >= retry_at_) send_due_ = true;
}

void ClientHandshake::schedule_retry(Instant now) {
  // P-HS-10: flat for the first second, then x1.5; +-20 %.
  if (now - started_at_ >= kRetryFlatFor) interval_ = std::min(interval_ * 3 / 2, kRetryMax);
  const auto spread = static_cast<std::uint64_t>(to_us(interval_) * 2 / 5);
  const Duration jitter{static_cast<std::int64_t>(random_.below(spread + 1))};
  retry_at_ = now + interval_ * 4 / 5 + jitter;
}

Result<ClientHandshake::Attempt> ClientHandshake::make_attempt(const Mac& cookie) {
  std::array<std::byte, kInitBytes> init{};
  const InitFields fields{suites_, nonce_, relay_.id, cookie, ticket_.view()};
  const std::size_t header_bytes = write_init_header(init, fields);
  const Bytes header = Bytes{init}.first(header_bytes);
  const MutableBytes message =
      MutableBytes{init}.subspan(header_bytes, kInitBytes - header_bytes - kMacBytes);

  std::array<std::byte, kInitBytes> plaintext;
  const MutableBytes payload = MutableBytes{plaintext}.first(message.size() - kNoiseOverheadBytes);
  write_init_payload(payload, early_.view());
  auto noise = NoiseInitiator::start(
      {InitPrologue{header}.view(), relay_.public_key, psk_, KeyPair::generate(random_)}, payload,
      message);
  if (!noise) return Unexpected{noise.error()};

  const Mac mac1 = relay_.mac(Bytes{init}.first(kInitBytes - kMacBytes));
  std::copy(mac1.begin(), mac1.end(), init.end() - kMacBytes);
  return Attempt{init, *std::move(noise)};
}

Result<HandshakeProgress> ClientHandshake::handle_datagram(Instant now, Bytes datagram) {
  if (datagram.empty()) return Unexpected{DropReason::kRunt};
  if (attempts_.empty()) return Unexpected{DropReason::kUnknownConnection};  // it is over
  switch (static_cast<HandshakeType>(datagram.front())) {
    case HandshakeType::kCookie:
      return handle_cookie(now, datagram);
    case HandshakeType::kAccept:
      return handle_accept(datagram);
    case HandshakeType::kInit:
    case HandshakeType::kReset:
      break;
  }
  return Unexpected{DropReason::kUnknownType};
}

Result<HandshakeProgress> ClientHandshake::handle_cookie(Instant now, Bytes datagram) {
  const auto reply = read_cookie_reply(relay_, nonce_, datagram);
  if (!reply) return Unexpected{reply.error()};
  hint_ = reply->status;
  if (reply->status != CookieStatus::kCookieNeeded) return HandshakeProgress{StillTrying{}};
  if (now - cookie_taken_at_ < kCookieSpacing) return Unexpected{DropReason::kRateLimited};
  cookie_taken_at_ = now;
  // P-HS-06: a new cookie means a new ephemeral, so a new INIT.
  auto attempt = make_attempt(reply->cookie);
  if (!attempt) return Unexpected{attempt.error()};
  if (attempts_.size() == kAttemptsMax) attempts_.erase(attempts_.begin() + 1);
  attempts_.push_back(*std::move(attempt));
  send_due_ = true;
  return HandshakeProgress{StillTrying{}};
}

Result<HandshakeProgress> ClientHandshake::handle_accept(Bytes datagram) {
  if (datagram.size() < kAcceptBytesMin) return Unexpected{DropReason::kRunt};
  if (datagram.size() > kAcceptBytesMax) return Unexpected{DropReason::kOversize};
  Reader reader{datagram};
  reader.skip(1);
  const std::uint8_t suite = reader.u8();
  const bool zero = reader.u16() == 0;
  if (!equal_constant_time(reader.bytes(kClientNonceBytes), nonce_)) {
    return Unexpected{DropReason::kUnknownConnection};
  }
  if (!zero) return Unexpected{DropReason::kMalformed};

  const Bytes message = reader.rest();
  Secret<kAcceptBytesMax> plaintext;
  const MutableBytes payload =
      plaintext.mutable_bytes().first(message.size() - kNoiseOverheadBytes);
  for (std::size_t i = attempts_.size(); i-- > 0;) {
    auto keys = attempts_[i].noise.read_reply(message, payload);
    if (keys) return finish(i, suite, payload, *std::move(keys));
  }
  return Unexpected{DropReason::kHandshakeFailed};
}

Result<HandshakeProgress> ClientHandshake::finish(std::size_t attempt, std::uint8_t header_suite,
                                                  Bytes payload, NoiseKeys keys) {
  const auto list = TlvList::parse(payload);
  if (!list) return Unexpected{list.error()};
  const auto status_value = list->find(AcceptTag::kStatus);
  if (!status_value || status_value->size() != 1) return Unexpected{DropReason::kMalformed};
  const auto status = static_cast<HandshakeStatus>(status_value->front());

  if (status == HandshakeStatus::kAccepted) {
    const auto suite = read_suite(*list, header_suite);
    if (!suite || !suites_.has(*suite)) return Unexpected{DropReason::kMalformed};
    auto accepted = read_grant(*list, *suite, std::move(keys));
    if (!accepted) return Unexpected{accepted.error()};
    end();
    return HandshakeProgress{*std::move(accepted)};
  }
  if (header_suite != 0) return Unexpected{DropReason::kMalformed};
  if (status == HandshakeStatus::kTicketReplayed && attempts_.size() > 1) {
    // Another of our own INITs used the ticket up: go back to asking for that one's ACCEPT.
    attempts_.erase(attempts_.begin() + static_cast<std::ptrdiff_t>(attempt));
    send_due_ = true;
    return HandshakeProgress{StillTrying{}};
  }
  const Bytes alternative = list->find(AcceptTag::kAlternative).value_or(Bytes{});
  if (alternative.size() > kAlternativeBytesMax) return Unexpected{DropReason::kMalformed};
  end();
  return HandshakeProgress{Refused{status, std::string{as_text(alternative)}}};
}

void ClientHandshake::end() {
  attempts_.clear();
  send_due_ = false;
  retry_at_ = kNever;
}

}  // namespace sluice::crypto
