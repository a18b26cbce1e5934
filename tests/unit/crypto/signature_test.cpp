#include "proto/crypto/signature.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "proto/crypto/secret.h"
#include "tests/unit/crypto/hex.h"

namespace sluice::crypto {
namespace {

TEST(Signature, HmacSha256IsThatOfRfc4231) {
  init_crypto();
  const std::string long_key(131, '\xaa');

  const struct {
    std::string key, text, mac;
  } kCases[] = {
      {std::string(20, '\x0b'), "Hi There",
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"Jefe", "what do ya want for nothing?",
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {long_key, "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
  };

  for (const auto& c : kCases) {
    const auto mac = hmac_sha256(as_bytes(c.key), as_bytes(c.text));
    const auto expected = from_hex(c.mac);
    EXPECT_TRUE(std::equal(mac.begin(), mac.end(), expected.begin(), expected.end())) << c.text;
  }
}

TEST(Signature, Ed25519IsThatOfRfc8032AndOfNothingElse) {
  init_crypto();
  const auto key_bytes =
      from_hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  Ed25519PublicKey key{};
  std::copy(key_bytes.begin(), key_bytes.end(), key.begin());
  const auto text = from_hex("72");
  auto signature = from_hex(
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
      "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
  EXPECT_TRUE(verify_ed25519(key, signature, text));
  EXPECT_FALSE(verify_ed25519(key, signature, from_hex("73")));
  EXPECT_FALSE(verify_ed25519(key, Bytes{signature}.first(63), text));
  EXPECT_FALSE(verify_ed25519({}, signature, text));
  signature[0] ^= std::byte{1};
  EXPECT_FALSE(verify_ed25519(key, signature, text));
}

}  // namespace
}  // namespace sluice::crypto
