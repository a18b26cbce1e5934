// Random calls in virtual time: whatever comes, the rules hold after each step, and the changes
// written so far make the same rooms again.
#include <gtest/gtest.h>

#include "rooms/room_store.h"
#include "sim/seed.h"
#include "sim/xoshiro.h"
#include "tests/unit/rooms/rooms_support.h"

namespace sluice::rooms {
namespace {

class RandomRooms {
 public:
  explicit RandomRooms(std::uint64_t seed) : random_(seed) {
    rules_.rooms = 5;
    rules_.pushers_multi = 3;
    rules_.viewers_live = 3;
    rules_.creator_dissolves_multi = random_.chance(0.5);
    store_ = RoomStore{rules_};
    copy_ = RoomStore{rules_};
  }

  void step() {
    now_ += std::chrono::milliseconds{random_.below(4000)};
    act();
    for (const Change& change : store_.take_changes()) {
      EXPECT_TRUE(copy_.restore(now_, change)) << journal_line(change);
    }
    for (const Event& event : store_.take_events()) check_event(event);
    if (++steps_ % 20 == 0) {
      EXPECT_EQ(as_lines(copy_.snapshot()), as_lines(store_.snapshot()));
    }
    for (const RoomType type : kRoomTypes) {
      for (const Room* room : store_.page(type, 0, 100)) check_room(*room);
    }
  }

 private:
  void act() {
    const RoomKey key{kRoomTypes[random_.below(3)],
                      room_id("r" + std::to_string(random_.below(8)))};
    const UserId user = user_id("u" + std::to_string(random_.below(6)));
    bool created = false;
    switch (random_.below(10)) {
      case 0:
        return static_cast<void>(store_.create(now_, key, user, "info"));
      case 1:
      case 2:
      case 3:
        return static_cast<void>(store_.enter(now_, key, entry_of(user.view()), created));
      case 4:
        return static_cast<void>(store_.leave(key, user));
      case 5:
        if (random_.chance(0.3)) static_cast<void>(store_.destroy(key, user));
        static_cast<void>(store_.set_custom(key, "likes", CustomOperation::kIncrease, {}));
        return;
      case 6:
        return static_cast<void>(store_.add_viewer(key, {user, "{}"}));
      case 7:
        return static_cast<void>(store_.remove_viewer(key, user));
      case 8:
        return store_.handle_media(now_, key.room, user, random_.chance(0.5));
      default:
        static_cast<void>(store_.heartbeat(now_, key, user));
        return store_.handle_timeout(now_);
    }
  }

  /// Nobody goes from a room that does not exist, and each room opens and ends once.
  void check_event(const Event& event) {
    if (const auto* opened = std::get_if<RoomOpened>(&event)) {
      EXPECT_TRUE(open_.insert(opened->room).second);
    } else if (const auto* gone = std::get_if<RoomDissolved>(&event)) {
      EXPECT_EQ(open_.erase(gone->room), 1U);
    } else {
      const RoomId room = std::visit([](const auto& told) { return told.room; }, event);
      EXPECT_EQ(open_.count(room), 1U);
    }
  }

  void check_room(const Room& room) {
    EXPECT_FALSE(room.pushers.empty()) << "an entered room has somebody in it";
    EXPECT_EQ(open_.count(room.id), 1U);
    const std::size_t most = room.type == RoomType::kDouble  ? 2
                             : room.type == RoomType::kMulti ? 3
                                                             : 4;
    EXPECT_LE(room.pushers.size(), most);
    EXPECT_LE(room.viewers.size(), 3U);
    std::set<UserId> users;
    for (const Pusher& pusher : room.pushers) EXPECT_TRUE(users.insert(pusher.user).second);
  }

  sim::Xoshiro random_;
  RoomRules rules_;
  RoomStore store_{rules_}, copy_{rules_};
  Instant now_ = at_seconds(1);
  int steps_ = 0;
  std::set<RoomId> open_;
};

TEST(RoomStoreSim, RulesHoldAndTheChangesMakeTheSameRooms) {
  for (const std::uint64_t seed : sim::seeds(20)) {
    SLUICE_SIM_SEED(seed);
    RandomRooms rooms{seed};
    for (int i = 0; i < 400 && !testing::Test::HasFailure(); ++i) rooms.step();
  }
}

}  // namespace
}  // namespace sluice::rooms
