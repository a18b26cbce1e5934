#include "proto/crypto/cookie.h"

#include <chrono>

#include <gtest/gtest.h>

#include "tests/unit/crypto/handshake_pair.h"

namespace sluice::crypto {
namespace {

using std::chrono::seconds;

ClientNonce nonce_of(std::uint8_t fill) {
  ClientNonce nonce;
  nonce.fill(std::byte{fill});
  return nonce;
}

const Address kClient = Address::v4(192, 0, 2, 1, 1000);

class CookieTest : public ::testing::Test {
 protected:
  CookieTest() { init_crypto(); }

  SeededRandom random_{3};
  CookieJar jar_{kStart, random_.source()};
  RelayKey relay_ = RelayKey::from_public(KeyPair::generate(random_.source()).public_key);
};

// P-HS-06: bound to address, port and nonce.
TEST_F(CookieTest, ServesOnlyTheAddressAndNonceItWasMadeFor) {
  const Mac cookie = jar_.make(kClient, nonce_of(1));
  EXPECT_TRUE(jar_.verify(kClient, nonce_of(1), cookie));
  Address other_port = kClient;
  other_port.port = 1001;
  for (const auto& verdict : {jar_.verify(other_port, nonce_of(1), cookie),
                              jar_.verify(Address::v4(192, 0, 2, 2, 1000), nonce_of(1), cookie),
                              jar_.verify(kClient, nonce_of(2), cookie)}) {
    ASSERT_FALSE(verdict);
    EXPECT_EQ(verdict.error(), DropReason::kBadCookie);
  }
}

TEST_F(CookieTest, NoCookieIsToldApartFromAWrongOne) {
  EXPECT_EQ(jar_.verify(kClient, nonce_of(1), Mac{}).error(), DropReason::kCookieNeeded);
}

TEST_F(CookieTest, LivesThroughOneTurnOfTheSecretAndNoMore) {
  const Mac cookie = jar_.make(kClient, nonce_of(1));
  jar_.turn_over(kStart + kCookieSecretAge - Duration{1}, random_.source());
  EXPECT_EQ(jar_.make(kClient, nonce_of(1)), cookie);
  jar_.turn_over(kStart + kCookieSecretAge, random_.source());
  EXPECT_NE(jar_.make(kClient, nonce_of(1)), cookie);
  EXPECT_TRUE(jar_.verify(kClient, nonce_of(1), cookie));
  jar_.turn_over(kStart + 2 * kCookieSecretAge, random_.source());
  EXPECT_FALSE(jar_.verify(kClient, nonce_of(1), cookie));
}

TEST_F(CookieTest, ALongSilenceEndsBothSecrets) {
  const Mac cookie = jar_.make(kClient, nonce_of(1));
  jar_.turn_over(kStart + 2 * kCookieSecretAge, random_.source());
  EXPECT_FALSE(jar_.verify(kClient, nonce_of(1), cookie));
}

TEST_F(CookieTest, ReplyComesBackAndIsAsLongAsSaid) {
  const Mac cookie = jar_.make(kClient, nonce_of(1));
  const CookieMessage message =
      make_cookie_reply(relay_, CookieStatus::kCookieNeeded, nonce_of(1), cookie);
  const auto reply = read_cookie_reply(relay_, nonce_of(1), message);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, CookieStatus::kCookieNeeded);
  EXPECT_EQ(reply->cookie, cookie);
  static_assert(sizeof(CookieMessage) == kCookieBytes && kCookieBytes < kInitBytes);
}

TEST_F(CookieTest, NoBitOfAReplyMayChange) {
  CookieMessage message =
      make_cookie_reply(relay_, CookieStatus::kUnknownVersion, nonce_of(1), Mac{});
  for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
    message[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    EXPECT_FALSE(read_cookie_reply(relay_, nonce_of(1), message)) << bit;
    message[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
  }
  EXPECT_EQ(read_cookie_reply(relay_, nonce_of(2), message).error(),
            DropReason::kUnknownConnection);
  EXPECT_EQ(read_cookie_reply(relay_, nonce_of(1), Bytes{message}.first(63)).error(),
            DropReason::kRunt);
}

TEST(CookieStatus, HasOneNameEach) {
  EXPECT_EQ(cookie_status_name(CookieStatus::kCookieNeeded), "cookie_needed");
  EXPECT_EQ(cookie_status_name(CookieStatus::kUnknownRelayKey), "unknown_relay_key");
}

}  // namespace
}  // namespace sluice::crypto
