#include "proto/crypto/aead.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "proto/base/limits.h"
#include "tests/unit/crypto/hex.h"

namespace sluice::crypto {
namespace {

struct Vector {
  Suite suite;
  std::string_view key;
  std::string_view nonce;
  std::string_view header;
  std::string_view plaintext;
  std::string_view sealed;
};

constexpr std::string_view kGcmPlaintext =
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
constexpr std::string_view kGcmHeader = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
constexpr std::string_view kGcmNonce = "cafebabefacedbaddecaf888";

// Test cases 4 and 16 of the GCM specification (McGrew and Viega), and RFC 8439 section 2.8.2.
constexpr Vector kVectors[] = {
    {Suite::kAes128Gcm, "feffe9928665731c6d6a8f9467308308", kGcmNonce, kGcmHeader, kGcmPlaintext,
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
     "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
     "5bc94fbc3221a5db94fae95ae7121a47"},
    {Suite::kAes256Gcm, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
     kGcmNonce, kGcmHeader, kGcmPlaintext,
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
     "76fc6ece0f4e1768cddf8853bb2d551b"},
    {Suite::kChaCha20Poly1305, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
     "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
     "4c616469657320616e642047656e746c656d656e206f662074686520636c6173"
     "73206f66202739393a204966204920636f756c64206f6666657220796f75206f"
     "6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73"
     "637265656e20776f756c642062652069742e",
     "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
     "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
     "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
     "3ff4def08e4b7a9de576d26586cec64b6116"
     "1ae10b594f09e26a7e902ecbd0600691"},
};

/// Keys whose nonce is `nonce` for packet number `number`: the iv is their XOR (P-DATA-01).
PacketKeys keys_of(const Vector& vector, std::uint64_t number) {
  PacketKeys keys;
  std::ranges::copy(from_hex(vector.key), keys.key.mutable_bytes().begin());
  auto iv = from_hex(vector.nonce);
  for (std::size_t i = 0; i < 8; ++i) iv[4 + i] ^= static_cast<std::byte>(number >> (56 - 8 * i));
  std::ranges::copy(iv, keys.iv.mutable_bytes().begin());
  return keys;
}

std::vector<std::byte> unsealed_packet(const Vector& vector) {
  auto packet = from_hex(vector.header);
  std::ranges::copy(from_hex(vector.plaintext), std::back_inserter(packet));
  packet.resize(packet.size() + kTagBytes);
  return packet;
}

std::uint16_t header_bytes(const Vector& vector) {
  return static_cast<std::uint16_t>(vector.header.size() / 2);
}

/// Those that this process has for a suite.
std::vector<AeadBackend> backends_of(Suite suite) {
  std::vector<AeadBackend> backends{AeadBackend::kOpenSsl};
  if (IpsecMbAead::available(suite)) backends.push_back(AeadBackend::kIpsecMb);
  return backends;
}

void seals_and_opens(const Vector& vector, AeadBackend backend) {
  for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{0x0102030405060708}}) {
    Aead seal{vector.suite, keys_of(vector, number), Aead::Direction::kSeal, backend};
    Aead open{vector.suite, keys_of(vector, number), Aead::Direction::kOpen, backend};
    auto packet = unsealed_packet(vector);
    const SealJob job{PacketNumber{number}, packet, header_bytes(vector)};
    seal.seal_run({&job, 1});
    EXPECT_EQ(to_hex(packet), std::string{vector.header} + std::string{vector.sealed})
        << suite_name(vector.suite);

    const auto plaintext = open.open({PacketNumber{number}, packet, header_bytes(vector)});
    ASSERT_TRUE(plaintext) << suite_name(vector.suite);
    EXPECT_EQ(to_hex(*plaintext), vector.plaintext);
  }
}

TEST(Aead, SealsAndOpensThePublishedVectorsThroughEveryBackend) {
  for (const Vector& vector : kVectors) {
    for (const AeadBackend backend : backends_of(vector.suite)) seals_and_opens(vector, backend);
  }
}

void refuses_every_changed_bit(const Vector& vector, AeadBackend backend) {
  Aead seal{vector.suite, keys_of(vector, 0), Aead::Direction::kSeal, backend};
  Aead open{vector.suite, keys_of(vector, 0), Aead::Direction::kOpen, backend};
  auto sealed = unsealed_packet(vector);
  const SealJob job{PacketNumber{0}, sealed, header_bytes(vector)};
  seal.seal_run({&job, 1});
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    auto packet = sealed;
    packet[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    const auto plaintext = open.open({PacketNumber{0}, packet, header_bytes(vector)});
    ASSERT_FALSE(plaintext) << bit;
    EXPECT_EQ(plaintext.error(), DropReason::kAuthenticationFailed);
  }
  // The context is none the worse for it.
  auto misnumbered = sealed;
  EXPECT_FALSE(open.open({PacketNumber{1}, misnumbered, header_bytes(vector)}));
  EXPECT_TRUE(open.open({PacketNumber{0}, sealed, header_bytes(vector)}));
}

