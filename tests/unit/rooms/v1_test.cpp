#include "rooms/v1.h"

#include <fstream>
#include <iterator>
#include <set>

#include <gtest/gtest.h>

#include "rooms/journal_codec.h"
#include "tests/unit/rooms/rooms_support.h"
#include "tests/unit/rooms/v1_support.h"

namespace sluice::rooms {
namespace {

TEST(V1, ARoomIsMadeEnteredAndLeftAndEachSeesTheOther) {
  V1World w;
  Json json = w.call("POST", "/v1/rooms", w.guest("alice"),
                     Json{{"room", "lobby"}, {"type", "multi"}, {"info", "hello"}});
  EXPECT_EQ(w.status(), 201);
  EXPECT_EQ(json["creator"], "alice");
  EXPECT_EQ(json["members"], 0);
  json = w.enter("lobby", "alice", {{"name", "Alice"}, {"avatar", "a.png"}});
  EXPECT_EQ(w.status(), 201);
  EXPECT_EQ(json["relay"]["ticket"], "bb");
  EXPECT_EQ(json["relay"]["user"], "alice");
  EXPECT_EQ(json["heartbeat_seconds"], 7);
  EXPECT_EQ(json["addresses"]["push"].get<std::string>().rfind("rtmp://push.test/live/", 0), 0U);
  EXPECT_EQ(json["member"]["rights"],
            (Json{{"push", true}, {"pull", true}, {"say", true}, {"moderate", true}}));
  EXPECT_EQ(w.rights_asked.bits(), 15);
  json = w.enter("lobby", "bob", {{"role", "viewer"}, {"name", "Bob"}});
  EXPECT_EQ(w.status(), 201);
  EXPECT_FALSE(json["addresses"].contains("push"));
  EXPECT_EQ(w.rights_asked.bits(), 8) << "watching alone";
  json = w.call("GET", "/v1/rooms/lobby/members", w.guest("carol"));
  ASSERT_EQ(json["members"].size(), 2U);
  EXPECT_EQ(json["members"][0]["name"], "Alice");
  EXPECT_EQ(json["members"][1]["name"], "Bob");
  EXPECT_EQ(json["members"][1]["role"], "viewer");
  w.call("DELETE", "/v1/rooms/lobby/members/bob", w.guest("bob"));
  EXPECT_EQ(w.status(), 204);
  w.call("GET", "/v1/rooms/lobby/members/bob", w.guest("alice"));
  EXPECT_EQ(w.code(), "member_unknown");
}

TEST(V1, WhoComesBackGetsAFreshTicketAndStaysWhoHeWas) {
  V1World w;
  w.make_room("lobby", "alice");
  const Json first = w.enter("lobby", "bob", {{"name", "Bob"}});
  EXPECT_EQ(w.status(), 201);
  const Json again = w.enter("lobby", "bob");
  EXPECT_EQ(w.status(), 200);
  EXPECT_EQ(again["member"], first["member"]);
  w.enter("lobby", "bob", {{"role", "viewer"}});
  EXPECT_EQ(w.code(), "role_fixed");
  w.enter("lobby", "carol", {{"role", "viewer"}});
  EXPECT_EQ(w.enter("lobby", "carol")["member"]["role"], "pusher") << "the other way is no problem";
}

TEST(V1, MembersWithoutHeartbeatsGoWhateverTheirRole) {
  V1World w;
  w.make_room("lobby", "alice");
  w.enter("lobby", "bob", {{"role", "viewer"}});
  w.enter("lobby", "carol", {{"role", "viewer"}});
  for (int i = 0; i < 4; ++i) {
    w.pass(7);
    w.call("POST", "/v1/rooms/lobby/members/alice/heartbeat", w.guest("alice"));
    EXPECT_EQ(w.status(), 200);
    w.call("POST", "/v1/rooms/lobby/members/bob/heartbeat", w.guest("bob"), Json{{"quality", 3}});
    EXPECT_EQ(w.status(), 200);
  }
  w.call("POST", "/v1/rooms/lobby/members/carol/heartbeat", w.guest("carol"));
  EXPECT_EQ(w.code(), "member_unknown");
  w.call("POST", "/v1/rooms/lobby/members/alice/heartbeat", w.guest("bob"));
  EXPECT_EQ(w.code(), "forbidden");
  EXPECT_EQ(w.call("GET", "/v1/rooms/lobby/quality", w.guest("bob"))["quality"],
            (Json{{"bob", 3}}));
  for (const Json& value : {Json(0), Json(7), Json(-1), Json("1"), Json(1.5)}) {
    w.call("POST", "/v1/rooms/lobby/members/bob/heartbeat", w.guest("bob"),
           Json{{"quality", value}});
    EXPECT_EQ(w.code(), "field_bad") << value;
  }
}

TEST(V1, ARoomThatIsOnlyWatchedEndsWithItsLastViewer) {
  V1World w;
  w.call("POST", "/v1/rooms", w.guest("alice"), Json{{"room", "lobby"}});
  w.enter("lobby", "bob", {{"role", "viewer"}});
  for (int i = 0; i < 6; ++i) {
    w.pass(7);
    w.call("POST", "/v1/rooms/lobby/members/bob/heartbeat", w.guest("bob"));
  }
  EXPECT_EQ(w.status(), 200) << "42 s: it counts as entered";
  w.pass(22);
  w.call("GET", "/v1/rooms/lobby", w.guest("bob"));
  EXPECT_EQ(w.code(), "room_unknown");
}

TEST(V1, ModeratorsKickBanMuteLockAndDissolve) {
  V1World w;
  w.make_room("lobby", "alice");
  w.enter("lobby", "bob");
  w.enter("lobby", "carol");
  const std::string alice = w.guest("alice"), bob = w.guest("bob");

  const struct {
    const char* method;
    const char* path;
  } kOrders[] = {{"PATCH", "/v1/rooms/lobby"},
                 {"DELETE", "/v1/rooms/lobby"},
                 {"PATCH", "/v1/rooms/lobby/members/alice"},
                 {"DELETE", "/v1/rooms/lobby/members/alice"},
                 {"PUT", "/v1/rooms/lobby/bans/alice"},
                 {"GET", "/v1/rooms/lobby/bans"},
                 {"DELETE", "/v1/rooms/lobby/bans/alice"}};

  for (const auto& order : kOrders) {
    w.call(order.method, order.path, bob);
    EXPECT_EQ(w.code(), "forbidden") << order.method << order.path;
  }
  Json json = w.call("PATCH", "/v1/rooms/lobby/members/bob", alice,
                     Json{{"rights", {{"push", false}, {"say", false}}}});
  EXPECT_EQ(json["rights"]["push"], false);
  EXPECT_EQ(w.enter("lobby", "bob")["member"]["rights"]["say"], false)
      << "also when he comes again";
  EXPECT_EQ(w.rights_asked.bits(), 8);
  w.call("PATCH", "/v1/rooms/lobby/members/bob", alice, Json{{"rights", {{"push", true}}}});
  w.call("DELETE", "/v1/rooms/lobby/members/bob", alice);
  EXPECT_EQ(w.status(), 204);
  w.enter("lobby", "bob");
  EXPECT_EQ(w.status(), 201) << "kicked is not banned";
  w.call("PUT", "/v1/rooms/lobby/bans/bob", alice);
  EXPECT_EQ(w.status(), 204);
  w.enter("lobby", "bob");
  EXPECT_EQ(w.code(), "banned");
  EXPECT_EQ(w.call("GET", "/v1/rooms/lobby/bans", alice)["bans"], Json{"bob"});
  w.call("DELETE", "/v1/rooms/lobby/bans/bob", alice);
  EXPECT_EQ(w.orders, (std::vector<std::string>{"rights bob 8", "rights bob 15", "out lobby bob",
                                                "out lobby bob"}));
  w.call("PATCH", "/v1/rooms/lobby", alice, Json{{"locked", true}});
  w.enter("lobby", "bob");
  EXPECT_EQ(w.code(), "room_locked");
  w.enter("lobby", "carol");
  EXPECT_EQ(w.status(), 200) << "who is in stays in";
  w.call("DELETE", "/v1/rooms/lobby", alice);
  EXPECT_EQ(w.status(), 204);
  w.call("GET", "/v1/rooms/lobby", alice);
  EXPECT_EQ(w.code(), "room_unknown");
}

TEST(V1, APasswordIsAskedForAndNowhereWritten) {
  V1World w;
  w.call("POST", "/v1/rooms", w.guest("alice"), Json{{"room", "lobby"}, {"password", "open it"}});
  EXPECT_EQ(w.status(), 201);
  w.enter("lobby", "alice", {{"password", "open it"}});
  EXPECT_EQ(w.status(), 201);
  w.enter("lobby", "bob");
  EXPECT_EQ(w.code(), "password_wrong");
  w.enter("lobby", "bob", {{"password", "Open it"}});
  EXPECT_EQ(w.code(), "password_wrong");
  w.enter("lobby", "bob", {{"role", "viewer"}});
  EXPECT_EQ(w.code(), "password_wrong");
  const Json room = w.call("GET", "/v1/rooms/lobby", w.guest("alice"));
  EXPECT_EQ(room["password"], true);
  for (const Change& change : w.store.take_changes()) {
    EXPECT_EQ(journal_line(change).find("open it"), std::string::npos);
  }
  w.call("PATCH", "/v1/rooms/lobby", w.guest("alice"), Json{{"password", nullptr}});
  w.enter("lobby", "bob");
  EXPECT_EQ(w.status(), 201);
}

TEST(V1, ATokenIsForItsRoomAndItsRightsAlone) {
  V1World w;
  w.make_room("lobby", "alice");
  w.make_room("other", "alice");
  const std::string watches = w.jwt("bob", "lobby", {"pull"});
  w.call("POST", "/v1/rooms/other/members", watches, Json::object());
  EXPECT_EQ(w.code(), "forbidden");
  w.call("POST", "/v1/rooms/lobby/members", watches, Json::object());
  EXPECT_EQ(w.code(), "forbidden") << "no push";
  w.call("POST", "/v1/rooms/lobby/members", watches, Json{{"role", "viewer"}});
  EXPECT_EQ(w.status(), 201);
  EXPECT_EQ(w.call("GET", "/v1/rooms", watches)["rooms"].size(), 1U) << "of its room";
  w.call("POST", "/v1/rooms", w.jwt("bob", "*", {"push", "pull"}), Json::object());
  EXPECT_EQ(w.code(), "forbidden") << "no create";
  w.call("POST", "/v1/rooms", w.jwt("bob", "mine", {"create"}), Json{{"room", "yours"}});
  EXPECT_EQ(w.code(), "forbidden");
  EXPECT_EQ(w.call("POST", "/v1/rooms", w.jwt("bob", "mine", {"create"}))["room"], "mine");
  w.call("DELETE", "/v1/rooms/lobby", w.jwt("server", "*", {"moderate"}));
  EXPECT_EQ(w.status(), 204);
}

TEST(V1, WithoutGuestsOnlyTheApplicationsTokensAreGood) {
  V1World w({}, {false, false});
  w.call("GET", "/v1/rooms", "");
  EXPECT_EQ(w.code(), "token_missing");
  EXPECT_EQ(w.status(), 401);
  w.call("GET", "/v1/rooms", w.guest("alice"));
  EXPECT_EQ(w.code(), "token_bad");
  w.call("POST", "/v1/tokens", "", Json{{"user", "alice"}});
  EXPECT_EQ(w.code(), "forbidden");
  w.call("GET", "/v1/rooms", w.jwt("alice", "*", {}));
  EXPECT_EQ(w.status(), 200);
  w.at.wall.value += 3600;
  const std::string late = w.jwt("alice", "*", {});
  w.at.wall.value += 3600;
  w.call("GET", "/v1/rooms", late);
  EXPECT_EQ(w.code(), "token_expired");
}

TEST(V1, GuestsGetTokensAndChooseTheirNamesOnlyWhereThatIsAllowed) {
  V1World chooses;
  const Json token = chooses.call("POST", "/v1/tokens", "", Json{{"user", "alice"}});
  EXPECT_EQ(chooses.status(), 201);
  chooses.call("GET", "/v1/rooms", token["token"].get<std::string>());
  EXPECT_EQ(chooses.status(), 200);
  V1World given({}, {true, false});
  given.call("POST", "/v1/tokens", "", Json{{"user", "alice"}});
  EXPECT_EQ(given.code(), "forbidden");
  EXPECT_EQ(given.call("POST", "/v1/tokens", "")["user"].get<std::string>().rfind("user_", 0), 0U);
}

TEST(V1, BadInputIsRefusedByNameAndChangesNothing) {
  V1World w;
  w.make_room("lobby", "alice");
  w.store.take_changes();
  const std::string members = "/v1/rooms/lobby/members";

  const struct {
    const char* method;
    std::string path, body, code;
    int status;
  } kCases[] = {
      {"POST", "/v1/rooms", "[]", "body_bad", 400},
      {"POST", "/v1/rooms", "{", "body_bad", 400},
      {"POST", "/v1/rooms", "\"x\"", "body_bad", 400},
      {"POST", "/v1/rooms", R"({"roomID":"x"})", "field_bad", 400},
      {"POST", "/v1/rooms", R"({"room":"a b"})", "field_bad", 400},
      {"POST", "/v1/rooms", R"({"room":5})", "field_bad", 400},
      {"POST", "/v1/rooms", R"({"room":")" + std::string(65, 'x') + R"("})", "field_bad", 400},
      {"POST", "/v1/rooms", R"({"type":"triple"})", "field_bad", 400},
      {"POST", "/v1/rooms", R"({"locked":1})", "field_bad", 400},
      {"POST", "/v1/rooms", R"({"password":7})", "field_bad", 400},
      {"POST", "/v1/rooms", R"({"info":")" + std::string(1025, 'x') + R"("})", "field_bad", 400},
      {"POST", "/v1/rooms", R"({"room":"lobby"})", "room_exists", 409},
      {"POST", members, R"({"role":"king"})", "field_bad", 400},
      {"POST", members, R"({"name":{}})", "field_bad", 400},
      {"POST", members, R"({"name":")" + std::string(257, 'x') + R"("})", "field_bad", 400},
      {"POST", members, R"({"name":"\u0001"})", "field_bad", 400},
      {"PATCH", "/v1/rooms/lobby", R"({"locked":"yes"})", "field_bad", 400},
      {"PATCH", "/v1/rooms/lobby", R"({"password":[]})", "field_bad", 400},
      {"PATCH", members + "/alice", R"({"rights":{"fly":true}})", "field_bad", 400},
      {"PATCH", members + "/alice", R"({"rights":{"push":1}})", "field_bad", 400},
      {"PATCH", members + "/alice", R"({"rights":{"moderate":false}})", "field_bad", 400},
      {"PATCH", members + "/bob", R"({"rights":{"push":false}})", "member_unknown", 404},
      {"GET", members + "/a b", "", "member_unknown", 404},
      {"GET", "/v1/rooms/nobody", "", "room_unknown", 404},
      {"GET", "/v1/rooms/a b", "", "room_unknown", 404},
      {"GET", "/v1/rooms?limit=x", "", "field_bad", 400},
      {"GET", "/v1/rooms?type=x", "", "field_bad", 400},
      {"GET", "/v1/rooms/lobby/recordings", "", "recordings_not_available", 501},
      {"GET", "/v1", "", "path_unknown", 404},
      {"GET", "/v1/rooms/", "", "room_unknown", 404},
      {"GET", "/v1/rooms/lobby/", "", "path_unknown", 404},
      {"GET", "/v1/rooms//members", "", "room_unknown", 404},
      {"PUT", "/v1/rooms", "", "method_wrong", 405},
  };

  for (const auto& c : kCases) {
    w.call(c.method, c.path, w.guest("alice"), std::string_view{c.body});
    EXPECT_EQ(w.code(), c.code) << c.method << " " << c.path << " " << c.body;
    EXPECT_EQ(w.status(), c.status) << c.method << " " << c.path << " " << c.body;
    EXPECT_EQ(w.response.content_type, "application/problem+json");
    EXPECT_TRUE(w.store.take_changes().empty()) << c.method << " " << c.path << " " << c.body;
  }
  const auto allow = std::find_if(w.response.headers.begin(), w.response.headers.end(),
                                  [](const auto& field) { return field.first == "allow"; });
  ASSERT_NE(allow, w.response.headers.end());
  EXPECT_EQ(allow->second, "POST, GET");
}

TEST(V1, LimitsHoldAsInTheOtherApi) {
  RoomRules rules;
  rules.pushers_multi = 1;
  rules.rooms = 1;
  V1World w(rules);
  w.make_room("lobby", "alice");
  w.enter("lobby", "bob");
  EXPECT_EQ(w.code(), "room_full");
  w.call("POST", "/v1/rooms", w.guest("alice"), Json{{"room", "more"}});
  EXPECT_EQ(w.code(), "too_many_rooms");
  const std::string alice = w.guest("alice");
  for (std::size_t i = 0; i <= kModeratedMax; ++i) {
    w.call("PUT", "/v1/rooms/lobby/bans/u" + std::to_string(i), alice);
  }
  EXPECT_EQ(w.code(), "too_many_moderated");
}

TEST(V1, MessagesGoToTheOtherApiAndComeFromIt) {
  V1World w;
  w.make_room("lobby", "alice");
  const auto say = [&w](const Json& body) {
    w.call("POST", "/v1/rooms/lobby/messages", w.guest("alice"), body);
    EXPECT_EQ(w.status(), 201) << body;
    return w.v1.take_said();
  };
  auto said = say({{"text", "hello"}});
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].text, "hello");
  EXPECT_EQ(said[0].command, "");
  said = say({{"data", {{"cmd", "like"}, {"msg", "up"}}}});
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].command, "like");
  EXPECT_EQ(said[0].text, "up");
  for (const char* own : {R"({"cmd":"like"})", R"({"cmd":"","msg":"x"})", R"({"cmd":1,"msg":"x"})",
                          R"({"cmd":"a","msg":"b","c":1})", "[1]", "null"}) {
    EXPECT_TRUE(say({{"data", Json::parse(own)}}).empty()) << own;
  }
  w.v1.tell({room_id("lobby"), user_id("bob"), "up", "like"}, w.at);
  w.v1.tell({room_id("lobby"), user_id("bob"), "hi"}, w.at);
  const Json heard =
      w.call("GET", "/v1/rooms/lobby/messages", w.guest("alice"), std::string_view{})["messages"];
  EXPECT_EQ(heard[heard.size() - 2]["kind"], "custom");
  EXPECT_EQ(heard[heard.size() - 2]["data"], (Json{{"cmd", "like"}, {"msg", "up"}}));
  EXPECT_EQ(heard[heard.size() - 1]["text"], "hi");
  EXPECT_TRUE(w.v1.take_said().empty());
}

