#include "rooms/im.h"

#include <fstream>
#include <iterator>
#include <set>

#include <gtest/gtest.h>

#include "tests/unit/rooms/im_support.h"

namespace sluice::rooms {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// alice and bob in the room "r" and in its group; alice made it.
struct TwoInARoom : ImWorld {
  TwoInARoom() {
    enter("r", "alice");
    EXPECT_EQ(join(alice, "r"), 0);
    enter("r", "bob");
    EXPECT_EQ(join(bob, "r"), 0);
    EXPECT_EQ(items(poll(alice)), "255") << "bob came";
  }

  /// Both push: nobody has to beat.
  void stay() {
    for (const char* user : {"alice", "bob"}) {
      store.handle_media(at.now, room_id("r"), user_id(user), true);
    }
  }

  Login alice = login("alice"), bob = login("bob");
};

TEST(Im, LoginGivesWhatTheClientsNeed) {
  ImWorld w;
  const auto alice = w.login("alice");
  EXPECT_FALSE(alice.tiny.empty() || alice.a2.empty());
  EXPECT_EQ(alice.a2.find_first_of("+&#%/="), std::string::npos) << "clients do not escape it";
  EXPECT_NE(w.login("alice").tiny, alice.tiny) << "two devices";
  const Json nick{{"ProfileItem", {{{"Tag", "Tag_Profile_IM_Nick"}, {"Value", "alice"}}}}};
  EXPECT_EQ(w.error(alice, "/v4/profile/portrait_set", nick), 0);
  EXPECT_EQ(w.as(alice, "/v4/profile/portrait_get", Json::object())->at("UserProfileItem"),
            Json::array());
  EXPECT_EQ(
      w.as(alice, ImWorld::kGroups + "get_joined_group_list", Json::object())->at("GroupIdList"),
      Json::array());
  EXPECT_EQ(w.as(alice, "/v4/openim/getlongpollingid", Json::object())->at("Timeout"), 50);
  for (const char* path : {"/v4/openim/authkey", "/v4/openim/msgreaded",
                           "/v4/imopenstat/web_report", "/v4/openim/longpollinglogout"}) {
    EXPECT_EQ(w.error(alice, path, Json::object()), 0) << path;
  }
}

TEST(Im, WhoIsNotLoggedInGetsNothing) {
  TwoInARoom w;
  auto forged = w.alice;
  forged.a2.back() = forged.a2.back() == 'A' ? 'B' : 'A';
  for (const Im::Route& route : Im::routes()) {
    if (route.auth == Im::Auth::kNone) continue;
    EXPECT_EQ(w.error(forged, route.path, {{"GroupId", "r"}, {"Key", forged.a2 + ".1.r"}}), 70005)
        << route.path;
    EXPECT_EQ(w.status, route.polls ? 401 : 200) << route.path;
  }
  const auto json = w.send(
      "/v4/openim/login", {"sdkappid=1400000001", "identifier=bob", "usersig=" + w.alice.a2}, "{}");
  EXPECT_EQ(json->at("ErrorCode"), 70009);
  EXPECT_EQ(w.code("multi_room/logout", "alice", Json::object()), 0);
  w.pass(seconds{2});
  EXPECT_EQ(w.error(w.alice, "/v4/openim/authkey", Json::object()), 70005)
      << "logged out of the rooms";
}

TEST(Im, MessagesGoToTheOtherApiAndComeFromIt) {
  TwoInARoom w;
  EXPECT_EQ(w.say(w.bob, "hello [x] }} y"), 0);
  const auto said = w.im.take_said();
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].room.view(), "r");
  EXPECT_EQ(said[0].user.view(), "bob");
  EXPECT_EQ(said[0].text, "hello [x] }} y");
  EXPECT_EQ(items(w.poll(w.alice)), "text:hello [x] }} y");
  w.im.tell({room_id("r"), user_id("carol"), "from }} afar"}, w.at);
  const auto heard = w.poll(w.alice);
  EXPECT_EQ(items(heard), "text:from }} afar");
  const Json item = heard->at("RspMsgList")[0];
  EXPECT_EQ(item["From_Account"], "carol");
  EXPECT_EQ(item["GroupInfo"]["From_AccountNick"], "carol");
  EXPECT_TRUE(is_message_body(nlohmann::json(item["MsgBody"]))) << "what clients understand";
  EXPECT_TRUE(w.im.take_said().empty()) << "it came from there";
}

