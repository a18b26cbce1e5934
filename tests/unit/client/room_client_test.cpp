#include "client/rooms/room_client.h"

#include <gtest/gtest.h>

namespace sluice::client {
namespace {

using namespace std::chrono_literals;

const RoomName kRoom = *RoomName::parse("lobby");
const UserName kBob = *UserName::parse("bob");
constexpr Instant kStart{};

constexpr const char* kEntry =
    R"({"room":{"room":"lobby","type":"multi","creator":"anna","members":2,"password":true},)"
    R"("member":{"user":"anna","role":"pusher"},"relay":{"address":"h:1","relay_key":"ab"},)"
    R"("heartbeat_seconds":5})";

RoomClient guest() { return RoomClient{{.token = "", .user = "anna"}}; }

/// The question that is next, in one line.
std::string asked(RoomClient& client) {
  const auto question = client.poll_question();
  if (!question) return "";
  return question->method + " " + question->path + " [" + question->bearer + "] " + question->body;
}

RoomClient entered() {
  RoomClient client = guest();
  client.enter_room(kRoom, RoomRole::kPusher);
  client.poll_question();
  client.handle_answer(kStart, {201, kEntry});
  client.poll_event();
  return client;
}

TEST(RoomClient, AsksOneAfterTheOther) {
  RoomClient client = guest();
  client.login();
  client.create_room(kRoom, "live", "hello");
  client.room_list();
  client.pushers(kRoom);
  client.kick(kRoom, kBob);
  client.destroy_room(kRoom);
  EXPECT_EQ(asked(client), R"(POST /v1/tokens [] {"user":"anna"})");
  EXPECT_EQ(asked(client), "") << "the first is not answered";
  client.handle_answer(kStart, {201, R"({"token":"tok","user":"anna"})"});
  const char* const rest[] = {
      R"(POST /v1/rooms [tok] {"info":"hello","room":"lobby","type":"live"})",
      "GET /v1/rooms [tok] ", "GET /v1/rooms/lobby/members [tok] ",
      "DELETE /v1/rooms/lobby/members/bob [tok] ", "DELETE /v1/rooms/lobby [tok] "};
  for (const char* const question : rest) {
    EXPECT_EQ(asked(client), question);
    client.handle_answer(kStart, {204, ""});
  }
  for (const RoomCall call : {RoomCall::kLogin, RoomCall::kCreateRoom, RoomCall::kRoomList,
                              RoomCall::kPushers, RoomCall::kKick, RoomCall::kDestroyRoom}) {
    const auto event = client.poll_event();
    ASSERT_TRUE(event);
    EXPECT_EQ(event->call, call);
    EXPECT_FALSE(event->error);
  }
}

TEST(RoomClient, WithATokenIsLoggedInWithoutAQuestion) {
  RoomClient client{{.token = "jwt", .user = ""}};
  client.login();
  EXPECT_EQ(asked(client), "");
  EXPECT_TRUE(client.poll_event());
  client.room_list();
  EXPECT_EQ(asked(client), "GET /v1/rooms [jwt] ");
}

TEST(RoomClient, EntersWithAllThatARelayAsksFor) {
  RoomClient client = guest();
  client.enter_room(kRoom, RoomRole::kViewer);
  EXPECT_EQ(asked(client), R"(POST /v1/rooms/lobby/members [] {"role":"viewer"})");
  client.handle_answer(kStart, {201, kEntry});
  const auto event = client.poll_event();
  ASSERT_TRUE(event);
  const auto* const entry = std::get_if<RoomEntry>(&event->result);
  ASSERT_NE(entry, nullptr);
  EXPECT_TRUE(entry->came_in);
  EXPECT_EQ(entry->user, "anna");
  EXPECT_EQ(entry->relay_key, "ab");
  EXPECT_EQ(entry->ticket, R"({"address":"h:1","relay_key":"ab"})");
  EXPECT_EQ(entry->room.members, 2U);
  EXPECT_TRUE(entry->room.has_password);
}

TEST(RoomClient, SaysTheRoomsPasswordWhereItCounts) {
  RoomClient client{{.token = "", .user = "anna", .password = "sesame"}};
  client.create_room(kRoom, "multi", "");
  client.enter_room(kRoom, RoomRole::kPusher);
  client.exit_room(kRoom);
  EXPECT_EQ(asked(client),
            R"(POST /v1/rooms [] {"info":"","password":"sesame","room":"lobby","type":"multi"})");
  client.handle_answer(kStart, {201, "{}"});
  EXPECT_EQ(asked(client),
            R"(POST /v1/rooms/lobby/members [] {"password":"sesame","role":"pusher"})");
  client.handle_answer(kStart, {200, kEntry});
  EXPECT_EQ(asked(client), "DELETE /v1/rooms/lobby/members/anna [] ");
}

TEST(RoomClient, WithoutARelayHasNoTicket) {
  RoomClient client = guest();
  client.enter_room(kRoom, RoomRole::kPusher);
  client.poll_question();
  client.handle_answer(kStart, {200, R"({"member":{"user":"anna"},"relay":null})"});
  const auto event = client.poll_event();
  const auto* const entry = event ? std::get_if<RoomEntry>(&event->result) : nullptr;
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->ticket, "");
  EXPECT_FALSE(entry->came_in);
}

TEST(RoomClient, BeatsWhileItIsInTheRoom) {
  RoomClient client = entered();
  EXPECT_EQ(client.next_deadline(), kStart + 5s);
  client.handle_timeout(kStart + 4999ms);
  EXPECT_EQ(asked(client), "");
  client.handle_timeout(kStart + 5s);
  EXPECT_EQ(client.next_deadline(), kNever) << "one at a time";
  EXPECT_EQ(asked(client), "POST /v1/rooms/lobby/members/anna/heartbeat [] {}");
  client.handle_answer(kStart + 6s, {200, R"({"seconds":5})"});
  EXPECT_EQ(client.next_deadline(), kStart + 11s);
  EXPECT_FALSE(client.poll_event()) << "nobody wants to know";
  client.exit_room(kRoom);
  EXPECT_EQ(client.next_deadline(), kNever);
  EXPECT_EQ(asked(client), "DELETE /v1/rooms/lobby/members/anna [] ");
}

struct BeatCase {
  int status;  // 0: no answer
  bool again;
};

TEST(RoomClient, BeatsAgainUnlessItIsOut) {
  for (const BeatCase at :
       {BeatCase{0, true}, {500, true}, {503, true}, {404, false}, {401, false}}) {
    RoomClient client = entered();
    client.handle_timeout(kStart + 5s);
    client.poll_question();
    if (at.status == 0) client.handle_failure(kStart + 6s, "refused");
    if (at.status != 0) client.handle_answer(kStart + 6s, {at.status, "{}"});
    const auto event = client.poll_event();
    ASSERT_TRUE(event && event->error) << at.status;
    EXPECT_EQ(event->call, RoomCall::kHeartbeat);
    EXPECT_EQ(client.next_deadline(), at.again ? kStart + 7s : kNever) << at.status;
  }
}

TEST(RoomClient, BeatsNoMoreWhenItLeftMeanwhile) {
  RoomClient client = entered();
  client.handle_timeout(kStart + 5s);
  client.poll_question();
  client.exit_room(kRoom);
  client.handle_failure(kStart + 6s, "refused");
  EXPECT_EQ(client.next_deadline(), kNever);
}

struct ErrorCase {
  int status;
  const char* body;
  ExitCode code;
  const char* name;
  const char* message;
};

TEST(RoomClient, TellsWhatWasRefusedAndTheCure) {
  constexpr ErrorCase kCases[] = {
      {403, R"({"code":"banned","title":"banned here","cure":"ask a moderator"})",
       ExitCode::kRefused, "banned", "banned here: ask a moderator"},
      {400, R"({"code":"field_bad","title":"bad"})", ExitCode::kBadInput, "field_bad", "bad"},
      {404, "<html>", ExitCode::kRefused, "", "status 404"},
      {302, "", ExitCode::kRefused, "", "status 302"},
      {503, "{}", ExitCode::kUnreachable, "", "status 503"},
  };
  for (const ErrorCase& at : kCases) {
    RoomClient client = guest();
    client.room_list();
    client.poll_question();
    client.handle_answer(kStart, {at.status, at.body});
    const auto event = client.poll_event();
    ASSERT_TRUE(event && event->error) << at.status;
    EXPECT_EQ(event->error->code, at.code) << at.status;
    EXPECT_EQ(event->code, at.name);
    EXPECT_EQ(event->error->message, at.message);
  }
}

TEST(RoomClient, TakesNoStrangersAnswer) {
  for (const char* const body : {"", "[]", "7", "nonsense", "{}", R"({"member":7,"relay":[]})",
                                 R"({"member":{"user":7},"room":"lobby"})"}) {
    RoomClient client = guest();
    client.enter_room(kRoom, RoomRole::kPusher);
    client.poll_question();
    client.handle_answer(kStart, {201, body});
    const auto event = client.poll_event();
    ASSERT_TRUE(event && event->error) << body;
    EXPECT_EQ(client.next_deadline(), kNever) << "in no room";
    client.room_list();
    client.pushers(kRoom);
    for (int i = 0; i < 2; ++i) {
      client.poll_question();
      client.handle_answer(kStart, {200, body});
      ASSERT_TRUE(client.poll_event()) << body;
    }
  }
  RoomClient unasked = guest();
  unasked.handle_answer(kStart, {200, "{}"});
  unasked.handle_failure(kStart, "late");
  EXPECT_FALSE(unasked.poll_event());
}

}  // namespace
}  // namespace sluice::client
