#include "rooms/v1_token.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/rooms/v1_support.h"

namespace sluice::rooms {
namespace {

using nlohmann::json;

constexpr UnixSeconds kNow{1'800'000'000};

class TokenReading : public testing::Test {
 protected:
  TokenReading() {
    crypto::init_crypto();
    std::array<unsigned char, crypto_sign_PUBLICKEYBYTES> public_key{};
    std::array<unsigned char, crypto_sign_SEEDBYTES> seed{};
    crypto_sign_seed_keypair(public_key.data(), secret.data(), seed.data());
    std::transform(public_key.begin(), public_key.end(), ed25519.begin(),
                   [](unsigned char c) { return std::byte{c}; });
  }

  TokenReader reader(bool with_shared, bool with_ed25519) const {
    TokenKeys keys;
    if (with_shared) keys.shared = shared;
    if (with_ed25519) keys.ed25519 = ed25519;
    return TokenReader{std::move(keys)};
  }

  static json claims() {
    return {{"sub", "alice"},
            {"room", "lobby"},
            {"rights", {"push", "say"}},
            {"aud", "sluice-rooms"},
            {"exp", kNow.value + 60}};
  }

  std::string hs256(const json& said) const { return make_jwt({{"alg", "HS256"}}, said, shared); }

  std::string eddsa(const json& said) const {
    const std::string text = jwt_part({{"alg", "EdDSA"}}) + "." + jwt_part(said);
    std::array<std::byte, crypto_sign_BYTES> signature{};
    crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()), nullptr,
                         reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                         secret.data());
    return text + "." + crypto::to_base64(signature);
  }

  std::string error(const std::string& token, bool with_ed25519 = false) const {
    const auto read = reader(true, with_ed25519).read(token, kNow);
    return read ? "" : std::string{text_of(read.error())};
  }