TEST(Im, CommandsGoToTheOtherApiAndComeFromIt) {
  TwoInARoom w;
  const auto say = [&w](const std::string& data) {
    Json body = ImWorld::text_body("up");
    body[0]["MsgContent"]["Data"] = data;
    const int error =
        w.error(w.bob, ImWorld::kGroups + "send_group_msg",
                {{"GroupId", "r"}, {"From_Account", "bob"}, {"Random", 1}, {"MsgBody", body}});
    EXPECT_EQ(error, 0) << data;
    return w.im.take_said();
  };
  const auto said = say(R"({"cmd":"CustomCmdMsg","data":{"nickName":"n","cmd":"like"}})");
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].command, "like");
  EXPECT_EQ(said[0].text, "up");
  // What neither is stays with the seed's clients.
  EXPECT_TRUE(say(R"({"cmd":"CustomCmdMsg","data":{"nickName":"n"}})").empty());
  EXPECT_TRUE(say(R"({"cmd":"CustomCmdMsg","data":{"cmd":7}})").empty());
  EXPECT_TRUE(say(R"({"cmd":"linkmic","data":{"type":"request"}})").empty());
  for (int i = 0; i < 4; ++i) w.poll(w.alice);

  w.im.tell({room_id("r"), user_id("carol"), "\"hi\" }} x", "li\"ke"}, w.at);
  const auto heard = w.poll(w.alice);
  const nlohmann::json body(heard->at("RspMsgList")[0]["MsgBody"]);
  ASSERT_TRUE(is_message_body(body)) << "what clients understand";
  const auto back = message_of(body);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->command, "li\"ke");
  EXPECT_EQ(back->text, "\"hi\" }} x");
  w.im.tell({room_id("r"), user_id("carol"), "x", "cut}}here"}, w.at);
  EXPECT_FALSE(w.poll(w.alice)) << "their clients would end their polls over it";
}

TEST(Im, ATextReachesAllAndItsSenderIntact) {
  TwoInARoom w;
  w.poll(w.alice);
  const auto waiting = w.last;
  EXPECT_EQ(w.say(w.bob, "hello [x] }} y"), 0);
  const auto heard = w.late(waiting);
  EXPECT_EQ(items(heard), "text:hello [x] }} y");
  const Json item = heard->at("RspMsgList")[0];
  EXPECT_EQ(item["Event"], 3);
  EXPECT_EQ(item["From_Account"], "bob");
  EXPECT_EQ(item["ToGroupId"], "r");
  EXPECT_EQ(item["MsgRandom"], 5);
  EXPECT_EQ(item["MsgPriority"], 2);
  EXPECT_EQ(item["MsgTimeStamp"], w.at.wall.value);
  EXPECT_EQ(item["GroupInfo"]["GroupName"], "r");
  EXPECT_EQ(items(w.poll(w.bob)), "text:hello [x] }} y") << "the sender shows the echo";
}

