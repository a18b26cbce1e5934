#include "relay/control/mirror.h"

#include <gtest/gtest.h>

#include "tests/unit/schema/samples.h"

namespace sluice::relay {
namespace {

using schema::Message;
using schema::room;
using schema::stream;
using schema::user;

TEST(Mirror, TurnsEachEventIntoItsMessage) {
  Mirror mirror;
  const RoomName r = room("r");
  const UserName u = user("u");
  EXPECT_TRUE(mirror.apply(RoomUp{r}) == Message{schema::RoomUp{r}});
  EXPECT_TRUE(mirror.apply(MemberIn{r, u, InstanceId{1}, 15}) ==
              (Message{schema::MemberIn{r, u, InstanceId{1}, 15, schema::EndpointKind::kLink}}));
  const StreamUp up{r, u, stream("s"), {TrackInfo{2, TrackKind::kVideo, 0x61766331, 1}}};
  EXPECT_TRUE(
      mirror.apply(up) ==
      (Message{schema::StreamUp{
          r, u, stream("s"), {schema::Track{2, schema::TrackKind::kVideo, 0x61766331, 1}}}}));
  EXPECT_TRUE(mirror.apply(StreamDown{r, u, stream("s")}) ==
              (Message{schema::StreamDown{r, u, stream("s")}}));
  EXPECT_TRUE(mirror.apply(MemberOut{r, u, InstanceId{1}, LeaveReason::kReplaced}) ==
              (Message{schema::MemberOut{r, u, InstanceId{1}, LeaveReason::kReplaced}}));
  EXPECT_TRUE(mirror.apply(RoomDown{r}) == Message{schema::RoomDown{r}});
}

TEST(Mirror, ItsStateIsWhatTheEventsAddUpTo) {
  Mirror mirror;
  for (const char* name : {"b", "a"}) {
    const RoomName r = room(name);
    mirror.apply(RoomUp{r});
    mirror.apply(MemberIn{r, user("u"), InstanceId{1}, 15});
    mirror.apply(MemberIn{r, user("v"), InstanceId{2}, 8});
    mirror.apply(StreamUp{r, user("u"), stream("s"), {}});
    mirror.apply(MemberOut{r, user("v"), InstanceId{2}, LeaveReason::kLeft});
  }
  mirror.apply(RoomDown{room("b")});
  const auto state = mirror.state();
  ASSERT_EQ(state.size(), 3U);
  EXPECT_EQ(std::get<schema::RoomUp>(state[0]).room, room("a"));
  EXPECT_EQ(std::get<schema::MemberIn>(state[1]).user, user("u"));
  EXPECT_EQ(std::get<schema::StreamUp>(state[2]).stream, stream("s"));
}

TEST(Mirror, TheBlobOfARoomStaysUntilTheRoomIsGone) {
  Mirror mirror;
  mirror.open_room({room("r"), {4, 0, 0}, schema::some_bytes(9)});
  EXPECT_TRUE(mirror.has_room(room("r")));
  const auto up = mirror.apply(RoomUp{room("r")});
  EXPECT_EQ(std::get<schema::RoomUp>(up).blob.size(), 9U);
  mirror.close_room(room("r"));
  EXPECT_TRUE(mirror.has_room(room("r"))) << "its members are still there";
  mirror.apply(RoomDown{room("r")});
  EXPECT_FALSE(mirror.has_room(room("r")));

  mirror.open_room({room("never-used"), {}, {}});
  mirror.close_room(room("never-used"));
  EXPECT_EQ(mirror.room_count(), 0U);
}

}  // namespace
}  // namespace sluice::relay