TEST(V1, EverythingOfARoomComesBackFromTheJournal) {
  V1World w;
  w.call("POST", "/v1/rooms", w.guest("alice"), Json{{"room", "lobby"}, {"password", "x"}});
  w.enter("lobby", "alice", {{"password", "x"}});
  w.enter("lobby", "bob", {{"password", "x"}, {"role", "viewer"}});
  w.call("PATCH", "/v1/rooms/lobby/members/bob", w.guest("alice"),
         Json{{"rights", {{"say", false}}}});
  w.call("PUT", "/v1/rooms/lobby/bans/eve", w.guest("alice"));
  w.call("PATCH", "/v1/rooms/lobby", w.guest("alice"), Json{{"locked", true}});
  const std::string lines = as_lines(w.store.take_changes());
  const JournalContent content = read_journal(lines);
  EXPECT_FALSE(content.damaged);
  V1World again;
  for (const Change& change : content.changes) EXPECT_TRUE(again.store.restore(w.at.now, change));
  EXPECT_EQ(as_lines(again.store.snapshot()), as_lines(w.store.snapshot()));
  for (const char* path : {"/v1/rooms/lobby", "/v1/rooms/lobby/members", "/v1/rooms/lobby/bans"}) {
    EXPECT_EQ(again.call("GET", path, again.guest("alice")), w.call("GET", path, w.guest("alice")));
  }
}

