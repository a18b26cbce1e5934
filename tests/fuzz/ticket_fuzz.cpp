// Tickets. First byte: 0, the rest is a sealed ticket as a stranger sends it; else the rest is
// fields that somebody with the key sealed. What opens must seal and open again to the same.
#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "proto/base/check.h"
#include "proto/crypto/ticket.h"

namespace sluice::crypto {
namespace {

RandomSource zeros() {
  return {[](void*, MutableBytes out) { std::ranges::fill(out, std::byte{0}); }, nullptr};
}

void check_same(const Ticket& a, const Ticket& b) {
  CHECK(a.jti == b.jti && a.not_before == b.not_before && a.expiry == b.expiry);
  CHECK(a.relay == b.relay && a.instance == b.instance && a.rights == b.rights);
  CHECK(a.rate_kbit_max == b.rate_kbit_max && a.session_seconds_max == b.session_seconds_max);
  CHECK(a.flags == b.flags && a.psk.equals(b.psk) && a.room == b.room && a.user == b.user);
}

void open_and_seal_again(const TicketKey& key, Bytes sealed) {
  const auto ticket = open_ticket(key, sealed);
  if (!ticket) return;
  static_cast<void>(check_ticket(*ticket, ticket->expiry, ticket->relay).has_value());
  const auto again = open_ticket(key, seal_ticket(key, *ticket, zeros()).view());
  CHECK(again.has_value());
  check_same(*ticket, *again);
}

void open_sealed_fields(const TicketKey& key, std::span<const std::uint8_t> fields) {
  constexpr std::size_t kFieldsMax = kTicketFieldsBytesMax + 8;
  fields = fields.first(std::min(fields.size(), kFieldsMax));
  constexpr std::string_view kContext = "sluice ticket 1";
  std::array<std::uint8_t, kTicketNonceBytes + kFieldsMax + 16> sealed{};
  crypto_aead_xchacha20poly1305_ietf_encrypt(
      sealed.data() + kTicketNonceBytes, nullptr, fields.data(), fields.size(),
      reinterpret_cast<const unsigned char*>(kContext.data()), kContext.size(), nullptr,
      sealed.data(), reinterpret_cast<const unsigned char*>(key.bytes().data()));
  open_and_seal_again(
      key, std::as_bytes(std::span{sealed}).first(kTicketNonceBytes + fields.size() + 16));
}

}  // namespace
}  // namespace sluice::crypto

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::crypto;
  init_crypto();
  if (size == 0) return 0;
  const TicketKey key;
  const std::span input{data + 1, size - 1};
  if (data[0] == 0) {
    open_and_seal_again(key, std::as_bytes(input));
  } else {
    open_sealed_fields(key, input);
  }
  return 0;
}
