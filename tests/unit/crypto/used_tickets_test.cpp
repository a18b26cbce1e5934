#include "proto/crypto/used_tickets.h"

#include <map>
#include <set>

#include <gtest/gtest.h>

#include "proto/crypto/ticket.h"
#include "tests/unit/crypto/seeded_random.h"

namespace sluice::crypto {
namespace {

using Use = UsedTickets::Use;

TicketId jti_of(std::uint64_t n) {
  TicketId jti{};
  store_be<8>(jti.data() + 8, n);
  return jti;
}

Mac mac_of(std::uint64_t n) {
  Mac mac{};
  store_be<8>(mac.data(), n);
  return mac;
}

class UsedTicketsTest : public ::testing::Test {
 protected:
  UsedTicketsTest() { init_crypto(); }

  SeededRandom random_{11};
};

// P-HS-09, P-TICKET-02.
TEST_F(UsedTicketsTest, TellsARepeatFromAReuse) {
  UsedTickets used{random_.source(), 16};
  EXPECT_EQ(used.find(jti_of(1), mac_of(1)).use, Use::kUnused);
  ASSERT_TRUE(used.insert(jti_of(1), {100}, mac_of(1), 42, {50}));
  EXPECT_EQ(used.find(jti_of(1), mac_of(1)).use, Use::kSameInit);
  EXPECT_EQ(used.find(jti_of(1), mac_of(1)).answer, 42U);
  EXPECT_EQ(used.find(jti_of(1), mac_of(2)).use, Use::kUsed);
  EXPECT_EQ(used.find(jti_of(2), mac_of(1)).use, Use::kUnused);
  EXPECT_EQ(used.insert(jti_of(1), {100}, mac_of(1), 43, {50}).error(),
            DropReason::kTicketReplayed);

  used.forget_answer(jti_of(1));
  used.forget_answer(jti_of(9));  // unknown: nothing happens
  EXPECT_EQ(used.find(jti_of(1), mac_of(1)).use, Use::kUsed);
  EXPECT_EQ(used.size(), 1U);
}

TEST_F(UsedTicketsTest, RefusesWhenFullAndForgetsNothing) {
  constexpr std::size_t kLimit = 100;
  UsedTickets used{random_.source(), kLimit};
  const std::size_t memory_bytes = used.memory_bytes();
  for (std::uint64_t i = 0; i < kLimit; ++i) {
    ASSERT_TRUE(used.insert(jti_of(i), {1000}, mac_of(i), 1, {0}));
  }
  EXPECT_EQ(used.insert(jti_of(kLimit), {1000}, mac_of(0), 1, {0}).error(), DropReason::kLinkLimit);
  EXPECT_EQ(used.size(), kLimit);
  EXPECT_EQ(used.memory_bytes(), memory_bytes);
  for (std::uint64_t i = 0; i < kLimit; ++i) {
    EXPECT_EQ(used.find(jti_of(i), mac_of(i)).use, Use::kSameInit) << i;
  }
}

TEST_F(UsedTicketsTest, KeepsAnIdForItsExpiryAndTheSlack) {
  UsedTickets used{random_.source(), 4};  // 8 slots: one insert sweeps them all
  ASSERT_TRUE(used.insert(jti_of(1), {100}, mac_of(1), 0, {50}));
  const std::int64_t last = 100 + kTicketClockSlackSeconds;
  ASSERT_TRUE(used.insert(jti_of(2), {1000}, mac_of(2), 0, {last}));
  EXPECT_EQ(used.find(jti_of(1), mac_of(1)).use, Use::kSameInit);
  ASSERT_TRUE(used.insert(jti_of(3), {1000}, mac_of(3), 0, {last + 1}));
  EXPECT_EQ(used.find(jti_of(1), mac_of(1)).use, Use::kUnused);
  EXPECT_EQ(used.size(), 2U);
}

TEST_F(UsedTicketsTest, AFullTableServesNewTicketsOnceOldOnesExpired) {
  constexpr std::size_t kLimit = 1000;
  UsedTickets used{random_.source(), kLimit};
  for (std::uint64_t i = 0; i < kLimit; ++i) {
    ASSERT_TRUE(used.insert(jti_of(i), {60}, mac_of(i), 1, {0}));
  }
  for (std::uint64_t i = 0; i < kLimit; ++i) {
    ASSERT_TRUE(used.insert(jti_of(kLimit + i), {200}, mac_of(i), 1, {100})) << i;
  }
  EXPECT_LE(used.size(), kLimit);
}

TEST_F(UsedTicketsTest, AgreesWithAMapUnderChurn) {
  constexpr std::size_t kLimit = 64;
  UsedTickets used{random_.source(), kLimit};
  std::map<std::uint64_t, std::int64_t> expiries;
  std::int64_t now = 0;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    now += static_cast<std::int64_t>(random_.source().below(3));
    const std::int64_t expiry = now + static_cast<std::int64_t>(random_.source().below(40));
    if (used.insert(jti_of(i), {expiry}, mac_of(i), 7, {now})) expiries[i] = expiry;
    // Whatever has not expired is still known: a ticket is never usable twice.
    std::erase_if(expiries,
                  [&](const auto& entry) { return entry.second + kTicketClockSlackSeconds < now; });
    for (const auto& [n, unused] : expiries) {
      ASSERT_EQ(used.find(jti_of(n), mac_of(n)).use, Use::kSameInit) << n << " at " << i;
    }
    ASSERT_LE(used.size(), kLimit);
  }
  EXPECT_GT(expiries.size(), 5U);
}

}  // namespace
}  // namespace sluice::crypto
