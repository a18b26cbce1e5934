#include "proto/crypto/secret.h"

#include <cstring>
#include <memory>
#include <type_traits>

#include <gtest/gtest.h>

#include "proto/crypto/fixed_bytes.h"
#include "proto/crypto/suite.h"
#include "tests/unit/crypto/hex.h"

namespace sluice::crypto {
namespace {

static_assert(!std::is_copy_constructible_v<Secret<32>>);
static_assert(!std::is_copy_assignable_v<Secret<32>>);
static_assert(std::is_nothrow_move_constructible_v<Secret<32>>);

Secret<32> counted(std::size_t from) { return Secret<32>{Bytes{counting(from, 32)}.first<32>()}; }

TEST(Secret, MovingWipesTheSource) {
  Secret<32> from = counted(1);
  const Secret<32> to = std::move(from);
  EXPECT_EQ(to_hex(to.bytes()), to_hex(counting(1, 32)));
  EXPECT_EQ(to_hex(from.bytes()), std::string(64, '0'));  // NOLINT(bugprone-use-after-move)
}

TEST(Secret, AssignmentWipesTheSourceButNotItself) {
  Secret<32> a = counted(1);
  Secret<32> b;
  b = std::move(a);
  EXPECT_EQ(to_hex(a.bytes()), std::string(64, '0'));  // NOLINT(bugprone-use-after-move)
  Secret<32>& same = b;
  b = std::move(same);
  EXPECT_TRUE(b.equals(counted(1)));
}

TEST(Secret, DestructionLeavesZeros) {
  alignas(Secret<32>) std::array<std::byte, sizeof(Secret<32>)> memory{};
  Secret<32>* secret = std::construct_at(reinterpret_cast<Secret<32>*>(memory.data()), counted(1));
  EXPECT_NE(memory[5], std::byte{0});
  std::destroy_at(secret);
  EXPECT_EQ(to_hex(memory), std::string(64, '0'));
}

TEST(Secret, ComparesByContent) {
  EXPECT_TRUE(counted(1).equals(counted(1)));
  EXPECT_FALSE(counted(1).equals(counted(2)));
  EXPECT_TRUE(counted(1).copy().equals(counted(1)));
}

TEST(EqualConstantTime, LooksAtLengthAndEveryByte) {
  const auto a = counting(0, 16);
  EXPECT_TRUE(equal_constant_time(a, a));
  EXPECT_TRUE(equal_constant_time({}, {}));
  EXPECT_FALSE(equal_constant_time(a, Bytes{a}.first(15)));
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto b = a;
    b[i] ^= std::byte{0x80};
    EXPECT_FALSE(equal_constant_time(a, b)) << i;
  }
}

TEST(Locked, HoldsAValueAndMoves) {
  init_crypto();
  Locked<Secret<32>> first{counted(7)};
  const Locked<Secret<32>> second{std::move(first)};
  EXPECT_TRUE(second->equals(counted(7)));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&*second) % alignof(std::max_align_t), 0U);
}

TEST(SystemRandom, DiffersFromCallToCall) {
  init_crypto();
  EXPECT_FALSE(Secret<32>::random(system_random()).equals(Secret<32>::random(system_random())));
}

TEST(FixedBytes, HoldsUpToItsLimit) {
  EXPECT_TRUE(FixedBytes<4>{}.empty());
  EXPECT_EQ(to_hex(FixedBytes<4>{counting(1, 4)}.view()), "01020304");
}

TEST(FixedBytesDeathTest, AbortsBeyondItsLimit) {
  EXPECT_DEATH({ FixedBytes<4>{counting(1, 5)}; }, "CHECK failed");
}

TEST(Suite, ParsesExactlyTheThreeKnownBits) {
  for (unsigned value = 0; value < 256; ++value) {
    const bool known = value == 1 || value == 2 || value == 4;
    EXPECT_EQ(parse_suite(static_cast<std::uint8_t>(value)).has_value(), known) << value;
  }
}

TEST(Suite, ChoiceIsTheFirstThatBothHave) {
  struct Case {
    std::uint8_t offered;
    std::uint8_t ours;
    std::optional<Suite> chosen;
  };

  const Case cases[] = {
      {7, 7, Suite::kAes128Gcm},
      {6, 7, Suite::kAes256Gcm},
      {7, 2, Suite::kChaCha20Poly1305},
      {2, 7, Suite::kChaCha20Poly1305},
      {0xFF, 7, Suite::kAes128Gcm},
      {1, 2, std::nullopt},
      {0, 7, std::nullopt},
      {0xF8, 7, std::nullopt},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(choose_suite({c.offered}, {c.ours}), c.chosen)
        << int{c.offered} << " " << int{c.ours};
  }
}

TEST(Suite, EveryMachineOffersTheOneThatNeedsNoHardware) {
  EXPECT_TRUE(preferred_suites().has(Suite::kChaCha20Poly1305));
}

}  // namespace
}  // namespace sluice::crypto
