#include "proto/crypto/cookie.h"

#include <algorithm>

#include "proto/crypto/blake2b.h"

namespace sluice::crypto {

namespace {

/// P-HS-06.
Mac cookie_for(const Secret<kKeyBytes>& secret, const Address& client, const ClientNonce& nonce) {
  std::array<std::byte, 2> port;
  store_be<2>(port.data(), client.port);
  return blake2b<kMacBytes>(secret.bytes(), {client.ip, port, nonce});
}

}  // namespace

CookieJar::CookieJar(Instant now, RandomSource random)
    : present_(Secret<kKeyBytes>::random(random)),
      last_(Secret<kKeyBytes>::random(random)),
      turned_at_(now) {}

void CookieJar::turn_over(Instant now, RandomSource random) {
  if (now - turned_at_ < kCookieSecretAge) return;
  // After a long silence the present secret is as stale as the last one.
  last_ = now - turned_at_ < 2 * kCookieSecretAge ? std::move(present_)
                                                  : Secret<kKeyBytes>::random(random);
  present_ = Secret<kKeyBytes>::random(random);
  turned_at_ = now;
}

Mac CookieJar::make(const Address& client, const ClientNonce& nonce) const {
  return cookie_for(present_, client, nonce);
}

Status<> CookieJar::verify(const Address& client, const ClientNonce& nonce, Bytes cookie) const {
  if (std::all_of(cookie.begin(), cookie.end(), [](std::byte b) { return b == std::byte{0}; })) {
    return Unexpected{DropReason::kCookieNeeded};
  }
  if (equal_constant_time(cookie, cookie_for(present_, client, nonce)) ||
      equal_constant_time(cookie, cookie_for(last_, client, nonce))) {
    return Done{};
  }
  return Unexpected{DropReason::kBadCookie};
}

CookieMessage make_cookie_reply(const RelayKey& relay, CookieStatus status,
                                const ClientNonce& nonce, const Mac& cookie) {
  CookieMessage message{};
  Writer writer{message};
  writer.u8(static_cast<std::uint8_t>(HandshakeType::kCookie));
  writer.u8(static_cast<std::uint8_t>(status));
  writer.u8(kProtocolVersion);
  writer.u8(0);
  writer.bytes(nonce);
  writer.bytes(cookie);
  writer.u64(static_cast<std::uint64_t>(relay.id));
  writer.u32(0);
  writer.bytes(relay.mac(Bytes{message}.first(kCookieBytes - kMacBytes)));
  CHECK(writer.ok() && writer.size() == kCookieBytes);
  return message;
}

Result<CookieReply> read_cookie_reply(const RelayKey& relay, const ClientNonce& nonce,
                                      Bytes datagram) {
  if (datagram.size() != kCookieBytes) {
    return Unexpected{datagram.size() < kCookieBytes ? DropReason::kRunt : DropReason::kOversize};
  }
  Reader reader{datagram};
  const std::uint8_t type = reader.u8();
  const std::uint8_t status = reader.u8();
  reader.skip(2);  // the relay's version, and zero
  const Bytes echo = reader.bytes(kClientNonceBytes);
  const Bytes cookie = reader.bytes(kMacBytes);
  reader.skip(8 + 4);
  const Bytes mac = reader.bytes(kMacBytes);
  if (type != static_cast<std::uint8_t>(HandshakeType::kCookie)) {
    return Unexpected{DropReason::kUnknownType};
  }
  if (!equal_constant_time(echo, nonce)) return Unexpected{DropReason::kUnknownConnection};
  if (!equal_constant_time(mac, relay.mac(datagram.first(kCookieBytes - kMacBytes)))) {
    return Unexpected{DropReason::kBadMac1};
  }
  if (status > static_cast<std::uint8_t>(CookieStatus::kUnknownRelayKey)) {
    return Unexpected{DropReason::kMalformed};
  }
  CookieReply reply{static_cast<CookieStatus>(status), {}};
  std::copy(cookie.begin(), cookie.end(), reply.cookie.begin());
  return reply;
}

}  // namespace sluice::crypto
