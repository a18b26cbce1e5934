// The figures were computed with another implementation of BLAKE2b; they pin the derivations that
// both ends must agree on: P-HS-01 (key id), P-HS-03 (mac1), P-HS-12 (packet keys), P-RESET-01
// (token).
#include "proto/crypto/keys.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/unit/crypto/hex.h"
#include "tests/unit/crypto/seeded_random.h"

namespace sluice::crypto {
namespace {

PublicKey counted_public_key() {
  PublicKey key;
  std::ranges::copy(counting(0, 32), key.begin());
  return key;
}

TrafficSecret counted_secret() { return TrafficSecret{Bytes{counting(32, 32)}.first<32>()}; }

PrivateKey private_from_hex(std::string_view hex) {
  const auto bytes = from_hex(hex);
  return PrivateKey{Bytes{bytes}.first<32>()};
}

TEST(RelayKey, IdAndMacAreThoseOfTheProtocol) {
  const RelayKey key = RelayKey::from_public(counted_public_key());
  EXPECT_EQ(static_cast<std::uint64_t>(key.id), 0xcb2f5160fc1f7e05U);
  EXPECT_EQ(to_hex(key.mac1_key),
            "9baa5c644bfd1d6faa77c3fdb6a443d6056a5ea68e826568de62e2b44c360093");
  EXPECT_EQ(to_hex(key.mac(as_bytes("abc"))), "7489c3579f1dbdb8a1474b7d27ceb7e9");
}

TEST(PacketKeys, AreThoseOfTheProtocol) {
  const auto key_of = [](Suite suite) {
    return to_hex(derive_packet_keys(counted_secret(), suite).key.bytes());
  };
  // AES-128 cuts its key to 16 bytes; the rest stays zero.
  EXPECT_EQ(key_of(Suite::kAes128Gcm), "1dd78cd2a3b1134a9049a9252e213c4f" + std::string(32, '0'));
  EXPECT_EQ(key_of(Suite::kChaCha20Poly1305),
            "28e659215ef7a92348c13e1513591bdcd38676e682f0c61f87ce38dc6d2c3f06");
  EXPECT_EQ(key_of(Suite::kAes256Gcm),
            "ce5ebdf772aaea1aabb6c6202c3395116451f050a6721174b8756c02172b0bde");
  EXPECT_EQ(to_hex(derive_packet_keys(counted_secret(), Suite::kAes128Gcm).iv.bytes()),
            "60d7b12e1b70ff63d1c2f256");
  EXPECT_EQ(to_hex(next_traffic_secret(counted_secret()).bytes()),
            "416780f22612fd1721d3af6ebb5a69f7acbbba31ca6d14f8c3a3afbff9a3c905");
}

TEST(ResetToken, IsThatOfTheProtocol) {
  EXPECT_EQ(to_hex(derive_reset_token(counted_secret(), ConnectionId{0x010203040506})),
            "64698914916413e0c7097dd31b437370");
}

TEST(DiffieHellman, GivesBothEndsTheSame) {
  SeededRandom random{1};
  const KeyPair a = KeyPair::generate(random.source());
  const KeyPair b = KeyPair::generate(random.source());
  EXPECT_NE(a.public_key, b.public_key);
  EXPECT_TRUE(diffie_hellman(a.private_key, b.public_key)
                  ->equals(*diffie_hellman(b.private_key, a.public_key)));
}

TEST(DiffieHellman, AnswersAsRfc7748Section52Says) {
  const auto u = from_hex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c");
  PublicKey peer;
  std::ranges::copy(u, peer.begin());
  const auto shared = diffie_hellman(
      private_from_hex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"), peer);
  ASSERT_TRUE(shared);
  EXPECT_EQ(to_hex(shared->bytes()),
            "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
}

TEST(DiffieHellman, RefusesKeysOfSmallOrder) {
  SeededRandom random{1};
  const KeyPair ours = KeyPair::generate(random.source());
  PublicKey one{};
  one[0] = std::byte{1};
  for (const PublicKey& theirs : {PublicKey{}, one}) {
    const auto shared = diffie_hellman(ours.private_key, theirs);
    ASSERT_FALSE(shared);
    EXPECT_EQ(shared.error(), DropReason::kHandshakeFailed);
  }
}

}  // namespace
}  // namespace sluice::crypto
