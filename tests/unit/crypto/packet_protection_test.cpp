#include "proto/crypto/packet_protection.h"

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/crypto/hex.h"

namespace sluice::crypto {
namespace {

using std::chrono::seconds;

constexpr Instant kNow = instant_from_us(5'000'000);
constexpr std::uint16_t kHeader = 4;

TrafficSecret secret(std::size_t from) {
  return TrafficSecret{Bytes{counting(from, kKeyBytes)}.first<kKeyBytes>()};
}

using Packet = std::vector<std::byte>;

/// One link's two ends with small limits; `limits` as in KeyLimits.
class Ends {
 public:
  explicit Ends(KeyLimits limits = {}, Suite suite = Suite::kAes128Gcm)
      : a{suite, secret(0), secret(100), kNow, limits},
        b{suite, secret(100), secret(0), kNow, limits} {}

  static Packet seal(PacketProtection& from, std::uint64_t number) {
    Packet packet(kHeader + 8 + kTagBytes);
    packet[0] = std::byte{0x40};
    store_be<8>(packet.data() + kHeader, number);
    const SealJob job{PacketNumber{number}, packet, kHeader};
    EXPECT_TRUE(from.seal_run({&job, 1}));
    return packet;
  }

  /// Nothing when `packet` opened to what was sealed under `number`, else the reason.
  static std::optional<DropReason> open(PacketProtection& to, std::uint64_t number, Packet packet,
                                        Instant now = kNow) {
    const auto plaintext = to.open(now, {PacketNumber{number}, packet, kHeader});
    if (!plaintext) return plaintext.error();
    EXPECT_EQ(load_be<8>(plaintext->data()), number);
    return std::nullopt;
  }

