#include "rooms/room_store.h"

#include <gtest/gtest.h>

#include "tests/unit/rooms/rooms_support.h"

namespace sluice::rooms {
namespace {

using enum Outcome;

const RoomKey kDouble{RoomType::kDouble, room_id("d")};
const RoomKey kMulti{RoomType::kMulti, room_id("m")};
const RoomKey kLive{RoomType::kLive, room_id("l")};

class RoomStoreTest : public testing::Test {
 protected:
  Outcome enter(const RoomKey& key, std::string_view user, double s = 0) {
    bool created = false;
    return store.enter(at_seconds(s), key, entry_of(user), created);
  }

  Outcome beat(const RoomKey& key, std::string_view user, double s) {
    return store.heartbeat(at_seconds(s), key, user_id(user));
  }

  Outcome leave(const RoomKey& key, std::string_view user) {
    return store.leave(key, user_id(user));
  }

  RoomStore store{RoomRules{}};
};

TEST_F(RoomStoreTest, ARoomIsInvisibleUntilSomebodyPushesInIt) {
  ASSERT_EQ(store.create(at_seconds(0), kMulti, user_id("alice"), "demo"), kOk);
  EXPECT_EQ(told(store), "opened");
  EXPECT_EQ(store.find(kMulti), nullptr);
  EXPECT_TRUE(store.page(RoomType::kMulti, 0, 20).empty());
  EXPECT_EQ(beat(kMulti, "alice", 0), kNotMember);
  EXPECT_EQ(leave(kMulti, "alice"), kNotMember);
  EXPECT_EQ(store.destroy(kMulti, user_id("alice")), kNoRoom);
  EXPECT_EQ(store.create(at_seconds(0), kMulti, user_id("bob"), ""), kRoomExists);
  ASSERT_EQ(enter(kMulti, "alice"), kOk);
  EXPECT_EQ(told(store), "changed came:alice");
  const Room* room = store.find(kMulti);
  ASSERT_NE(room, nullptr);
  EXPECT_EQ(room->info, "demo");
  EXPECT_EQ(room->creator, user_id("alice"));
  EXPECT_EQ(room->mixed.view(), "s_alice");
  EXPECT_EQ(store.page(RoomType::kMulti, 0, 20).size(), 1U);
}

TEST_F(RoomStoreTest, WhoMadeARoomIsItsCreatorWhoeverPushesFirst) {
  ASSERT_EQ(store.create(at_seconds(0), kMulti, user_id("alice"), ""), kOk);
  ASSERT_EQ(enter(kMulti, "bob"), kOk);
  EXPECT_EQ(store.find(kMulti)->creator, user_id("alice"));
  EXPECT_EQ(store.destroy(kMulti, user_id("bob")), kNotCreator);
  EXPECT_EQ(store.destroy(kMulti, user_id("alice")), kOk);
  EXPECT_EQ(told(store), "opened changed came:bob dissolved:destroyed");
}

TEST_F(RoomStoreTest, EnteringAnUnknownRoomMakesIt) {
  bool created = false;
  ASSERT_EQ(store.enter(at_seconds(0), kMulti, entry_of("bob"), created), kOk);
  EXPECT_TRUE(created);
  EXPECT_EQ(told(store), "opened changed came:bob");
  EXPECT_EQ(store.find(kMulti)->creator, user_id("bob"));
  ASSERT_EQ(store.enter(at_seconds(0), kMulti, entry_of("carol"), created), kOk);
  EXPECT_FALSE(created);
}

TEST_F(RoomStoreTest, AnIdBelongsToOneTypeAlone) {
  ASSERT_EQ(enter(kMulti, "alice"), kOk);
  const RoomKey same{RoomType::kLive, kMulti.room};
  EXPECT_EQ(store.find(same), nullptr);
  EXPECT_EQ(enter(same, "bob"), kNoRoom);
  EXPECT_EQ(store.create(at_seconds(0), same, user_id("bob"), ""), kRoomExists);
  EXPECT_EQ(store.destroy(same, user_id("alice")), kNoRoom);
  EXPECT_EQ(beat(same, "alice", 0), kNotMember);
}

TEST_F(RoomStoreTest, ARoomHasItsTypesNumberOfPushersAndNoMore) {
  const std::pair<RoomKey, int> table[] = {{kDouble, 2}, {kMulti, 16}, {kLive, 4}};
  for (const auto& [key, most] : table) {
    for (int i = 0; i < most; ++i) EXPECT_EQ(enter(key, "u" + std::to_string(i)), kOk) << i;
    EXPECT_EQ(enter(key, "late"), kRoomFull);
    EXPECT_EQ(enter(key, "u1"), kOk) << "who is in may say new things";
    EXPECT_EQ(leave(key, "u1"), kOk);
    EXPECT_EQ(enter(key, "late"), kOk);
  }
}

TEST_F(RoomStoreTest, EnteringAgainUpdatesAndTellsAgain) {
  enter(kMulti, "alice");
  enter(kMulti, "bob");
  store.take_events(), store.take_changes();
  Entry entry = entry_of("bob");
  bool created = false;
  ASSERT_EQ(store.enter(at_seconds(1), kMulti, entry, created), kOk);
  EXPECT_EQ(told(store), "changed");
  EXPECT_TRUE(store.take_changes().empty()) << "nothing to write";
  entry.name = "Bob";
  ASSERT_EQ(store.enter(at_seconds(1), kMulti, entry, created), kOk);
  EXPECT_EQ(store.take_changes().size(), 1U);
  EXPECT_EQ(store.find(kMulti)->pushers.size(), 2U);
  EXPECT_EQ(store.find(kMulti)->pushers[1].name, "Bob");
}

TEST_F(RoomStoreTest, TheCreatorsLeavingDissolvesWhereTheSwitchIsOn) {
  for (const bool on : {true, false}) {
    RoomRules rules;
    rules.creator_dissolves_double = rules.creator_dissolves_multi = on;
    for (const RoomKey& key : {kDouble, kMulti, kLive}) {
      store = RoomStore{rules};
      enter(key, "alice");
      enter(key, "bob");
      store.take_events();
      ASSERT_EQ(leave(key, "alice"), kOk);
      if (on || key.type == RoomType::kLive) {
        EXPECT_EQ(told(store), "left:alice dissolved:creator");
        EXPECT_FALSE(store.knows(key.room));
      } else {
        EXPECT_EQ(told(store), "left:alice changed");
        EXPECT_EQ(store.find(key)->creator, user_id("alice")) << "no handover";
        ASSERT_EQ(leave(key, "bob"), kOk);
        EXPECT_EQ(told(store), "left:bob dissolved:last");
      }
      EXPECT_EQ(leave(key, "alice"), kNotMember);
    }
  }
}

TEST_F(RoomStoreTest, ASilentMemberGoesAfterTwentySecondsStrictly) {
  enter(kMulti, "alice");
  enter(kMulti, "bob");
  store.take_events();
  for (double s = 1; s <= 20; ++s) {
    beat(kMulti, "alice", s);
    store.handle_timeout(at_seconds(s));
  }
  EXPECT_EQ(told(store), "") << "20 s are not more than 20 s";
  EXPECT_LE(store.next_deadline(), at_seconds(21));
  store.handle_timeout(at_seconds(21));
  EXPECT_EQ(told(store), "timeout:bob changed");
  EXPECT_EQ(beat(kMulti, "bob", 21), kNotMember);
}

TEST_F(RoomStoreTest, MediaCountsAsHeartbeatAndItsEndAsTheLastOne) {
  enter(kMulti, "alice");
  enter(kMulti, "bob");
  store.take_events();
  store.handle_media(at_seconds(0), kMulti.room, user_id("alice"), true);
  store.handle_media(at_seconds(0), kMulti.room, user_id("bob"), true);
  for (double s = 1; s <= 100; ++s) store.handle_timeout(at_seconds(s));
  EXPECT_EQ(told(store), "");
  store.handle_media(at_seconds(100.5), kMulti.room, user_id("bob"), false);
  store.handle_timeout(at_seconds(120.5));
  EXPECT_EQ(told(store), "");
  store.handle_timeout(at_seconds(121.6));
  EXPECT_EQ(told(store), "timeout:bob changed");
}

TEST_F(RoomStoreTest, MediaMayComeBeforeItsPusher) {
  store.handle_media(at_seconds(0), kMulti.room, user_id("alice"), true);
  enter(kMulti, "alice", 1);
  store.take_events();
  store.handle_timeout(at_seconds(60));
  EXPECT_EQ(told(store), "");
}

TEST_F(RoomStoreTest, ACreatorWhoFallsSilentTakesTheRoomAlong) {
  enter(kDouble, "alice");
  enter(kDouble, "bob", 5);
  store.take_events();
  store.handle_timeout(at_seconds(20.1));
  EXPECT_EQ(told(store), "timeout:alice dissolved:creator");
}

TEST_F(RoomStoreTest, AllMaySilentlyGoAtOnce) {
  RoomRules rules;
  rules.creator_dissolves_multi = false;
  store = RoomStore{rules};
  for (const char* user : {"alice", "bob", "carol"}) enter(kMulti, user);
  store.take_events();
  store.handle_timeout(at_seconds(30));
  EXPECT_EQ(told(store), "timeout:alice changed timeout:bob changed timeout:carol dissolved:last");
  EXPECT_EQ(store.next_deadline(), kNever);
}

TEST_F(RoomStoreTest, ARoomThatNobodyEntersGoesAfterThirtySeconds) {
  store.create(at_seconds(0), kLive, user_id("alice"), "");
  store.take_events();
  store.handle_timeout(at_seconds(30));
  EXPECT_EQ(told(store), "");
  store.handle_timeout(at_seconds(31));
  EXPECT_EQ(told(store), "dissolved:never");
  EXPECT_FALSE(store.knows(kLive.room));
}

TEST_F(RoomStoreTest, ViewersAreASetOfTheirRoom) {
  EXPECT_EQ(store.add_viewer(kLive, {user_id("v"), "{}"}), kNoRoom);
  enter(kLive, "alice");
  store.take_changes();
  EXPECT_EQ(store.add_viewer(kLive, {user_id("v"), "{}"}), kOk);
  EXPECT_EQ(store.add_viewer(kLive, {user_id("v"), "{}"}), kOk);
  EXPECT_EQ(store.find(kLive)->viewers.size(), 1U);
  EXPECT_EQ(store.take_changes().size(), 1U);
  EXPECT_EQ(store.add_viewer(kLive, {user_id("v"), "{1}"}), kOk);
  EXPECT_EQ(store.find(kLive)->viewers.front().info, "{1}");
  EXPECT_EQ(store.remove_viewer(kLive, user_id("v")), kOk);
  EXPECT_EQ(store.remove_viewer(kLive, user_id("v")), kNotMember);
  RoomRules rules;
  rules.viewers_live = 1;
  store = RoomStore{rules};
  enter(kLive, "alice");
  EXPECT_EQ(store.add_viewer(kLive, {user_id("v"), ""}), kOk);
  EXPECT_EQ(store.add_viewer(kLive, {user_id("w"), ""}), kViewersFull);
}

TEST_F(RoomStoreTest, CustomFieldsCountAndHold) {
  using enum CustomOperation;
  enter(kLive, "alice");
  const auto value = [&](const char* field) { return store.find(kLive)->custom.at(field); };
  EXPECT_EQ(store.set_custom(kLive, "likes", kIncrease, ""), kOk);
  EXPECT_EQ(store.set_custom(kLive, "likes", kIncrease, ""), kOk);
  EXPECT_EQ(value("likes"), "2");
  EXPECT_EQ(store.set_custom(kLive, "down", kDecrease, ""), kOk);
  EXPECT_EQ(value("down"), "-1");
  EXPECT_EQ(store.set_custom(kLive, "likes", kSet, "\"many\""), kOk);
  EXPECT_EQ(store.set_custom(kLive, "likes", kIncrease, ""), kBadField) << "no number";
  EXPECT_EQ(store.set_custom(kLive, "n", kSet, "9223372036854775807"), kOk);
  EXPECT_EQ(store.set_custom(kLive, "n", kIncrease, ""), kBadField) << "no room for one more";
  EXPECT_EQ(store.set_custom(kLive, "", kIncrease, ""), kBadField);
  EXPECT_EQ(store.set_custom(kLive, std::string(65, 'f'), kIncrease, ""), kBadField);
  EXPECT_EQ(store.set_custom(kLive, "v", kSet, std::string(257, '1')), kBadField);
  for (int i = 0; i < 29; ++i) store.set_custom(kLive, "f" + std::to_string(i), kIncrease, "");
  EXPECT_EQ(store.find(kLive)->custom.size(), kCustomFieldsMax);
  EXPECT_EQ(store.set_custom(kLive, "one_more", kIncrease, ""), kBadField);
  EXPECT_EQ(store.set_custom(kLive, "f0", kIncrease, ""), kOk);
  EXPECT_EQ(store.set_custom(kMulti, "f0", kIncrease, ""), kNoRoom);
}

TEST_F(RoomStoreTest, PagesHaveEnteredRoomsInTheOrderOfTheirMaking) {
  for (const char* id : {"9", "b", "1", "a"}) {
    const RoomKey key{RoomType::kMulti, room_id(id)};
    store.create(at_seconds(0), key, user_id("u"), "");
    if (*id != '1') enter(key, "u");
  }
  const auto ids = [&](std::uint64_t index, std::uint64_t count) {
    std::string text;
    for (const Room* room : store.page(RoomType::kMulti, index, count)) text += room->id.view();
    return text;
  };
  EXPECT_EQ(ids(0, 20), "9ba");
  EXPECT_EQ(ids(1, 1), "b");
  EXPECT_EQ(ids(2, 20), "a");
  EXPECT_EQ(ids(3, 20), "");
  EXPECT_EQ(ids(0, 0), "");
  EXPECT_TRUE(store.page(RoomType::kLive, 0, 20).empty());
}

TEST_F(RoomStoreTest, TheNumberOfRoomsIsLimited) {
  RoomRules rules;
  rules.rooms = 1;
  store = RoomStore{rules};
  EXPECT_EQ(store.create(at_seconds(0), kLive, user_id("a"), ""), kOk);
  EXPECT_EQ(store.create(at_seconds(0), kMulti, user_id("a"), ""), kTooManyRooms);
  EXPECT_EQ(enter(kMulti, "b"), kTooManyRooms);
}

TEST_F(RoomStoreTest, AfterARestoreEverybodyCountsAsSeen) {
  enter(kMulti, "alice");
  enter(kMulti, "bob");
  RoomStore again{RoomRules{}};
  for (const Change& change : store.take_changes()) {
    EXPECT_TRUE(again.restore(at_seconds(1000), change));
  }
  EXPECT_EQ(told(again), "");
  EXPECT_TRUE(again.take_changes().empty());
  again.handle_timeout(at_seconds(1020));
  EXPECT_EQ(told(again), "");
  again.handle_timeout(at_seconds(1021.5));
  EXPECT_EQ(told(again), "timeout:alice dissolved:creator");
  EXPECT_FALSE(again.restore(at_seconds(0), PusherGone{kMulti.room, user_id("bob")}));
}

}  // namespace
}  // namespace sluice::rooms
