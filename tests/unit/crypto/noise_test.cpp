#include "proto/crypto/noise.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "proto/crypto/secret.h"
#include "tests/unit/crypto/hex.h"
#include "tests/vectors/noise_nkpsk0.h"

namespace sluice::crypto {
namespace {

using vectors::kNoiseNkPsk0;

PrivateKey private_key(std::string_view hex) {
  const auto bytes = from_hex(hex);
  return PrivateKey{Bytes{bytes}.first<kKeyBytes>()};
}

PublicKey public_key(std::string_view hex) {
  const auto bytes = from_hex(hex);
  PublicKey key;
  std::ranges::copy(bytes, key.begin());
  return key;
}

/// Message `index` of one direction as Noise's transport phase seals it.
std::string seal_transport(const Secret<kKeyBytes>& key, std::uint8_t index, Bytes payload) {
  const auto at = [](auto& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); };
  std::array<std::byte, 12> nonce{};
  nonce[4] = std::byte{index};
  std::vector<std::byte> text(payload.begin(), payload.end());
  std::vector<std::byte> sealed(payload.size() + kNoiseTagBytes);
  auto key_bytes = std::vector<std::byte>(key.bytes().begin(), key.bytes().end());
  crypto_aead_chacha20poly1305_ietf_encrypt(at(sealed), nullptr, at(text), text.size(), nullptr, 0,
                                            nullptr, at(nonce), at(key_bytes));
  return to_hex(sealed);
}

class NoiseVector : public ::testing::Test {
 protected:
  NoiseVector() { init_crypto(); }

  const std::vector<std::byte> prologue_ = from_hex(kNoiseNkPsk0.prologue);
  const Psk psk_ = private_key(kNoiseNkPsk0.psk);
  const RelayIdentity identity_ =
      RelayIdentity::from_private(private_key(kNoiseNkPsk0.responder_static));

  Result<NoiseInitiator> start(std::vector<std::byte>& message) {
    const auto payload = from_hex(kNoiseNkPsk0.messages[0].payload);
    message.resize(payload.size() + kNoiseOverheadBytes);
    return NoiseInitiator::start(
        {prologue_, identity_.key.public_key, psk_,
         KeyPair::from_private(private_key(kNoiseNkPsk0.initiator_ephemeral))},
        payload, message);
  }
};

TEST_F(NoiseVector, EveryMessageIsThePublishedOne) {
  ASSERT_EQ(identity_.key.public_key, public_key(kNoiseNkPsk0.responder_static_public));
  std::vector<std::byte> first;
  const auto initiator = start(first);
  ASSERT_TRUE(initiator);
  EXPECT_EQ(to_hex(first), kNoiseNkPsk0.messages[0].ciphertext);

  std::vector<std::byte> payload(first.size() - kNoiseOverheadBytes);
  const auto responder = NoiseResponder::accept(prologue_, identity_, psk_, first, payload);
  ASSERT_TRUE(responder);
  EXPECT_EQ(to_hex(payload), kNoiseNkPsk0.messages[0].payload);

  const auto reply = from_hex(kNoiseNkPsk0.messages[1].payload);
  std::vector<std::byte> second(reply.size() + kNoiseOverheadBytes);
  const auto responder_keys = responder->write_reply(
      KeyPair::from_private(private_key(kNoiseNkPsk0.responder_ephemeral)), reply, second);
  ASSERT_TRUE(responder_keys);
  EXPECT_EQ(to_hex(second), kNoiseNkPsk0.messages[1].ciphertext);

  payload.resize(second.size() - kNoiseOverheadBytes);
  const auto initiator_keys = initiator->read_reply(second, payload);
  ASSERT_TRUE(initiator_keys);
  EXPECT_EQ(to_hex(payload), kNoiseNkPsk0.messages[1].payload);

  for (const NoiseKeys* keys : {&*initiator_keys, &*responder_keys}) {
    EXPECT_EQ(to_hex(keys->handshake_hash), kNoiseNkPsk0.handshake_hash);
    for (std::size_t i = 2; i < kNoiseNkPsk0.messages.size(); ++i) {
      const auto& key = i % 2 == 0 ? keys->initiator_to_responder : keys->responder_to_initiator;
      const auto index = static_cast<std::uint8_t>(i / 2 - 1);
      EXPECT_EQ(seal_transport(key, index, from_hex(kNoiseNkPsk0.messages[i].payload)),
                kNoiseNkPsk0.messages[i].ciphertext);
    }
  }
}

TEST_F(NoiseVector, ResponderRefusesAnyOtherPrologueAndPsk) {
  std::vector<std::byte> first;
  ASSERT_TRUE(start(first));
  std::vector<std::byte> payload(first.size() - kNoiseOverheadBytes);
  auto other = prologue_;
  other.push_back(std::byte{0});
  EXPECT_EQ(NoiseResponder::accept(other, identity_, psk_, first, payload).error(),
            DropReason::kHandshakeFailed);
  EXPECT_EQ(NoiseResponder::accept(prologue_, identity_, Psk{}, first, payload).error(),
            DropReason::kHandshakeFailed);
}

TEST_F(NoiseVector, InitiatorOutlivesForgedReplies) {
  std::vector<std::byte> first;
  const auto initiator = start(first);
  auto second = from_hex(kNoiseNkPsk0.messages[1].ciphertext);
  std::vector<std::byte> payload(second.size() - kNoiseOverheadBytes);
  for (std::size_t bit = 0; bit < second.size() * 8; ++bit) {
    second[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    EXPECT_FALSE(initiator->read_reply(second, payload)) << bit;
    second[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
  }
  EXPECT_TRUE(initiator->read_reply(second, payload));
}

TEST_F(NoiseVector, KeysOfSmallOrderAreRefused) {
  const PublicKey zero{};
  std::vector<std::byte> message(kNoiseOverheadBytes);
  EXPECT_EQ(NoiseInitiator::start({prologue_, zero, psk_, KeyPair::generate(system_random())}, {},
                                  message)
                .error(),
            DropReason::kHandshakeFailed);
  std::fill(message.begin(), message.end(), std::byte{0});  // an ephemeral of zeros
  EXPECT_EQ(NoiseResponder::accept(prologue_, identity_, psk_, message, {}).error(),
            DropReason::kHandshakeFailed);
}

TEST_F(NoiseVector, RuntsAreRefused) {
  const std::vector<std::byte> message(kNoiseOverheadBytes - 1);
  EXPECT_EQ(NoiseResponder::accept(prologue_, identity_, psk_, message, {}).error(),
            DropReason::kRunt);
}

}  // namespace
}  // namespace sluice::crypto