TEST(Im, WhatWouldEndOthersPollsIsNotPassedOn) {
  TwoInARoom w;
  const auto bodies = [](const std::string& data) {
    return Json::array(
        {{{"MsgType", "TIMCustomElem"}, {"MsgContent", {{"Data", data}, {"Ext", ""}}}}});
  };
  Json drawing = bodies("{\"x\":1}");
  drawing[0]["MsgContent"]["Ext"] = "TXWhiteBoardExt";
  const Json plain = Json::array({{{"MsgType", "TIMTextElem"}, {"MsgContent", {{"Text", "hi"}}}}});
  const std::string good = R"({"cmd":"c","data":{"a":1}})";
  const std::pair<Json, int> table[] = {
      {bodies(good), 0},
      {drawing, 0},
      {plain, 10004},
      {Json::array(), 10004},
      {Json("text"), 10004},
      {bodies("{}"), 10004},
      {bodies(R"({"cmd":"c","data":{"nickName":"a}}b"}})"), 10004},
      {bodies(R"({"cmd":"c","data":{"nickName":"a"b"}})"), 10004},
      {bodies(good + " "), 10004},
      {Json::array({{{"MsgType", "TIMOtherElem"}, {"MsgContent", Json::object()}}}), 10004},
      {w.text_body(std::string(8000, 'x')), 0},
      {w.text_body(std::string(8898, 'x')), 80002},
  };
  for (const auto& [body, error] : table) {
    EXPECT_EQ(
        w.error(w.bob, ImWorld::kGroups + "send_group_msg",
                {{"GroupId", "r"}, {"From_Account", "bob"}, {"Random", 1}, {"MsgBody", body}}),
        error)
        << body;
  }
  EXPECT_EQ(w.error(w.bob, ImWorld::kGroups + "send_group_msg",
                    {{"GroupId", "r"}, {"From_Account", "alice"}, {"MsgBody", w.text_body("x")}}),
            10004);
  auto stranger = w.login("carol");
  stranger.group = "r";
  w.store.ban(room_id("r"), user_id("carol"));
  EXPECT_EQ(w.say(stranger, "x"), 10007);
  w.store.revoke(room_id("r"), user_id("bob"), MemberRights{}.with(MemberRight::kSay));
  EXPECT_EQ(w.say(w.bob, "x"), 10017);
}

TEST(Im, Trap1PollsAreHeldAndErrorsAreNoSuccess) {
  TwoInARoom w;
  w.stay();
  EXPECT_EQ(w.poll(w.alice), std::nullopt);
  EXPECT_EQ(w.poll_user(w.alice), std::nullopt);
  const auto last = w.last;
  w.pass(seconds{49});
  EXPECT_EQ(w.late(last), std::nullopt);
  w.pass(seconds{1});
  EXPECT_EQ(w.late(last)->at("ErrorCode"), 60008);
  EXPECT_EQ(items(w.late(last - 1)), "");
  for (const char* key : {"", "x", "x.y", "x.1.r"}) {
    const auto json = w.send(ImWorld::kGetMessage, {}, Json{{"StartSeq", 0}, {"Key", key}}.dump());
    EXPECT_EQ(json->at("ErrorCode"), 70005);
    EXPECT_EQ(w.status, 401) << "its client would ask again at once after a 200";
  }
}

TEST(Im, Trap1TwoPollsOfOneKindDoNotChaseEachOther) {
  TwoInARoom w;
  EXPECT_EQ(w.poll(w.alice), std::nullopt);
  const auto first = w.last;
  EXPECT_EQ(w.poll(w.alice), std::nullopt);
  EXPECT_EQ(w.late(first), std::nullopt);
  w.pass(seconds{1});
  EXPECT_EQ(items(w.late(first)), "") << "the older one ends, but not at once";
  EXPECT_EQ(w.late(first + 1), std::nullopt);
  EXPECT_EQ(w.im.mailbox().poll_count(), 1U);
}

TEST(Im, Trap2APollEndsBeforeItsClientDoes) {
  TwoInARoom w;
  w.stay();
  EXPECT_EQ(w.poll(w.alice, 90), std::nullopt) << "what the first poll asks for";
  const auto waiting = w.last;
  w.pass(seconds{50});
  ASSERT_TRUE(w.late(waiting)) << "the client gives up at 60 s";
  EXPECT_EQ(w.late(waiting)->at("HoldTime"), 50);
  EXPECT_EQ(w.poll(w.alice, 10), std::nullopt);
  w.pass(seconds{10});
  EXPECT_TRUE(w.late(w.last));
}

TEST(Im, Trap3AnAnswerHasOneMessage) {
  TwoInARoom w;
  for (const char* text : {"1", "2"}) w.say(w.bob, text);
  w.enter("r", "carol");
  w.say(w.bob, "3");
  std::string heard;
  for (int i = 0; i < 4; ++i) heard += items(w.poll(w.alice)) + ",";
  EXPECT_EQ(heard, "text:1,text:2,255,text:3,");
  EXPECT_EQ(w.poll(w.alice), std::nullopt);
}

