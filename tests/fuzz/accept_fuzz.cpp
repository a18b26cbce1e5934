// The client's way through an ACCEPT. First byte: 0, the rest is the datagram as it came; 1, the
// rest overwrites a good ACCEPT from the front; 2, second byte the suite, the rest the Noise
// payload of an ACCEPT that a relay sealed.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "proto/base/check.h"
#include "tests/fuzz/handshake_fixture.h"

namespace sluice::crypto {
namespace {

struct Pair {
  FuzzRandom random;
  ClientHandshake client;
  std::array<std::byte, kInitBytes> init;
  InitOpened opened;

  explicit Pair(const FuzzRelay& relay)
      : client(relay.make_client(random)), init(first_init(client)), opened(open(relay, init)) {}

 private:
  static std::array<std::byte, kInitBytes> first_init(ClientHandshake& client) {
    std::array<std::byte, kInitBytes> init;
    std::ranges::copy(client.poll_transmit(kFuzzNow), init.begin());
    return init;
  }

  static InitOpened open(const FuzzRelay& relay, Bytes init) {
    return *read_init(relay.identity, *parse_init(init), relay.ticket.psk);
  }
};

void overwrite(Pair& pair, Bytes with) {
  LinkGrant link;
  link.connection_id = ConnectionId{1};
  const auto accept =
      write_accept(pair.opened, {Suite::kAes128Gcm, link, Address{}}, pair.random.source());
  std::vector<std::byte> datagram(accept->message.view().begin(), accept->message.view().end());
  const std::vector<std::byte> good = datagram;
  std::ranges::copy(with.first(std::min(with.size(), datagram.size())), datagram.begin());
  const auto progress = pair.client.handle_datagram(kFuzzNow, datagram);
  CHECK(!progress || datagram == good);
}

void seal_payload(Pair& pair, Bytes with) {
  if (with.empty()) return;
  const std::byte suite = with.front();
  with = with.subspan(1);
  with = with.first(std::min(with.size(), kAcceptBytesMax - kAcceptBytesMin));
  std::vector<std::byte> datagram(kAcceptBytesMin + with.size());
  datagram[0] = std::byte{3};
  datagram[1] = suite;
  std::ranges::copy(pair.opened.nonce, datagram.begin() + 4);
  CHECK(pair.opened.responder
            .write_reply(KeyPair::generate(pair.random.source()), with,
                         MutableBytes{datagram}.subspan(kAcceptFixedBytes))
            .has_value());
  const auto progress = pair.client.handle_datagram(kFuzzNow, datagram);
  if (!progress) return;
  // Whatever was taken is fit for a link.
  if (const auto* accepted = std::get_if<Accepted>(&*progress)) {
    CHECK(accepted->link.connection_id != ConnectionId{0});
    CHECK(kAllSuites.has(accepted->suite) && accepted->link.idle_timeout > Duration::zero());
  }
}

}  // namespace
}  // namespace sluice::crypto

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::crypto;
  if (size == 0) return 0;
  Pair pair{FuzzRelay::get()};
  const sluice::Bytes input = std::as_bytes(std::span{data + 1, size - 1});
  switch (data[0] % 3) {
    case 0:
      static_cast<void>(pair.client.handle_datagram(kFuzzNow, input).has_value());
      break;
    case 1:
      overwrite(pair, input);
      break;
    default:
      seal_payload(pair, input);
      break;
  }
  return 0;
}
