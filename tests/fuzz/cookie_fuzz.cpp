// COOKIEs at the client, and the client's timers around them. A row of operations: 0 milliseconds
// pass, 1 a datagram as it came, 2 a COOKIE with any status and cookie and a right mac, 3 a
// timeout. The client must always have an INIT to repeat, and each must be one that the relay
// reads.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "proto/base/check.h"
#include "proto/crypto/cookie.h"
#include "tests/fuzz/handshake_fixture.h"

namespace sluice::crypto {
namespace {

constexpr std::size_t kOperationsMax = 32;

void check_init(const FuzzRelay& relay, Bytes init) {
  const auto view = parse_init(init);
  CHECK(view.has_value() && verify_mac1(relay.identity.key, *view).has_value());
  CHECK(view->nonce == init_nonce(init));
}

void handle_forged_cookie(const FuzzRelay& relay, ClientHandshake& client, Instant now,
                          const ClientNonce& nonce, Reader& reader) {
  Mac cookie{};
  const auto status = static_cast<CookieStatus>(reader.u8() % 4);
  cookie.fill(std::byte{reader.u8()});
  const auto reply = make_cookie_reply(relay.identity.key, status, nonce, cookie);
  static_cast<void>(client.handle_datagram(now, reply).has_value());
}

void run(const FuzzRelay& relay, Bytes operations) {
  FuzzRandom random;
  ClientHandshake client = relay.make_client(random);
  Instant now = kFuzzNow;
  const ClientNonce nonce = init_nonce(client.poll_transmit(now));
  Reader reader{operations};
  for (std::size_t i = 0; i < kOperationsMax && reader.remaining() > 0; ++i) {
    switch (reader.u8() % 4) {
      case 0:
        now += std::chrono::milliseconds{reader.u8()};
        break;
      case 1: {
        const Bytes datagram = reader.bytes(std::min<std::size_t>(reader.u8(), reader.remaining()));
        static_cast<void>(client.handle_datagram(now, datagram).has_value());
        break;
      }
      case 2:
        handle_forged_cookie(relay, client, now, nonce, reader);
        break;
      default:
        client.handle_timeout(now);
        break;
    }
    if (const Bytes init = client.poll_transmit(now); !init.empty()) check_init(relay, init);
    CHECK(client.next_deadline() != kNever);
  }
}

}  // namespace
}  // namespace sluice::crypto

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::crypto;
  run(FuzzRelay::get(), std::as_bytes(std::span{data, size}));
  return 0;
}
