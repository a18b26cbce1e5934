// The door's small tables: address_buckets.h, load_meter.h, void_tickets.h.
#include <gtest/gtest.h>

#include "relay/door/address_buckets.h"
#include "relay/door/load_meter.h"
#include "relay/door/void_tickets.h"
#include "sim/xoshiro.h"

namespace sluice::relay {
namespace {

constexpr Instant kNow = instant_from_us(1'000'000);

TEST(AddressBuckets, OnePrefixRunsDryAndComesBackAndAnotherDoesNotNotice) {
  sim::Xoshiro random{2};
  AddressBuckets buckets{random.source(), kNow};
  const Address one = Address::v4(192, 0, 2, 1, 10);
  const Address neighbour = Address::v4(192, 0, 2, 200, 11);
  const Address other = Address::v4(192, 0, 3, 1, 10);
  int taken = 0;
  while (buckets.take(one, kNow)) ++taken;
  EXPECT_EQ(taken, static_cast<int>(AddressBuckets::kBurst));
  EXPECT_FALSE(buckets.take(neighbour, kNow));
  EXPECT_TRUE(buckets.take(other, kNow));
  EXPECT_TRUE(buckets.take(one, kNow + std::chrono::milliseconds{20}));
}

TEST(AddressBuckets, FailuresGoIntoDebtDownToAFloor) {
  sim::Xoshiro random{2};
  AddressBuckets buckets{random.source(), kNow};
  const Address one = Address::v4(192, 0, 2, 1, 10);
  for (int i = 0; i < 10'000; ++i) buckets.penalize(one, kNow);
  EXPECT_TRUE(buckets.exhausted(one, kNow));
  EXPECT_FALSE(buckets.exhausted(one, kNow + std::chrono::seconds{1}));
}

TEST(LoadMeter, IsUnderLoadForASecondAfterTooMuchWork) {
  LoadMeter meter{kNow};
  for (int i = 0; i < 263; ++i) meter.add_handshake(kNow);
  EXPECT_FALSE(meter.under_load(kNow));
  meter.add_handshake(kNow);
  EXPECT_TRUE(meter.under_load(kNow));
  EXPECT_TRUE(meter.under_load(kNow + std::chrono::milliseconds{999}));
  EXPECT_FALSE(meter.under_load(kNow + std::chrono::milliseconds{1000}));
}

TEST(VoidTickets, CoverWhatWasMadeUntilThen) {
  VoidTickets voids;
  const RoomName room = *RoomName::parse("room");
  const UserName ann = *UserName::parse("ann");
  const UserName bob = *UserName::parse("bob");
  voids.add(room, ann, UnixSeconds{100});
  EXPECT_TRUE(voids.is_void(room, ann, UnixSeconds{100}));
  EXPECT_FALSE(voids.is_void(room, ann, UnixSeconds{101}));
  EXPECT_FALSE(voids.is_void(room, bob, UnixSeconds{100}));
  EXPECT_EQ(voids.lift(room, ann), 1U);
  EXPECT_FALSE(voids.is_void(room, ann, UnixSeconds{100}));
  voids.add(room, UserName{}, UnixSeconds{200});
  EXPECT_TRUE(voids.is_void(room, bob, UnixSeconds{200}));
}

TEST(VoidTickets, AreBounded) {
  VoidTickets voids;
  const RoomName room = *RoomName::parse("room");
  for (std::size_t i = 0; i < VoidTickets::kEntriesMax + 10; ++i) {
    voids.add(room, *UserName::parse("u" + std::to_string(i)), UnixSeconds{1});
  }
  EXPECT_LE(voids.size(), VoidTickets::kEntriesMax);
}

}  // namespace
}  // namespace sluice::relay
