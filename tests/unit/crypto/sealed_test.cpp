#include "proto/crypto/sealed.h"

#include <gtest/gtest.h>

namespace sluice::crypto {
namespace {

SealKey key_of(std::uint8_t fill) {
  SealKey key;
  for (std::byte& b : key.mutable_bytes()) b = std::byte{fill};
  return key;
}

TEST(Sealed, OpensWithItsKeyAndContextAlone) {
  init_crypto();
  const std::string text = "alice until noon";
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, text.size()}) {
    const Bytes plain = as_bytes(text).first(size);
    const auto sealed = seal(key_of(1), "token", plain, system_random());
    EXPECT_EQ(sealed.size(), size + kSealOverheadBytes);
    const auto opened = unseal(key_of(1), "token", sealed);
    ASSERT_TRUE(opened);
    EXPECT_EQ(as_text(*opened), as_text(plain));
    EXPECT_FALSE(unseal(key_of(2), "token", sealed));
    EXPECT_FALSE(unseal(key_of(1), "other", sealed));
    EXPECT_NE(seal(key_of(1), "token", plain, system_random()), sealed) << "never twice the same";
  }
}

TEST(Sealed, AnAlteredOrShortenedOneDoesNotOpen) {
  init_crypto();
  const auto sealed = seal(key_of(1), "token", as_bytes("alice"), system_random());
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    auto bad = sealed;
    bad[i] ^= std::byte{1};
    EXPECT_FALSE(unseal(key_of(1), "token", bad)) << i;
    EXPECT_FALSE(unseal(key_of(1), "token", Bytes{sealed}.first(i))) << i;
  }
}

TEST(Sealed, DerivedKeysAndSignaturesDependOnAllOfTheirInput) {
  init_crypto();
  const SealKey key = key_of(1);
  EXPECT_FALSE(derive_key(key, "a").equals(derive_key(key, "b")));
  EXPECT_FALSE(derive_key(key, "a").equals(derive_key(key_of(2), "a")));
  const Mac mac = sign(key, "push", as_bytes("stream"));
  EXPECT_EQ(mac, sign(key, "push", as_bytes("stream")));
  EXPECT_NE(mac, sign(key, "play", as_bytes("stream")));
  EXPECT_NE(mac, sign(key, "pushs", as_bytes("tream")));
  EXPECT_NE(mac, sign(key_of(2), "push", as_bytes("stream")));
}

}  // namespace
}  // namespace sluice::crypto