  PacketProtection a;
  PacketProtection b;
};

TEST(PacketProtection, DirectionsHaveKeysOfTheirOwn) {
  Ends ends;
  const Packet up = Ends::seal(ends.a, 0);
  const Packet down = Ends::seal(ends.b, 0);
  EXPECT_NE(up, down);
  EXPECT_EQ(Ends::open(ends.a, 0, up), DropReason::kAuthenticationFailed);
  EXPECT_EQ(Ends::open(ends.b, 0, up), std::nullopt);
  EXPECT_EQ(Ends::open(ends.a, 0, down), std::nullopt);
}

// P-DATA-04: the limits, and the wait for an acknowledgement.
TEST(PacketProtection, UpdateIsDueByPacketsOrAgeOnceThePhaseIsAcknowledged) {
  Ends ends{{.packets_max = 4, .packets_hard_max = 100, .age_max = seconds{120}}};
  const PacketNumber three{3};
  EXPECT_FALSE(ends.a.should_update(kNow + seconds{500}, std::nullopt));  // nothing sent yet
  for (std::uint64_t n = 0; n < 3; ++n) Ends::seal(ends.a, n);
  EXPECT_FALSE(ends.a.should_update(kNow, PacketNumber{2}));
  EXPECT_FALSE(ends.a.should_update(kNow + seconds{120} - Duration{1}, PacketNumber{2}));
  EXPECT_TRUE(ends.a.should_update(kNow + seconds{120}, PacketNumber{2}));
  Ends::seal(ends.a, 3);
  EXPECT_FALSE(ends.a.should_update(kNow, std::nullopt));
  EXPECT_TRUE(ends.a.should_update(kNow, three));

  ends.a.update(kNow);
  EXPECT_TRUE(ends.a.write_phase());
  EXPECT_FALSE(ends.a.should_update(kNow, three));
  EXPECT_FALSE(ends.a.should_update(kNow + seconds{500}, three));  // nothing sent in this phase
  for (std::uint64_t n = 4; n < 8; ++n) Ends::seal(ends.a, n);
  EXPECT_FALSE(ends.a.should_update(kNow, three));  // of the phase before
  EXPECT_TRUE(ends.a.should_update(kNow, PacketNumber{4}));
}

TEST(PacketProtection, ReceiverFollowsEachUpdateOfEitherSide) {
  for (const Suite suite : {Suite::kAes128Gcm, Suite::kChaCha20Poly1305, Suite::kAes256Gcm}) {
    Ends ends{{}, suite};
    for (std::uint64_t n = 0; n < 20; ++n) {
      EXPECT_EQ(Ends::open(ends.b, n, Ends::seal(ends.a, n)), std::nullopt) << n;
      EXPECT_EQ(Ends::open(ends.a, n, Ends::seal(ends.b, n)), std::nullopt) << n;
      if (n % 2 == 1) ends.a.update(kNow);
      if (n % 5 == 4) ends.b.update(kNow);
    }
    EXPECT_EQ(ends.b.read_updates(), 9U);
    EXPECT_EQ(ends.a.read_updates(), 3U);
    EXPECT_EQ(ends.a.write_updates(), 10U);
  }
}

TEST(PacketProtection, ReorderedPacketsAroundTheFlipAllOpen) {
  Ends ends;
  std::vector<Packet> packets;
  for (std::uint64_t n = 0; n < 10; ++n) {
    if (n == 5) ends.a.update(kNow);
    packets.push_back(Ends::seal(ends.a, n));
  }
  // 2 and 5 are lost; 3 and 4 come after the flip, 8 before 6.
  for (const std::uint64_t n : {0U, 1U, 8U, 4U, 6U, 3U, 9U, 7U}) {
    EXPECT_EQ(Ends::open(ends.b, n, packets[n]), std::nullopt) << n;
  }
  EXPECT_EQ(ends.b.read_updates(), 1U);
}

TEST(PacketProtection, OldKeyIsGoneWhenItsTimeIsOver) {
  Ends ends;
  ends.b.set_old_key_retention(seconds{1});
  const Packet first = Ends::seal(ends.a, 0);
  const Packet second = Ends::seal(ends.a, 1);
  const Packet third = Ends::seal(ends.a, 2);
  ends.a.update(kNow);
  EXPECT_EQ(Ends::open(ends.b, 3, Ends::seal(ends.a, 3)), std::nullopt);
  EXPECT_EQ(Ends::open(ends.b, 0, first, kNow + seconds{1} - Duration{1}), std::nullopt);
  EXPECT_EQ(Ends::open(ends.b, 1, second, kNow + seconds{1}), DropReason::kKeyPhase);
  EXPECT_EQ(Ends::open(ends.b, 2, third, kNow), DropReason::kKeyPhase);  // it does not come back
}

TEST(PacketProtection, ASecondUpdateIsFollowedWhileTheFirstKeyIsStillKept) {
  Ends ends;
  const Packet late = Ends::seal(ends.a, 0);
  Ends::open(ends.b, 1, Ends::seal(ends.a, 1));
  ends.a.update(kNow);
  EXPECT_EQ(Ends::open(ends.b, 2, Ends::seal(ends.a, 2)), std::nullopt);
  ends.a.update(kNow);
  EXPECT_EQ(Ends::open(ends.b, 3, Ends::seal(ends.a, 3)), std::nullopt);
  EXPECT_EQ(ends.b.read_updates(), 2U);
  // Two phases back the bit looks like the present one, and the key is gone.
  EXPECT_EQ(Ends::open(ends.b, 0, late), DropReason::kAuthenticationFailed);
}

TEST(PacketProtection, ForgedPhasesMoveNothing) {
  Ends ends;
  EXPECT_EQ(Ends::open(ends.b, 0, Ends::seal(ends.a, 0)), std::nullopt);
  for (std::uint64_t n = 1; n < 50; ++n) {
    Packet forged = Ends::seal(ends.a, n);
    forged[0] ^= std::byte{1};
    EXPECT_EQ(Ends::open(ends.b, n, forged), DropReason::kAuthenticationFailed);
  }
  EXPECT_FALSE(ends.b.read_phase());
  EXPECT_EQ(Ends::open(ends.b, 50, Ends::seal(ends.a, 50)), std::nullopt);
  ends.a.update(kNow);  // and the true flip is still followed
  EXPECT_EQ(Ends::open(ends.b, 51, Ends::seal(ends.a, 51)), std::nullopt);
  EXPECT_TRUE(ends.b.read_phase());
}

TEST(PacketProtection, TheWholeHeaderIsAuthenticated) {
  Ends ends;
  Packet packet = Ends::seal(ends.a, 0);
  for (std::size_t bit = 1; bit < kHeader * 8; ++bit) {  // bit 0 is the phase
    packet[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    EXPECT_EQ(Ends::open(ends.b, 0, packet), DropReason::kAuthenticationFailed) << bit;
    packet[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
  }
  EXPECT_EQ(Ends::open(ends.b, 0, packet), std::nullopt);
  EXPECT_EQ(Ends::open(ends.b, 0, Packet{}), DropReason::kRunt);
}

// P-DATA-04: the hard stop.
TEST(PacketProtection, SealsNothingBeyondTheHardLimit) {
  Ends ends{{.packets_max = 2, .packets_hard_max = 4, .age_max = seconds{1}}};
  for (std::uint64_t n = 0; n < 3; ++n) Ends::seal(ends.a, n);
  Packet four(kHeader + kTagBytes);
  Packet five(kHeader + kTagBytes);
  const SealJob jobs[] = {{PacketNumber{3}, four, kHeader}, {PacketNumber{4}, five, kHeader}};
  const auto sealed = ends.a.seal_run(jobs);
  ASSERT_FALSE(sealed);
  EXPECT_EQ(sealed.error(), SealError::kKeyLimit);
  EXPECT_EQ(four, Packet(kHeader + kTagBytes));
  EXPECT_TRUE(ends.a.seal_run({jobs, 1}));
  ends.a.update(kNow);
  EXPECT_TRUE(ends.a.seal_run({jobs + 1, 1}));
}

TEST(PacketProtection, EqualPlaintextsNeverLookAlike) {
  Ends ends;
  std::set<std::string> seen;
  for (std::uint64_t n = 0; n < 2000; ++n) {
    if (n % 100 == 99) ends.a.update(kNow);
    Packet packet(kHeader + 16 + kTagBytes);
    const SealJob job{PacketNumber{n}, packet, kHeader};
    ASSERT_TRUE(ends.a.seal_run({&job, 1}));
    EXPECT_TRUE(seen.insert(to_hex(Bytes{packet}.subspan(kHeader))).second) << n;
  }
}

// P-DATA-02: a number is a nonce.
TEST(PacketProtectionDeathTest, AbortsRatherThanRepeatANumber) {
  Ends ends;
  Ends::seal(ends.a, 7);
  EXPECT_DEATH({ Ends::seal(ends.a, 7); }, "CHECK failed");
  EXPECT_DEATH({ Ends::seal(ends.a, 6); }, "CHECK failed");
  ends.a.update(kNow);
  EXPECT_DEATH({ Ends::seal(ends.a, 7); }, "CHECK failed");
}

}  // namespace
}  // namespace sluice::crypto
