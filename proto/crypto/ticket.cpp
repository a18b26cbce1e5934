#include "proto/crypto/ticket.h"

#include <algorithm>
#include <limits>

#include "proto/crypto/blake2b.h"

namespace sluice::crypto {

namespace {

constexpr std::uint8_t kTicketVersion = 1;
constexpr std::uint8_t kFlagSeveralInstances = 1;
constexpr std::uint8_t kFlagResume = 2;
constexpr std::size_t kTicketTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::string_view kTicketContext = "sluice ticket 1";

using Fields = Secret<kTicketFieldsBytesMax>;

/// P-TICKET-01. Returns the length.
std::size_t write_fields(const Ticket& ticket, Fields& fields) {
  Writer writer{fields.mutable_bytes()};
  writer.u8(kTicketVersion);
  writer.bytes(ticket.jti);
  writer.u64(static_cast<std::uint64_t>(ticket.not_before.value));
  writer.u64(static_cast<std::uint64_t>(ticket.expiry.value));
  writer.u64(static_cast<std::uint64_t>(ticket.relay));
  writer.u64(static_cast<std::uint64_t>(ticket.instance));
  writer.u16(ticket.rights.bits());
  writer.u32(ticket.rate_kbit_max);
  writer.u32(ticket.session_seconds_max);
  writer.u8(static_cast<std::uint8_t>((ticket.flags.several_instances ? kFlagSeveralInstances : 0) |
                                      (ticket.flags.resume ? kFlagResume : 0)));
  writer.bytes(ticket.psk.bytes());
  for (const std::string_view name : {ticket.room.view(), ticket.user.view()}) {
    writer.u8(static_cast<std::uint8_t>(name.size()));
    writer.bytes(as_bytes(name));
  }
  CHECK(writer.ok());
  return writer.size();
}

/// Seconds since the epoch that fit the sign and leave room for the slack.
bool is_time(std::int64_t seconds) {
  return seconds >= 0 && seconds <= std::numeric_limits<std::int64_t>::max() / 2;
}

template <class N>
bool read_name(Reader& reader, N& name) {
  const std::size_t length = reader.u8();
  const auto parsed = N::parse(as_text(reader.bytes(length)));
  if (!parsed) return false;
  name = *parsed;
  return true;
}

Result<Ticket> read_fields(Bytes fields) {
  Reader reader{fields};
  Ticket ticket;
  const std::uint8_t version = reader.u8();
  const Bytes jti = reader.bytes(ticket.jti.size());
  ticket.not_before.value = static_cast<std::int64_t>(reader.u64());
  ticket.expiry.value = static_cast<std::int64_t>(reader.u64());
  ticket.relay = RelayKeyId{reader.u64()};
  ticket.instance = InstanceId{reader.u64()};
  ticket.rights = Rights{reader.u16()};
  ticket.rate_kbit_max = reader.u32();
  ticket.session_seconds_max = reader.u32();
  const std::uint8_t flags = reader.u8();
  const Bytes psk = reader.bytes(Psk::kSize);
  const bool named = read_name(reader, ticket.room) && read_name(reader, ticket.user);

  if (!named || !reader.finished() || version != kTicketVersion ||
      !is_time(ticket.not_before.value) || !is_time(ticket.expiry.value) ||
      (ticket.rights.bits() & ~kAllRights.bits()) != 0 ||
      (flags & ~(kFlagSeveralInstances | kFlagResume)) != 0) {
    return Unexpected{DropReason::kMalformed};
  }
  ticket.flags = {(flags & kFlagSeveralInstances) != 0, (flags & kFlagResume) != 0};
  std::copy(jti.begin(), jti.end(), ticket.jti.begin());
  ticket.psk = Psk{psk.first<Psk::kSize>()};
  return ticket;
}

}  // namespace

SealedTicket seal_ticket(const TicketKey& key, const Ticket& ticket, RandomSource random) {
  CHECK(!ticket.room.empty() && !ticket.user.empty());
  CHECK(is_time(ticket.not_before.value) && is_time(ticket.expiry.value));
  CHECK((ticket.rights.bits() & ~kAllRights.bits()) == 0);
  Fields fields;
  const std::size_t size = write_fields(ticket, fields);

  SealedTicket sealed;
  sealed.resize(kTicketNonceBytes + size + kTicketTagBytes);
  const MutableBytes nonce = sealed.mutable_view().first(kTicketNonceBytes);
  random(nonce);
  crypto_aead_xchacha20poly1305_ietf_encrypt(
      raw(sealed.mutable_view().subspan(kTicketNonceBytes)), nullptr, raw(fields.bytes()), size,
      raw(as_bytes(kTicketContext)), kTicketContext.size(), nullptr, raw(nonce), raw(key.bytes()));
  return sealed;
}

Result<Ticket> open_ticket(const TicketKey& key, Bytes sealed) {
  if (sealed.size() < kSealedTicketBytesMin || sealed.size() > kSealedTicketBytesMax) {
    return Unexpected{DropReason::kTicketSealed};
  }
  Fields fields;
  const Bytes nonce = sealed.first(kTicketNonceBytes);
  const Bytes body = sealed.subspan(kTicketNonceBytes);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          raw(fields.mutable_bytes()), nullptr, nullptr, raw(body), body.size(),
          raw(as_bytes(kTicketContext)), kTicketContext.size(), raw(nonce),
          raw(key.bytes())) != 0) {
    return Unexpected{DropReason::kTicketSealed};
  }
  return read_fields(fields.bytes().first(body.size() - kTicketTagBytes));
}

Status<> check_ticket(const Ticket& ticket, UnixSeconds now, RelayKeyId relay) {
  // P-TICKET-02.
  if (ticket.relay != relay) return Unexpected{DropReason::kTicketForeign};
  if (now.value < ticket.not_before.value - kTicketClockSlackSeconds) {
    return Unexpected{DropReason::kTicketNotYet};
  }
  if (now.value > ticket.expiry.value + kTicketClockSlackSeconds) {
    return Unexpected{DropReason::kTicketExpired};
  }
  return Done{};
}

}  // namespace sluice::crypto