TEST(Aead, NoBitOfAPacketMayChange) {
  for (const Vector& vector : kVectors) {
    for (const AeadBackend backend : backends_of(vector.suite)) {
      refuses_every_changed_bit(vector, backend);
    }
  }
}

// Sizes around every block and vector width: what one backend seals the others open.
TEST(Aead, BackendsSealTheSameBytesOfEverySize) {
  for (const Suite suite : {Suite::kAes128Gcm, Suite::kAes256Gcm}) {
    if (!IpsecMbAead::available(suite)) {
      GTEST_SKIP()
          << "no libipsec-mb: only on amd64, where libipsec-mb-dev was there at build time";
    }
    PacketKeys keys;
    for (std::size_t i = 0; i < keys.key.kSize; ++i) {
      keys.key.mutable_bytes()[i] = static_cast<std::byte>(i * 7 + 1);
    }
    Aead one{suite, keys, Aead::Direction::kSeal, AeadBackend::kOpenSsl};
    Aead other{suite, keys, Aead::Direction::kSeal, AeadBackend::kIpsecMb};
    constexpr std::uint16_t kHeader = kDataHeaderToRelayBytes;
    for (std::size_t size = kHeader + kTagBytes; size <= kDatagramBytesMax; ++size) {
      std::vector<std::byte> a(size, static_cast<std::byte>(size)), b = a;
      const SealJob job_a{PacketNumber{size}, a, kHeader}, job_b{PacketNumber{size}, b, kHeader};
      one.seal_run({&job_a, 1});
      other.seal_run({&job_b, 1});
      ASSERT_EQ(a, b) << size;
    }
  }
}

TEST(Aead, SealsRunsInPlaceEachUnderItsOwnNumber) {
  PacketKeys keys;
  Aead seal{Suite::kAes128Gcm, keys, Aead::Direction::kSeal};
  Aead open{Suite::kAes128Gcm, keys, Aead::Direction::kOpen};
  constexpr std::uint16_t kHeader = kDataHeaderToRelayBytes;
  std::vector<std::vector<std::byte>> packets;
  std::vector<SealJob> jobs;
  for (std::size_t i = 0; i < kRunPacketsMax; ++i) packets.emplace_back(kDatagramBytesMax);
  for (std::size_t i = 0; i < packets.size(); ++i) {
    jobs.push_back({PacketNumber{100 + i}, packets[i], kHeader});
  }
  seal.seal_run(jobs);
  for (std::size_t i = 0; i < packets.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(packets[i], packets[j]);
  }
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const auto plaintext = open.open({PacketNumber{100 + i}, packets[i], kHeader});
    ASSERT_TRUE(plaintext);
    EXPECT_EQ(plaintext->data(), packets[i].data() + kHeader);
    EXPECT_EQ(plaintext->size(), kDatagramBytesMax - kHeader - kTagBytes);
    EXPECT_TRUE(std::ranges::all_of(*plaintext, [](std::byte b) { return b == std::byte{0}; }));
  }
  seal.seal_run({});
}

TEST(Aead, EmptyPlaintextsAndRuntsAreNoTrouble) {
  for (const Suite suite : {Suite::kAes128Gcm, Suite::kChaCha20Poly1305, Suite::kAes256Gcm}) {
    PacketKeys keys;
    Aead seal{suite, keys, Aead::Direction::kSeal};
    Aead open{suite, keys, Aead::Direction::kOpen};
    std::vector<std::byte> packet(4 + kTagBytes);
    const SealJob job{PacketNumber{0}, packet, 4};
    seal.seal_run({&job, 1});
    EXPECT_EQ(open.open({PacketNumber{0}, MutableBytes{packet}.first(19), 4}).error(),
              DropReason::kRunt);
    EXPECT_EQ(open.open({PacketNumber{0}, {}, 4}).error(), DropReason::kRunt);
    const auto plaintext = open.open({PacketNumber{0}, packet, 4});
    ASSERT_TRUE(plaintext);
    EXPECT_TRUE(plaintext->empty());
  }
}

TEST(Aead, OversizeIsRefusedWhenOpened) {
  Aead open{Suite::kAes128Gcm, PacketKeys{}, Aead::Direction::kOpen};
  std::vector<std::byte> packet(kDatagramBytesMax + 1);
  EXPECT_EQ(open.open({PacketNumber{0}, packet, 4}).error(), DropReason::kOversize);
}

TEST(Aead, NamesItsBackend) {
  const bool ipsec_mb = best_aead_backend(Suite::kAes128Gcm) == AeadBackend::kIpsecMb;
  EXPECT_EQ(aead_backend(), ipsec_mb ? "ipsec-mb" : "openssl");
  EXPECT_EQ(best_aead_backend(Suite::kChaCha20Poly1305), AeadBackend::kOpenSsl);
}

}  // namespace
}  // namespace sluice::crypto