TEST(Im, Trap4ThePollOfAnOldRoomEndsBeforeQuitAndJoinAreAnswered) {
  TwoInARoom w;
  w.enter("s", "carol");
  EXPECT_EQ(w.poll(w.bob), std::nullopt);
  const auto old_poll = w.last;
  EXPECT_EQ(w.error(w.bob, ImWorld::kGroups + "quit_group", {{"GroupId", "r"}}), 0);
  EXPECT_TRUE(w.after) << "the answer to quit_group goes out after it";
  EXPECT_EQ(items(w.late(old_poll)), "");
  EXPECT_EQ(w.join(w.bob, "s"), 0);
  EXPECT_FALSE(w.after) << "no poll was open";
  EXPECT_EQ(w.poll(w.bob), std::nullopt);
  const auto second = w.last;
  EXPECT_EQ(w.join(w.bob, "r"), 0);
  EXPECT_TRUE(w.after);
  EXPECT_TRUE(w.late(second));
}

TEST(Im, Trap4ALatePollOfAnOldRoomHearsNothingOfIt) {
  TwoInARoom w;
  w.stay();
  const auto old_bob = w.bob;
  EXPECT_EQ(w.error(w.bob, ImWorld::kGroups + "quit_group", {{"GroupId", "r"}}), 0);
  auto late_bob = old_bob;
  EXPECT_EQ(w.poll(late_bob), std::nullopt);
  const auto late_poll = w.last;
  EXPECT_EQ(w.code("multi_room/destroy_room", "alice", {{"roomID", "r"}, {"userID", "alice"}}), 0);
  w.flush();
  EXPECT_EQ(w.late(late_poll), std::nullopt) << "it would close his new room";
  w.pass(seconds{50});
  EXPECT_EQ(items(w.late(late_poll)), "");
}

TEST(Im, Trap4TheEndOfAGroupAnswersItsPolls) {
  TwoInARoom w;
  EXPECT_EQ(w.poll(w.alice), std::nullopt);
  const auto waiting = w.last;
  EXPECT_EQ(w.code("multi_room/delete_pusher", "alice", {{"roomID", "r"}, {"userID", "alice"}}), 0);
  w.flush();
  EXPECT_EQ(items(w.late(waiting)), "5") << "also to him who left";
  EXPECT_EQ(items(w.poll(w.bob)), "5") << "who was between two polls";
  EXPECT_EQ(w.poll(w.bob), std::nullopt) << "once";
  EXPECT_EQ(w.join(w.bob, "r"), 10010);
}

TEST(Im, Trap5TheNickIsWhatWasStored) {
  TwoInARoom w;
  w.say(w.bob, "x");
  EXPECT_EQ(w.poll(w.alice)->at("RspMsgList")[0]["GroupInfo"]["From_AccountNick"], "bob");
  w.error(w.bob, "/v4/profile/portrait_set",
          {{"ProfileItem", {{{"Tag", "Tag_Profile_IM_Nick"}, {"Value", "Bobby"}}}}});
  w.say(w.bob, "y");
  EXPECT_EQ(w.poll(w.alice)->at("RspMsgList")[0]["GroupInfo"]["From_AccountNick"], "Bobby");
}

TEST(Im, Trap6QuitGroupIsAnsweredInTheSameTurnWhereNothingWaits) {
  TwoInARoom w;
  EXPECT_EQ(w.error(w.bob, ImWorld::kGroups + "quit_group", {{"GroupId", "r"}}), 0);
  EXPECT_FALSE(w.after);
  EXPECT_EQ(w.error(w.bob, ImWorld::kGroups + "quit_group", {{"GroupId", "unknown"}}), 0);
}