  std::vector<std::byte> shared = std::vector<std::byte>(32, std::byte{9});
  std::array<unsigned char, crypto_sign_SECRETKEYBYTES> secret{};
  crypto::Ed25519PublicKey ed25519{};
};

TEST_F(TokenReading, BothAlgorithmsSayWhoAsksAndWhatHeMay) {
  for (const std::string& token : {hs256(claims()), eddsa(claims())}) {
    const auto bearer = reader(true, true).read(token, kNow);
    ASSERT_TRUE(bearer);
    EXPECT_EQ(bearer->user.view(), "alice");
    ASSERT_TRUE(bearer->room);
    EXPECT_EQ(bearer->room->view(), "lobby");
    EXPECT_TRUE(bearer->rights.has(MemberRight::kPush));
    EXPECT_FALSE(bearer->rights.has(MemberRight::kModerate));
    EXPECT_FALSE(bearer->guest);
  }
  json any = claims();
  any["room"] = "*";
  any["aud"] = {"others", "sluice-rooms"};
  const auto bearer = reader(true, false).read(hs256(any), kNow);
  ASSERT_TRUE(bearer);
  EXPECT_FALSE(bearer->room);
}

TEST_F(TokenReading, AKeyChecksItsOwnAlgorithmAlone) {
  // The classic: the public key, which everybody has, as a shared one.
  const std::string confused = make_jwt({{"alg", "HS256"}}, claims(), ed25519);
  EXPECT_FALSE(reader(false, true).read(confused, kNow));
  EXPECT_FALSE(reader(true, true).read(confused, kNow));
  EXPECT_FALSE(reader(false, true).read(hs256(claims()), kNow));
  EXPECT_FALSE(reader(true, false).read(eddsa(claims()), kNow));
  EXPECT_FALSE(reader(false, false).read(make_jwt({{"alg", "HS256"}}, claims(), {}), kNow));
  for (const char* algorithm : {"none", "None", "NONE", "", "hs256", "HS384", "RS256", "ES256"}) {
    const json header{{"alg", algorithm}};
    const std::string unsigned_text = jwt_part(header) + "." + jwt_part(claims()) + ".";
    EXPECT_FALSE(reader(true, true).read(unsigned_text, kNow)) << algorithm;
    EXPECT_FALSE(reader(true, true).read(make_jwt(header, claims(), shared), kNow)) << algorithm;
  }
  EXPECT_FALSE(reader(true, true).read(make_jwt({}, claims(), shared), kNow));
  EXPECT_FALSE(reader(true, true)
                   .read(make_jwt({{"alg", "HS256"}, {"crit", {"x"}}}, claims(), shared), kNow));
}

TEST_F(TokenReading, TimesHoldToTheSecondWithTheSkewOfClocks) {
  const struct {
    const char* claim;
    std::int64_t from_now;
    bool good;
  } kCases[] = {{"exp", 1, true},   {"exp", -4, true}, {"exp", -5, false}, {"exp", -600, false},
                {"nbf", -60, true}, {"nbf", 5, true},  {"nbf", 6, false},  {"nbf", 600, false}};

  for (const auto& c : kCases) {
    json said = claims();
    said[c.claim] = kNow.value + c.from_now;
    EXPECT_EQ(reader(true, false).read(hs256(said), kNow).has_value(), c.good)
        << c.claim << " " << c.from_now;
  }
}

TEST_F(TokenReading, AnythingElseIsRefusedByItsName) {
  const auto changed = [](const char* name, json value) {
    json said = claims();
    if (value.is_null()) {
      said.erase(name);
    } else {
      said[name] = std::move(value);
    }
    return said;
  };
  const std::string malformed{text_of(BearerError::kMalformed)};
  const std::string audience{text_of(BearerError::kAudience)};
  for (const json& said :
       {changed("sub", nullptr), changed("sub", "a b"), changed("sub", 5), changed("room", nullptr),
        changed("room", "a/b"), changed("room", ""), changed("rights", nullptr),
        changed("rights", "push"), changed("rights", {"fly"}), changed("rights", {1}),
        changed("exp", nullptr), changed("exp", "tomorrow"), changed("exp", -1),
        changed("exp", 1e30), changed("nbf", "now")}) {
    EXPECT_EQ(error(hs256(said)), malformed) << said;
  }
  for (const json& said : {changed("aud", nullptr), changed("aud", "other"),
                           changed("aud", json::array()), changed("aud", 1)}) {
    EXPECT_EQ(error(hs256(said)), audience) << said;
  }
  std::string altered = hs256(claims());
  altered.back() = altered.back() == 'A' ? 'E' : 'A';
  EXPECT_EQ(error(altered), text_of(BearerError::kSignature));
  std::string forged = eddsa(claims());
  forged[forged.size() - 20] = forged[forged.size() - 20] == 'A' ? 'B' : 'A';
  EXPECT_EQ(error(forged, true), text_of(BearerError::kSignature));
  for (const char* text : {"", ".", "..", "...", "a.b", "a.b.c", "a.b.c.d", "é.é.é"}) {
    EXPECT_NE(error(text), "") << text;
  }
  json long_one = claims();
  long_one["extra"] = std::string(kTokenBytesMax, 'x');
  EXPECT_EQ(error(hs256(long_one)), malformed);
}

TEST(Ed25519Pem, IsReadAsOpensslWritesIt) {
  const std::string pem =
      "-----BEGIN PUBLIC KEY-----\n"
      "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
      "-----END PUBLIC KEY-----\n";
  const auto key = ed25519_of_pem(pem);
  ASSERT_TRUE(key);
  EXPECT_EQ(crypto::to_hex(*key),
            "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1");
  EXPECT_FALSE(ed25519_of_pem(""));
  EXPECT_FALSE(ed25519_of_pem(pem.substr(0, 60)));
  std::string other = pem;
  other.replace(other.find("BQYDK2Vw"), 8, "BQYDK2Vu");  // X25519
  EXPECT_FALSE(ed25519_of_pem(other));
}

}  // namespace
}  // namespace sluice::rooms