/// In the rows of docs/API.md, and in the codes it lists.
TEST(V1, TheDocumentHasEveryRouteFieldAndCodeAndNoOther) {
  std::ifstream file(SLUICE_SOURCE_FOLDER "/docs/API.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::size_t at = text.find("## The clean API");
  ASSERT_NE(at, std::string::npos);
  const std::string section = text.substr(at, text.find("\n## ", at + 5) - at);
  std::set<std::string> told, made;
  for (at = section.find("\n| `"); at != std::string::npos; at = section.find("\n| `", at + 1)) {
    const std::string call = section.substr(at + 4, section.find('`', at + 4) - at - 4);
    if (call.find(" /v1/") != std::string::npos) told.insert(call.substr(0, call.find('?')));
  }
  for (const V1::Route& route : V1::routes()) {
    const std::string call = std::string{route.method} + " " + route.path;
    made.insert(call);
    const std::size_t line = section.find("\n| `" + call);
    ASSERT_NE(line, std::string::npos) << call;
    const std::string row = section.substr(line, section.find('\n', line + 1) - line);
    for (const char* field : route.fields) {
      if (field == nullptr) continue;
      EXPECT_NE(row.find("`" + std::string{field} + "`"), std::string::npos) << row << field;
    }
  }
  EXPECT_EQ(told, made);
  for (const ProblemRow& row : problem_rows()) {
    EXPECT_NE(section.find("`" + std::string{row.code} + "`"), std::string::npos) << row.code;
    EXPECT_EQ(&row_of(row.problem), &row);
    EXPECT_FALSE(row.cure.empty());
  }
}

}  // namespace
}  // namespace sluice::rooms
