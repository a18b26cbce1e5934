#include "proto/crypto/relay_handshake.h"

#include <algorithm>

#include "proto/crypto/tlv.h"

namespace sluice::crypto {

namespace {

constexpr std::size_t kNonceOffset = 4;

Status<> check_init_length(Bytes datagram) {
  if (datagram.size() < kInitBytes) return Unexpected{DropReason::kRunt};
  if (datagram.size() > kInitBytes) return Unexpected{DropReason::kOversize};
  return Done{};
}

/// The version of the header must be among those sealed, or somebody in the middle changed it.
Result<EarlyRoomBytes> read_init_payload(Bytes payload) {
  const auto list = TlvList::parse(payload);
  if (!list) return Unexpected{list.error()};
  const auto versions = list->find(InitTag::kVersions);
  if (!versions) return Unexpected{DropReason::kMalformed};
  if (std::find(versions->begin(), versions->end(), std::byte{kProtocolVersion}) ==
      versions->end()) {
    return Unexpected{DropReason::kBadVersion};
  }
  const Bytes early = list->find(InitTag::kEarlyRoomBytes).value_or(Bytes{});
  if (early.size() > kEarlyRoomBytesMax) return Unexpected{DropReason::kMalformed};
  return EarlyRoomBytes{early};
}

struct Sealed {
  AcceptMessage message;
  NoiseKeys keys;
};

/// ACCEPT around its payload (P-HS-07); `suite` is 0 in a refusal.
Result<Sealed> seal_accept(const InitOpened& init, std::uint8_t suite, Bytes payload,
                           RandomSource random) {
  AcceptMessage message;
  message.resize(kAcceptFixedBytes + payload.size() + kNoiseOverheadBytes);
  Writer writer{message.mutable_view()};
  writer.u8(static_cast<std::uint8_t>(HandshakeType::kAccept));
  writer.u8(suite);
  writer.u16(0);
  writer.bytes(init.nonce);
  CHECK(writer.ok() && writer.size() == kAcceptFixedBytes);
  auto keys = init.responder.write_reply(KeyPair::generate(random), payload,
                                         message.mutable_view().subspan(kAcceptFixedBytes));
  if (!keys) return Unexpected{keys.error()};
  return Sealed{message, *std::move(keys)};
}

void write_link(TlvWriter& tlv, const LinkGrant& link) {
  const auto milliseconds = [](Duration d) {
    return static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(d).count());
  };
  Writer& writer = tlv.begin(AcceptTag::kLink, 6 + link.reset_token.size() + 4 + 4);
  writer.u48(static_cast<std::uint64_t>(link.connection_id));
  writer.bytes(link.reset_token);
  writer.u32(milliseconds(link.idle_timeout));
  writer.u32(milliseconds(link.keepalive));
}

void write_resume(TlvWriter& tlv, const ResumeTicket& resume) {
  Writer& writer = tlv.begin(AcceptTag::kResume, 2 + resume.ticket.size() + Psk::kSize);
  writer.u16(static_cast<std::uint16_t>(resume.ticket.size()));
  writer.bytes(resume.ticket.view());
  writer.bytes(resume.psk.bytes());
}

void write_address(TlvWriter& tlv, const Address& address) {
  Writer& writer = tlv.begin(AcceptTag::kAddress, address.ip.size() + 2);
  writer.bytes(address.ip);
  writer.u16(address.port);
}

}  // namespace

Result<InitView> parse_init(Bytes datagram) {
  if (const auto length = check_init_length(datagram); !length) return Unexpected{length.error()};
  Reader reader{datagram};
  if (reader.u8() != static_cast<std::uint8_t>(HandshakeType::kInit)) {
    return Unexpected{DropReason::kUnknownType};
  }
  const std::uint8_t version = reader.u8();
  InitView init;
  init.suites = {reader.u8()};
  const std::uint8_t kem = reader.u8();
  if (version != kProtocolVersion || kem != kKemNone || !choose_suite(init.suites, kAllSuites)) {
    return Unexpected{DropReason::kBadVersion};
  }
  init.nonce = init_nonce(datagram);
  reader.skip(kClientNonceBytes);
  init.relay = RelayKeyId{reader.u64()};
  init.cookie = reader.bytes(kMacBytes);
  const std::size_t ticket_bytes = reader.u16();
  // Bounded before anything is taken from behind it: the prologue has room for a ticket, no more.
  if (ticket_bytes < kSealedTicketBytesMin || ticket_bytes > kSealedTicketBytesMax) {
    return Unexpected{DropReason::kMalformed};
  }
  init.ticket = reader.bytes(ticket_bytes);
  init.prologue = datagram.first(reader.offset());
  init.noise = reader.bytes(reader.remaining() - kMacBytes);
  init.before_mac = datagram.first(reader.offset());
  const Bytes mac1 = reader.rest();
  std::copy(mac1.begin(), mac1.end(), init.mac1.begin());
  return init;
}