TEST(Im, ACustomMessageGoesFromUserToUser) {
  TwoInARoom w;
  EXPECT_EQ(w.poll_user(w.alice), std::nullopt);
  const auto waiting = w.last;
  EXPECT_EQ(w.send_to(w.bob, "alice", "request"), 0);
  const auto heard = w.late(waiting);
  ASSERT_TRUE(heard);
  const Json event = heard->at("EventArray")[0];
  EXPECT_EQ(event["Event"], 9);
  ASSERT_EQ(event["C2cMsgArray"].size(), 1U);
  const Json message = event["C2cMsgArray"][0];
  EXPECT_EQ(message["From_Account"], "bob");
  EXPECT_EQ(message["To_Account"], "alice");
  EXPECT_EQ(message["NoticeSeq"], 1);
  EXPECT_EQ(w.send_to(w.bob, "nobody", "x"), 20003);
  for (const char* text : {"a", "b"}) w.send_to(w.bob, "alice", text);
  w.alice.heard = 1;
  EXPECT_EQ(w.poll_user(w.alice)->at("EventArray")[0]["C2cMsgArray"][0]["NoticeSeq"], 2);
  EXPECT_EQ(w.poll_user(w.alice)->at("EventArray")[0]["C2cMsgArray"][0]["NoticeSeq"], 2)
      << "it did not come";
  w.alice.heard = 3;
  EXPECT_EQ(w.poll_user(w.alice), std::nullopt);
}

TEST(Im, AClientThatConfirmsNothingIsToldEverythingOnce) {
  TwoInARoom w;
  w.poll_user(w.alice);
  for (const char* text : {"a", "b"}) w.send_to(w.bob, "alice", text);
  EXPECT_EQ(w.poll_user(w.alice)->at("EventArray")[0]["C2cMsgArray"][0]["NoticeSeq"], 2);
  EXPECT_EQ(w.poll_user(w.alice), std::nullopt);
}

TEST(Im, AMemberWhoIsPutOutSeesTheRoomEnd) {
  TwoInARoom w;
  EXPECT_EQ(w.poll(w.bob), std::nullopt);
  const auto waiting = w.last;
  w.store.ban(room_id("r"), user_id("bob"));
  w.flush();
  EXPECT_EQ(items(w.late(waiting)), "5");
  EXPECT_EQ(w.join(w.bob, "r"), 10007);
  EXPECT_EQ(items(w.poll(w.alice)), "255");
}

TEST(Im, ARestartForgetsNoListener) {
  TwoInARoom before;
  ImWorld after;
  after.store = before.store;
  auto alice = before.alice;
  EXPECT_EQ(after.poll(alice), std::nullopt) << "its key is good for the new process";
  const auto waiting = after.last;
  after.enter("r", "carol");
  EXPECT_EQ(items(after.late(waiting)), "255");
  auto gone = before.bob;
  ImWorld empty;
  EXPECT_EQ(items(empty.poll(gone)), "5") << "the room went while nobody could say so";
  EXPECT_EQ(empty.poll(gone), std::nullopt) << "and no busy loop after it";
}

TEST(Im, AQuietMemberCostsThreeRequestsAMinuteAtMost) {
  TwoInARoom w;
  std::uint64_t group = 0, user = 0;
  const auto before = w.last;
  constexpr int kMinutes = 10;
  for (int second = 0; second < kMinutes * 60; ++second) {
    if (group == 0 || w.late(group)) w.poll(w.alice), group = w.last;
    if (user == 0 || w.late(user)) w.poll_user(w.alice), user = w.last;
    if (second % 7 == 0) {
      for (const char* name : {"alice", "bob"}) {
        EXPECT_EQ(w.code("multi_room/pusher_heartbeat", name, {{"roomID", "r"}, {"userID", name}}),
                  0);
      }
    }
    w.pass(seconds{1});
  }
  EXPECT_LE(w.last - before, 3U * kMinutes);
}

TEST(Im, ASilentMembersTimeoutIsToldTwentySecondsAfterHim) {
  TwoInARoom w;
  EXPECT_EQ(w.poll(w.alice), std::nullopt);
  const auto waiting = w.last;
  double gone = 0;
  for (int tenths = 0; tenths < 300 && gone == 0; ++tenths) {
    w.code("multi_room/pusher_heartbeat", "alice", {{"roomID", "r"}, {"userID", "alice"}});
    w.pass(milliseconds{100});
    if (w.late(waiting)) gone = tenths / 10.0;
  }
  EXPECT_EQ(items(w.late(waiting)), "255");
  EXPECT_GE(gone, 20);
  EXPECT_LE(gone, 26);
}

