#include "relay/worker/switchboard.h"

#include <gtest/gtest.h>

namespace sluice::relay {
namespace {

constexpr WorkerIndex kFirst{0};
constexpr WorkerIndex kSecond{1};

RoomEnd room(std::uint64_t id) { return {RoomId{id}}; }

std::uint64_t id_of(const std::unique_ptr<Mail>& mail) {
  return static_cast<std::uint64_t>(std::get<RoomEnd>(*mail).room);
}

TEST(Switchboard, LosesNoMailThatFindsTheRingFull) {
  Switchboard switchboard{2};
  constexpr std::uint64_t kMails = kMailboxMessagesMax + 10;
  for (std::uint64_t i = 0; i < kMails; ++i) {
    switchboard.post(party_of(kFirst), party_of(kSecond), room(i));
  }
  EXPECT_TRUE(switchboard.flush(party_of(kFirst)));
  std::uint64_t expected = 0;
  for (int round = 0; round < 2; ++round) {
    while (const auto mail = switchboard.take(party_of(kSecond))) {
      ASSERT_EQ(id_of(mail), expected++);
    }
    EXPECT_FALSE(switchboard.flush(party_of(kFirst)));
  }
  EXPECT_EQ(expected, kMails);
}

TEST(Switchboard, AFullRingHoldsUpNobodyElse) {
  Switchboard switchboard{2};
  for (std::uint64_t i = 0; i <= kMailboxMessagesMax; ++i) {
    switchboard.post(party_of(kFirst), party_of(kSecond), room(i));
  }
  switchboard.post(party_of(kFirst), kDoorParty, room(7));
  EXPECT_TRUE(switchboard.flush(party_of(kFirst)));
  const auto mail = switchboard.take(kDoorParty);
  ASSERT_NE(mail, nullptr);
  EXPECT_EQ(id_of(mail), 7U);
}

TEST(Switchboard, WakesOnlyWhoWasWrittenTo) {
  Switchboard switchboard{2};
  int door = 0;
  int second = 0;
  auto count_door = [&] { ++door; };
  auto count_second = [&] { ++second; };
  switchboard.set_wake(kDoorParty, net::Callback<>::ref(count_door));
  switchboard.set_wake(party_of(kSecond), net::Callback<>::ref(count_second));
  switchboard.post(party_of(kFirst), kDoorParty, room(1));
  switchboard.flush(party_of(kFirst));
  EXPECT_EQ(door, 1);
  EXPECT_EQ(second, 0);
  switchboard.touch(kFirst, kSecond);
  switchboard.flush(party_of(kFirst));
  EXPECT_EQ(door, 1);
  EXPECT_EQ(second, 1);
}

}  // namespace
}  // namespace sluice::relay
