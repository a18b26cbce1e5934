#include "relay/door/directory.h"

#include <set>

#include <gtest/gtest.h>

#include "proto/wire/packet.h"
#include "sim/xoshiro.h"

namespace sluice::relay {
namespace {

class DirectoryTest : public testing::Test {
 protected:
  Directory::Options options(std::size_t workers, std::size_t links_per_worker = 1000) {
    Directory::Options options;
    options.workers = workers;
    options.limits.links_per_worker_max = links_per_worker;
    options.connection_mask = 0x123456789A;
    options.generation = 3;
    options.random = random_.source();
    return options;
  }

  crypto::Ticket ticket(const std::string& room, std::uint64_t number) {
    crypto::Ticket ticket;
    ticket.room = *RoomName::parse(room);
    ticket.user = *UserName::parse("user" + std::to_string(number));
    ticket.instance = InstanceId{number};
    return ticket;
  }

  static std::size_t worker_of(ConnectionId id) {
    return wire::connection_fields(id, 0x123456789A).worker;
  }

  sim::Xoshiro random_{1};
};

TEST_F(DirectoryTest, KeepsARoomOnItsHomeUntilItIsLarge) {
  Directory directory{options(4)};
  for (std::uint64_t i = 0; i < kHomeLinksPreferred; ++i) {
    EXPECT_EQ(worker_of(directory.place(ticket("room", i))->connection), 0U);
  }
  EXPECT_NE(worker_of(directory.place(ticket("room", 99))->connection), 0U);
}

TEST_F(DirectoryTest, SpreadsRoomsOverWorkers) {
  Directory directory{options(4)};
  std::set<std::size_t> homes;
  for (std::uint64_t i = 0; i < 4; ++i) {
    homes.insert(worker_of(directory.place(ticket("room" + std::to_string(i), i))->connection));
  }
  EXPECT_EQ(homes.size(), 4U);
}

TEST_F(DirectoryTest, ABusyHomeTakesNoFurtherLinks) {
  Directory directory{options(2)};
  directory.place(ticket("room", 1));
  directory.set_busy(0, kHomeBusyPermille);
  EXPECT_EQ(worker_of(directory.place(ticket("room", 2))->connection), 1U);
}

TEST_F(DirectoryTest, FillsEverySlotAndThenNoMore) {
  Directory directory{options(2, 40)};
  std::set<ConnectionId> ids;
  for (std::uint64_t i = 0; i < 80; ++i) {
    DoorLink* link = directory.place(ticket("room", i));
    ASSERT_NE(link, nullptr) << i;
    ids.insert(link->connection);
  }
  EXPECT_EQ(ids.size(), 80U);
  EXPECT_EQ(directory.place(ticket("room", 80)), nullptr);
  ASSERT_TRUE(directory.erase(*ids.begin()).has_value());
  EXPECT_NE(directory.place(ticket("room", 81)), nullptr);
}

TEST_F(DirectoryTest, AnIdOfAnErasedLinkFindsNothingThoughItsSlotIsUsedAgain) {
  Directory directory{options(1, 1)};
  const ConnectionId first = directory.place(ticket("room", 1))->connection;
  EXPECT_TRUE(directory.erase(first)->room_ended.has_value());
  const ConnectionId second = directory.place(ticket("room", 2))->connection;
  EXPECT_NE(first, second);
  EXPECT_EQ(directory.find(first), nullptr);
  EXPECT_FALSE(directory.erase(first).has_value());
  EXPECT_NE(directory.find(second), nullptr);
}

TEST_F(DirectoryTest, RoomLimitsAreRememberedBeforeTheRoomOpens) {
  Directory directory{options(1)};
  directory.set_limits(*RoomName::parse("room"), {1, 5});
  const DoorLink* link = directory.place(ticket("room", 1));
  EXPECT_EQ(link->room->limits.streams_max, 5U);
  EXPECT_EQ(directory.admit(ticket("room", 2)), crypto::HandshakeStatus::kRoomFull);
  EXPECT_EQ(directory.admit(ticket("room", 1)), crypto::HandshakeStatus::kAccepted);  // replaces
}

}  // namespace
}  // namespace sluice::relay