TEST(Im, WhatWaitsIsBounded) {
  ImWorld w{{.polls = 3, .sessions = 3}};
  w.enter("r", "alice");
  auto alice = w.login("alice"), bob = w.login("bob"), carol = w.login("carol"),
       dave = w.login("dave");
  for (auto* who : {&alice, &bob, &carol}) EXPECT_EQ(w.join(*who, "r"), 0);
  EXPECT_EQ(w.error(dave, "/v4/openim/authkey", Json::object()), 60010) << "sessions";
  for (auto* who : {&alice, &bob, &carol}) EXPECT_EQ(w.poll(*who), std::nullopt);
  EXPECT_EQ(w.poll_user(alice)->at("ErrorCode"), 60010);
  EXPECT_EQ(w.status, 503);
  w.im.forget_poll(net::HttpRequestId{w.last - 1});
  EXPECT_EQ(w.poll_user(alice), std::nullopt) << "the place of one who hung up";
  w.pass(seconds{121});
  w.pass(seconds{121});
  w.pass(seconds{6});
  EXPECT_EQ(w.im.mailbox().session_count(), 0U) << "who is silent is forgotten";
}

TEST(Im, TheFifthDevicePushesTheOldestOff) {
  ImWorld w;
  const auto first = w.login("alice");
  EXPECT_EQ(w.as(first, "/v4/openim/longpolling", {{"Timeout", 50}}), std::nullopt);
  const auto waiting = w.last;
  for (int i = 0; i < 4; ++i) {
    w.pass(seconds{1});
    w.error(w.login("alice"), "/v4/openim/authkey", Json::object());
  }
  ASSERT_TRUE(w.late(waiting));
  EXPECT_EQ(w.late(waiting)->at("ErrorCode"), 91101);
  EXPECT_EQ(w.as(first, "/v4/openim/longpolling", {{"Timeout", 50}})->at("ErrorCode"), 60010)
      << "no chase";
}

TEST(Im, GroupsAreRooms) {
  TwoInARoom w;
  EXPECT_EQ(w.error(w.alice, ImWorld::kGroups + "create_group", {{"GroupId", "r"}}), 0);
  EXPECT_EQ(w.error(w.bob, ImWorld::kGroups + "create_group", {{"GroupId", "r"}}), 10021);
  EXPECT_EQ(w.error(w.bob, ImWorld::kGroups + "create_group", {{"GroupId", "new"}}), 10010);
  const auto info =
      w.as(w.bob, ImWorld::kGroups + "get_group_info", {{"GroupIdList", {"r", "new"}}});
  EXPECT_EQ(info->at("GroupInfo")[0]["Owner_Account"], "alice");
  EXPECT_EQ(info->at("GroupInfo")[0]["MemberNum"], 2);
  EXPECT_EQ(info->at("GroupInfo")[1]["ErrorCode"], 10010);
  EXPECT_EQ(w.error(w.bob, ImWorld::kGroups + "destroy_group", {{"GroupId", "r"}}), 10007);
  EXPECT_EQ(w.error(w.alice, ImWorld::kGroups + "destroy_group", {{"GroupId", "r"}}), 0);
  EXPECT_EQ(items(w.poll(w.bob)), "5");
}

TEST(Im, TheDocumentHasEveryRouteAndNoOther) {
  std::ifstream file(std::string{SLUICE_SOURCE_FOLDER} + "/docs/API.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::set<std::string> documented, served;
  for (std::size_t at = 0; (at = text.find("\n| `/v", at)) != std::string::npos; ++at) {
    const std::size_t begin = at + 4;
    documented.insert(text.substr(begin, text.find('`', begin) - begin));
  }
  for (const Im::Route& route : Im::routes()) served.insert(route.path);
  EXPECT_EQ(documented, served);
}

}  // namespace
}  // namespace sluice::rooms
