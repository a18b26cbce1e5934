// The relay's way through an INIT. First byte: 0, the rest is the datagram as it came; 1, the rest
// overwrites a good INIT from the front and mac1 is made right; 2, the rest is the Noise payload of
// an INIT that is right outside; 3, the rest overwrites what is behind the ticket.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "proto/base/check.h"
#include "proto/crypto/cookie.h"
#include "tests/fuzz/handshake_fixture.h"

namespace sluice::crypto {
namespace {

using InitBytes = std::array<std::byte, kInitBytes>;

/// Returns whether the INIT was opened.
bool answer(const FuzzRelay& relay, Bytes datagram) {
  FuzzRandom random;
  const auto init = parse_init(datagram);
  if (!init) return false;
  CHECK(init->before_mac.size() + kMacBytes == kInitBytes);
  CHECK(init->prologue.size() + init->noise.size() == init->before_mac.size());
  const bool whole_mac = verify_mac1(relay.identity.key, datagram).has_value();
  if (!verify_mac1(relay.identity.key, *init)) return false;
  CHECK(whole_mac);
  const CookieJar jar{kFuzzNow, random.source()};
  static_cast<void>(jar.verify(Address{}, init->nonce, init->cookie).has_value());
  const auto ticket = open_ticket(relay.ticket_key, init->ticket);
  if (!ticket) return false;
  const auto opened = read_init(relay.identity, *init, ticket->psk);
  if (!opened) return false;
  const auto suite = choose_suite(opened->suites, kAllSuites);
  CHECK(suite.has_value());
  LinkGrant link;
  link.connection_id = ConnectionId{1};
  CHECK(write_accept(*opened, {*suite, link, Address{}}, random.source()).has_value());
  CHECK(write_refusal(*opened, HandshakeStatus::kRoomFull, "", random.source()).has_value());
  return true;
}

InitBytes good_init(const FuzzRelay& relay) {
  FuzzRandom random;
  auto client = relay.make_client(random);
  InitBytes init;
  std::ranges::copy(client.poll_transmit(kFuzzNow), init.begin());
  return init;
}

void renew_mac1(const FuzzRelay& relay, InitBytes& init) {
  const Mac mac = relay.identity.key.mac(Bytes{init}.first(kInitBytes - kMacBytes));
  std::ranges::copy(mac, init.end() - kMacBytes);
}

/// Writes `with` over a good INIT at `at`; only an INIT that is still the same may open.
void overwrite(const FuzzRelay& relay, std::size_t at, Bytes with) {
  const InitBytes good = good_init(relay);
  InitBytes init = good;
  with = with.first(std::min(with.size(), kInitBytes - kMacBytes - at));
  std::ranges::copy(with, init.begin() + static_cast<std::ptrdiff_t>(at));
  renew_mac1(relay, init);
  CHECK(!answer(relay, init) || init == good);
}

void seal_payload(const FuzzRelay& relay, Bytes with) {
  FuzzRandom random;
  InitBytes init = good_init(relay);
  const std::size_t header_bytes = parse_init(init)->prologue.size();
  const MutableBytes message =
      MutableBytes{init}.subspan(header_bytes, kInitBytes - header_bytes - kMacBytes);
  std::array<std::byte, kInitBytes> storage{};
  const MutableBytes payload = MutableBytes{storage}.first(message.size() - kNoiseOverheadBytes);
  std::ranges::copy(with.first(std::min(with.size(), payload.size())), payload.begin());
  const InitPrologue prologue{Bytes{init}.first(header_bytes)};
  CHECK(NoiseInitiator::start({prologue.view(), relay.identity.key.public_key, relay.ticket.psk,
                               KeyPair::generate(random.source())},
                              payload, message)
            .has_value());
  renew_mac1(relay, init);
  static_cast<void>(answer(relay, init));
}

}  // namespace
}  // namespace sluice::crypto

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::crypto;
  if (size == 0) return 0;
  const FuzzRelay& relay = FuzzRelay::get();
  const sluice::Bytes input = std::as_bytes(std::span{data + 1, size - 1});
  switch (data[0] % 4) {
    case 0:
      static_cast<void>(answer(relay, input));
      break;
    case 1:
      overwrite(relay, 0, input);
      break;
    case 2:
      seal_payload(relay, input);
      break;
    default:
      overwrite(relay, kInitFixedBytes + relay.sealed.size(), input);
      break;
  }
  return 0;
}