ClientNonce init_nonce(Bytes datagram) {
  CHECK(datagram.size() == kInitBytes);
  ClientNonce nonce;
  std::copy_n(datagram.begin() + kNonceOffset, nonce.size(), nonce.begin());
  return nonce;
}

Status<> verify_mac1(const RelayKey& relay, const InitView& init) {
  // P-HS-03.
  if (init.relay != relay.id || !equal_constant_time(relay.mac(init.before_mac), init.mac1)) {
    return Unexpected{DropReason::kBadMac1};
  }
  return Done{};
}

Status<> verify_mac1(const RelayKey& relay, Bytes datagram) {
  if (const auto length = check_init_length(datagram); !length) return Unexpected{length.error()};
  const Bytes covered = datagram.first(kInitBytes - kMacBytes);
  if (!equal_constant_time(relay.mac(covered), datagram.last(kMacBytes))) {
    return Unexpected{DropReason::kBadMac1};
  }
  return Done{};
}

Result<InitOpened> read_init(const RelayIdentity& identity, const InitView& init, const Psk& psk) {
  std::array<std::byte, kInitBytes> plaintext;
  const MutableBytes payload =
      MutableBytes{plaintext}.first(init.noise.size() - kNoiseOverheadBytes);
  const InitPrologue prologue{init.prologue};
  auto responder = NoiseResponder::accept(prologue.view(), identity, psk, init.noise, payload);
  if (!responder) return Unexpected{responder.error()};
  const auto early = read_init_payload(payload);
  if (!early) return Unexpected{early.error()};
  return InitOpened{*std::move(responder), init.nonce, init.suites, *early};
}

Result<AcceptWritten> write_accept(const InitOpened& init, const AcceptGrant& grant,
                                   RandomSource random) {
  CHECK(grant.link.connection_id != ConnectionId{0} && init.suites.has(grant.suite));
  const auto suite = static_cast<std::uint8_t>(grant.suite);
  Secret<kAcceptBytesMax - kAcceptFixedBytes - kNoiseOverheadBytes> payload;
  Writer writer{payload.mutable_bytes()};
  TlvWriter tlv{writer};
  tlv.add_u8(AcceptTag::kStatus, static_cast<std::uint8_t>(HandshakeStatus::kAccepted));
  tlv.add_u8(AcceptTag::kSuite, suite);
  write_link(tlv, grant.link);
  if (grant.resume != nullptr) write_resume(tlv, *grant.resume);
  write_address(tlv, grant.client);
  tlv.end();
  CHECK(writer.ok());

  // All of the payload, zeros too: the datagram is full (P-HS-02).
  auto sealed = seal_accept(init, suite, payload.bytes(), random);
  if (!sealed) return Unexpected{sealed.error()};
  return AcceptWritten{sealed->message,
                       TrafficSecrets{std::move(sealed->keys.initiator_to_responder),
                                      std::move(sealed->keys.responder_to_initiator)}};
}

Result<AcceptMessage> write_refusal(const InitOpened& init, HandshakeStatus status,
                                    std::string_view alternative, RandomSource random) {
  CHECK(status != HandshakeStatus::kAccepted && alternative.size() <= kAlternativeBytesMax);
  std::array<std::byte, 1 + 2 + 1 + 1 + 2 + kAlternativeBytesMax + 1> payload;
  Writer writer{payload};
  TlvWriter tlv{writer};
  tlv.add_u8(AcceptTag::kStatus, static_cast<std::uint8_t>(status));
  if (!alternative.empty()) tlv.add(AcceptTag::kAlternative, as_bytes(alternative));
  tlv.end();
  CHECK(writer.ok());
  auto sealed = seal_accept(init, 0, writer.written(), random);
  if (!sealed) return Unexpected{sealed.error()};
  return sealed->message;
}

}  // namespace sluice::crypto
