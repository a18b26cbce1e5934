#include "rooms/api.h"

#include <fstream>
#include <iterator>
#include <set>

#include <gtest/gtest.h>

#include "tests/unit/rooms/api_support.h"

namespace sluice::rooms {
namespace {

TEST(Api, TheFlowOfARoomOfThree) {
  ApiWorld w;
  Json info = w.call("GET", "/weapp/utils/get_login_info", {"userID=alice"}, "");
  ASSERT_EQ(info["code"], 0);
  EXPECT_EQ(info["sdkAppID"], 1400000001);
  const std::string sig = info["userSig"];
  const Json login =
      w.call("POST", "/weapp/multi_room/login",
             {"accountType=10001", "sdkAppID=1400000001", "userSig=" + sig, "userID=alice"}, "{}");
  ASSERT_EQ(login["code"], 0) << login;
  const std::string token = login["token"];
  EXPECT_EQ(token.find_first_of("+&#%"), std::string::npos);
  EXPECT_EQ(w.post("multi_room/get_room_list", "alice", {{"index", 0}, {"cnt", 20}})["rooms"],
            Json::array());
  const std::string url =
      w.post("multi_room/get_push_url", "alice", {{"userID", "alice"}})["pushURL"];
  const std::string room = w.post("multi_room/create_room", "alice",
                                  {{"userID", "alice"}, {"roomInfo", "demo"}})["roomID"];
  EXPECT_EQ(w.code("multi_room/get_pushers", "bob", {{"roomID", room}}), 3) << "nobody entered it";
  Json entry = w.entry(room, "alice");
  entry["pushURL"] = url;
  const Json entered = w.post("multi_room/add_pusher", "alice", entry);
  EXPECT_EQ(entered["code"], 0) << entered;
  EXPECT_FALSE(entered.contains("roomID"));
  EXPECT_EQ(w.code("multi_room/add_pusher", "bob", w.entry(room, "bob")), 0);
  EXPECT_EQ(w.code("multi_room/pusher_heartbeat", "bob", {{"roomID", room}, {"userID", "bob"}}), 0);
  const Json seen = w.post("multi_room/get_pushers", "bob", {{"roomID", room}});
  EXPECT_EQ(seen["roomCreator"], "alice");
  EXPECT_EQ(seen["roomInfo"], "demo");
  EXPECT_EQ(seen["custom"], "{}");
  ASSERT_EQ(seen["pushers"].size(), 2U);
  EXPECT_EQ(seen["pushers"][1]["userID"], "bob");
  EXPECT_FALSE(seen["pushers"][1].contains("pushURL"));
  const std::string mixed = seen["mixedPlayURL"];
  EXPECT_EQ(mixed.rfind("https://play.test/live/8888_alice_", 0), 0U);
  EXPECT_EQ(
      w.post("multi_room/get_room_list", "carol", {{"index", 0}, {"cnt", 20}})["rooms"].size(), 1U);
  EXPECT_EQ(w.code("multi_room/delete_pusher", "bob", {{"roomID", room}, {"userID", "bob"}}), 0);
  EXPECT_EQ(w.code("multi_room/delete_pusher", "bob", {{"roomID", room}, {"userID", "bob"}}), 5);
  EXPECT_EQ(w.code("multi_room/delete_pusher", "alice", {{"roomID", room}, {"userID", "alice"}}),
            0);
  EXPECT_EQ(w.code("multi_room/get_pushers", "bob", {{"roomID", room}}), 3);
}

TEST(Api, AddPusherOnAnUnknownRoomMakesIt) {
  ApiWorld w;
  const Json made = w.post("double_room/add_pusher", "alice", w.entry("42", "alice"));
  EXPECT_EQ(made["code"], 0);
  EXPECT_EQ(made["roomID"], "42");
  EXPECT_EQ(w.code("double_room/add_pusher", "bob", w.entry("42", "bob")), 0);
  EXPECT_EQ(w.code("double_room/add_pusher", "carol", w.entry("42", "carol")), 5001);
  EXPECT_EQ(w.code("double_room/get_pushers", "carol", {{"roomID", 42}}), 0) << "a numeric id";
}

TEST(Api, TheFirstGenerationCreatesAndEntersAtOnce) {
  ApiWorld w;
  const Json made = w.post("multi_room/create_room", "alice",
                           {{"userID", "alice"},
                            {"roomName", "old"},
                            {"userName", "A"},
                            {"userAvatar", ""},
                            {"pushURL", w.push_url("alice")}});
  ASSERT_EQ(made["code"], 0) << made;
  const Json seen = w.post("multi_room/get_pushers", "bob", {{"roomID", made["roomID"]}});
  EXPECT_EQ(seen["roomInfo"], "old");
  EXPECT_EQ(seen["pushers"].size(), 1U);
  EXPECT_EQ(w.call("POST", "/weapp/multi_room/get_im_login_info", {},
                   "{\"userIDPrefix\":\"weixin\"}")["code"],
            0);
}

TEST(Api, WrongCallsGetTheirCodesAndChangeNothing) {
  ApiWorld w;
  ASSERT_EQ(w.code("live_room/add_pusher", "alice", w.entry("r", "alice")), 0);
  Json no_url = w.entry("r", "bob"), foreign_url = w.entry("r", "bob"),
       cut_url = w.entry("r", "bob");
  no_url.erase("pushURL");
  foreign_url["pushURL"] = w.push_url("alice");
  cut_url["pushURL"] = "rtmp://push.test/live/8888_bob_1234";
  Json play_url = w.entry("r", "bob");
  play_url["pushURL"] =
      w.addresses.play_url(w.addresses.new_stream(*UserId::parse("bob")), w.at.wall);

  struct Case {
    const char* path;
    Json body;
    int code;
  };

  const Case table[] = {
      {"live_room/get_push_url", Json::object(), 1},
      {"live_room/get_room_list", {{"cnt", 1}}, 1},
      {"live_room/get_room_list", {{"cnt", -1}, {"index", 0}}, 1},
      {"live_room/get_room_list", {{"cnt", "x"}, {"index", 0}}, 1},
      {"live_room/get_pushers", Json::object(), 1},
      {"live_room/get_pushers", {{"roomID", "none"}}, 3},
      {"live_room/get_pushers", {{"roomID", "a/b"}}, 3},
      {"multi_room/get_pushers", {{"roomID", "r"}}, 3},
      {"live_room/create_room", {{"userID", "bob"}}, 1},
      {"live_room/create_room", {{"userID", "bob"}, {"roomInfo", std::string(1025, 'i')}}, 10},
      {"live_room/create_room", {{"userID", "bob"}, {"roomInfo", ""}, {"roomID", "r"}}, 11},
      {"live_room/create_room", {{"userID", "bob"}, {"roomInfo", ""}, {"roomID", "a b"}}, 1},
      {"live_room/destroy_room", {{"roomID", "r"}, {"userID", "bob"}}, 3},
      {"live_room/destroy_room", {{"roomID", "none"}, {"userID", "bob"}}, 3},
      {"live_room/add_pusher", no_url, 1},
      {"live_room/add_pusher", foreign_url, 1},
      {"live_room/add_pusher", cut_url, 1},
      {"live_room/add_pusher", play_url, 1},
      {"live_room/delete_pusher", {{"roomID", "r"}, {"userID", "bob"}}, 5},
      {"live_room/pusher_heartbeat", {{"roomID", ""}, {"userID", "bob"}}, 5},
      {"live_room/pusher_heartbeat", {{"roomID", "r"}, {"userID", "alice"}}, 7},
      {"live_room/merge_stream", {{"roomID", "r"}, {"userID", "bob"}, {"mergeParams", "{"}}, 10},
      {"live_room/add_audience", {{"roomID", "r"}, {"userID", "bob"}}, 1},
      {"live_room/add_audience", {{"roomID", "none"}, {"userID", "bob"}, {"userInfo", "{}"}}, 3},
      {"live_room/get_custom_info", {{"roomID", "none"}}, 3},
      {"live_room/set_custom_field",
       {{"roomID", "r"}, {"fieldName", "f"}, {"operation", "mul"}},
       1},
      {"live_room/set_custom_field",
       {{"roomID", "r"}, {"fieldName", "f"}, {"operation", "set"}},
       1},
  };
  w.store.take_changes();
  for (const Case& c : table) EXPECT_EQ(w.code(c.path, "bob", c.body), c.code) << c.path << c.body;
  EXPECT_TRUE(w.store.take_changes().empty());
}

TEST(Api, AuthorizationNamesWhatIsWrong) {
  ApiWorld w;
  const auto detail = [&](const std::vector<std::string>& query, std::string_view body = "{}") {
    const Json json = w.call("POST", "/weapp/multi_room/get_pushers", query, body);
    EXPECT_EQ(json["code"], 7);
    const std::string message = json["message"];
    return message.substr(message.find('(') + 1, 1);
  };
  const auto alice = w.login_query("alice");
  EXPECT_EQ(detail({}), "4");
  EXPECT_EQ(detail({alice[0]}), "4");
  EXPECT_EQ(detail({alice[0], "token=abc"}), "2");
  EXPECT_EQ(detail({alice[0], alice[1] + "A"}), "2");
  EXPECT_EQ(detail({"userID=bob", alice[1]}), "1");
  EXPECT_EQ(detail(alice, "{\"userID\":\"bob\"}"), "1");
  EXPECT_EQ(detail(alice, "{\"userID\":5}"), "1");
  const auto sig = w.accounts.issue(TokenKind::kUserSig, *UserId::parse("alice"), w.at.wall);
  EXPECT_EQ(detail({alice[0], "token=" + sig}), "2") << "a userSig is no token";
  w.at.wall.value += 8 * 86400;
  EXPECT_EQ(detail(alice), "3") << "expired";
}

TEST(Api, LoginTakesAGoodUserSigAlone) {
  ApiWorld w;
  const auto sig = [&](const char* user) {
    return "userSig=" + w.accounts.issue(TokenKind::kUserSig, *UserId::parse(user), w.at.wall);
  };
  const auto code = [&](std::vector<std::string> query) {
    return w.call("POST", "/weapp/live_room/login", std::move(query), "{}")["code"];
  };
  EXPECT_EQ(code({"accountType=10001", "sdkAppID=1400000001", sig("a"), "userID=a"}), 0);
  EXPECT_EQ(code({"accountType=10001", "sdkAppID=1400000001", sig("a"), "userID=b"}), 7);
  EXPECT_EQ(code({"accountType=1", "sdkAppID=1400000001", sig("a"), "userID=a"}), 7);
  EXPECT_EQ(code({"accountType=10001", "sdkAppID=1", sig("a"), "userID=a"}), 7);
  EXPECT_EQ(code({"accountType=10001", "sdkAppID=1400000001", "userSig=x*y=", "userID=a"}), 7);
  EXPECT_EQ(code({"accountType=10001", "sdkAppID=1400000001", "userID=a"}), 7);
}

TEST(Api, AfterALogoutTheTokenIsVoidAndANewLoginWorks) {
  ApiWorld w;
  const auto query = w.login_query("alice");
  const auto list = [&](const std::vector<std::string>& with) {
    return w.call("POST", "/weapp/multi_room/get_room_list", with,
                  "{\"cnt\":1,\"index\":0}")["code"];
  };
  EXPECT_EQ(list(query), 0);
  EXPECT_EQ(w.call("POST", "/weapp/double_room/logout", query, "{}")["code"], 0);
  EXPECT_EQ(list(query), 7);
  EXPECT_EQ(list(w.login_query("alice")), 0) << "within the same second";
  EXPECT_EQ(list(w.login_query("bob")), 0);
  const auto changes = w.api.take_changes();
  ASSERT_EQ(changes.size(), 1U);
  ApiWorld after;
  after.accounts.restore(std::get<TokensVoid>(changes[0]));
  EXPECT_FALSE(after.accounts.check(TokenKind::kToken, query[1].substr(6), after.at.wall));
}

TEST(Api, IdsAreGivenUnlessTheServiceLetsThemBeChosen) {
  ApiWorld w({}, {.chosen_ids = false});
  const Json given = w.call("GET", "/weapp/utils/get_login_info", {"userIDPrefix=weixin"}, "");
  EXPECT_EQ(given["code"], 0);
  EXPECT_EQ(given["userID"].get<std::string>().rfind("user_", 0), 0U);
  EXPECT_EQ(w.call("GET", "/weapp/utils/get_login_info", {"userID=alice"}, "")["code"], 7);
  ApiWorld open;
  EXPECT_EQ(open.call("GET", "/weapp/utils/get_login_info", {"userID=a%b"}, "")["code"], 1);
  EXPECT_EQ(open.call("GET", "/weapp/utils/get_login_info", {"userID=" + std::string(49, 'u')},
                      "")["code"],
            1);
  EXPECT_EQ(open.call("GET", "/weapp/utils/get_login_info", {"userID=" + std::string(48, 'u')},
                      "")["code"],
            0);
}

TEST(Api, BodiesMayBeFormsAndTextXml) {
  ApiWorld w;
  const auto list = [&](std::string_view type, std::string_view body) {
    return w.call("POST", "/weapp/multi_room/get_room_list", w.login_query("a"), body,
                  type)["code"];
  };
  EXPECT_EQ(list("application/x-www-form-urlencoded", "cnt=5&index=0"), 0);
  EXPECT_EQ(list("application/json; charset=utf-8", "{\"cnt\":\"5\",\"index\":\"0\"}"), 0);
  EXPECT_EQ(list("text/xml", "{\"cnt\":5,\"index\":0}"), 0);
  EXPECT_EQ(list("text/plain", "{\"cnt\":5,\"index\":0}"), 1);
  EXPECT_EQ(list("", "cnt=5&index=0"), 1);
  for (const char* bad : {"{", "[]", "5", "\"x\"", "{\"cnt\":5,}"}) {
    EXPECT_EQ(list("application/json", bad), 1) << bad;
  }
  const std::string deep = "{\"cnt\":" + std::string(30000, '[') + std::string(30000, ']') + "}";
  EXPECT_EQ(list("application/json", deep), 1);
}

TEST(Api, ALiveRoomHasAudienceFieldsAndALayout) {
  ApiWorld w;
  ASSERT_EQ(w.code("live_room/add_pusher", "alice", w.entry("r", "alice")), 0);
  const Json viewer{{"roomID", "r"}, {"userID", "v"}, {"userInfo", "{\"userName\":\"V\"}"}};
  EXPECT_EQ(w.code("live_room/add_audience", "v", viewer), 0);
  EXPECT_EQ(w.code("live_room/add_audience", "v", viewer), 0);
  Json list = w.post("live_room/get_audiences", "alice", {{"roomID", "r"}});
  EXPECT_EQ(list["audienceCount"], 1);
  EXPECT_EQ(list["audiences"][0]["userInfo"], "{\"userName\":\"V\"}");
  EXPECT_EQ(w.post("live_room/get_room_list", "v",
                   {{"cnt", 9}, {"index", 0}})["rooms"][0]["audienceCount"],
            1);
  EXPECT_EQ(w.code("live_room/delete_audience", "v", {{"roomID", "r"}, {"userID", "v"}}), 0);
  EXPECT_EQ(w.code("live_room/delete_audience", "v", {{"roomID", "r"}, {"userID", "v"}}), 0);
  EXPECT_EQ(w.post("live_room/get_audiences", "alice", {{"roomID", "r"}})["audienceCount"], 0);

  const auto set = [&](const char* operation, const Json& value) {
    return w.post(
        "live_room/set_custom_field", "v",
        {{"roomID", "r"}, {"fieldName", "n"}, {"operation", operation}, {"value", value}});
  };
  EXPECT_EQ(set("inc", nullptr)["custom"], "{\"n\":1}");
  EXPECT_EQ(set("dec", nullptr)["custom"], "{\"n\":0}");
  EXPECT_EQ(set("set", "7")["custom"], "{\"n\":7}");
  EXPECT_EQ(set("set", "seven")["custom"], "{\"n\":\"seven\"}");
  EXPECT_EQ(set("set", Json::array())["code"], 1);
  EXPECT_EQ(w.post("live_room/get_custom_info", "v", {{"roomID", "r"}})["custom"],
            "{\"n\":\"seven\"}");
}

TEST(Api, MixingSeveralStreamsIsNotFeigned) {
  ApiWorld w;
  ASSERT_EQ(w.code("live_room/add_pusher", "alice", w.entry("r", "alice")), 0);
  const auto merge = [&](int inputs, const char* user, bool as_text) {
    Json list = Json::array();
    for (int i = 0; i < inputs; ++i) list.push_back({{"input_stream_id", "s" + std::to_string(i)}});
    const Json layout{{"interface", {{"para", {{"input_stream_list", list}}}}}};
    return w.post("live_room/merge_stream", user,
                  {{"roomID", "r"},
                   {"userID", user},
                   {"mergeParams", as_text ? Json(layout.dump()) : layout}});
  };
  EXPECT_EQ(merge(1, "alice", true)["result"]["code"], 0);
  const Json two = merge(2, "alice", false);
  EXPECT_EQ(two["code"], 0);
  EXPECT_NE(two["result"]["code"], 0);
  EXPECT_EQ(two["result"]["message"], "mixing not available");
  EXPECT_EQ(merge(0, "alice", true)["code"], 10);
  EXPECT_EQ(merge(1, "bob", true)["code"], 3);
  EXPECT_EQ(merge(500, "alice", true)["code"], 10) << "larger than a layout may be";
}

TEST(Api, WithoutAHostThereIsNoAddress) {
  ApiWorld w;
  w.addresses.set_hosts("", "");
  EXPECT_EQ(w.code("multi_room/get_push_url", "alice", {{"userID", "alice"}}), -1);
  EXPECT_EQ(w.call("GET", "/weapp/utils/get_test_pushurl", {}, "")["code"], -1);
  EXPECT_EQ(w.call("GET", "/weapp/utils/get_test_rtmpaccurl", {}, "")["code"], -1);
  EXPECT_NE(w.call("GET", "/weapp/utils/check_config", {}, "")["result"], "ok");
}

TEST(Api, ATicketComesWithAnAddressWhereTheUserMayEnter) {
  ApiWorld w;
  w.api.set_access([](const RoomId&, const UserId&, const ApiCall&) {
    return RelayAccess{"relay:4700", "aa", "bb", "cc", 5};
  });
  const auto has_ticket = [&](const char* path, const char* user, const char* room) {
    return w.post(path, user, {{"userID", user}, {"roomID", room}}).contains("relay");
  };
  EXPECT_TRUE(has_ticket("double_room/get_push_url", "alice", "new"));
  EXPECT_FALSE(has_ticket("double_room/get_push_url", "alice", ""));
  for (const char* user : {"alice", "bob"})
    w.post("double_room/add_pusher", user, w.entry("d", user));
  EXPECT_TRUE(has_ticket("double_room/get_push_url", "bob", "d"));
  EXPECT_FALSE(has_ticket("double_room/get_push_url", "carol", "d")) << "it is full";
  EXPECT_FALSE(has_ticket("multi_room/get_push_url", "carol", "d")) << "of another type";
}

TEST(Api, OtherPathsAndMethodsAreNoSuccess) {
  ApiWorld w;
  for (const char* path :
       {"/", "/weapp", "/weapp/", "/weapp/multi_room", "/weapp/multi_room/",
        "/weapp/multi_room/login/", "/weapp/multi_room/merge_stream", "/weapp/utils/login",
        "/weapp/_room/login", "/weapp/any_room/login", "/multi_room/login"}) {
    EXPECT_EQ(w.call("POST", path, {}, "{}")["code"], 404) << path;
    EXPECT_EQ(w.status, 404);
  }
  EXPECT_EQ(w.call("GET", "/weapp/multi_room/login", {}, "")["code"], 405);
  EXPECT_EQ(w.call("POST", "/weapp/utils/check_config", {}, "{}")["code"], 405);
  w.call("OPTIONS", "/weapp/multi_room/login", {}, "");
  EXPECT_EQ(w.status, 204);
  EXPECT_EQ(w.call("GET", "/weapp/utils/logfilelist", {}, "")["code"], 7);
  EXPECT_EQ(w.call("GET", "/weapp/utils/getlogfile", {"file=../../etc/passwd"}, "")["code"], 7);
  EXPECT_EQ(w.call("POST", "/weapp/utils/report", {}, "{\"reportID\":1}")["code"], 0);
}

TEST(Api, TheDocumentHasEveryRouteAndNoOther) {
  std::ifstream file(SLUICE_SOURCE_FOLDER "/docs/API.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  ASSERT_FALSE(text.empty());
  std::set<std::string> told;
  std::size_t at = text.find("## Calls");
  const std::size_t end = text.find("\n## ", at + 5);
  for (at = text.find("\n| `", at); at < end; at = text.find("\n| `", at + 1)) {
    told.insert(text.substr(at + 4, text.find('`', at + 4) - at - 4));
  }
  std::set<std::string> made;
  for (const Api::Route& route : Api::routes()) {
    const bool utils = route.where == Api::Where::kUtils;
    made.insert((utils ? "utils/" : "") + std::string{route.name});
    for (const std::string& path : Api::paths_of(route)) {
      const auto found = Api::find(path);
      ASSERT_TRUE(found) << path;
      EXPECT_EQ(found->route, &route) << path;
    }
    // The fields a body must have stand in the route's line.
    const std::size_t line =
        text.find("\n| `" + std::string{utils ? "utils/" : ""} + route.name + "`");
    const std::string row = text.substr(line, text.find('\n', line + 1) - line);
    for (const char* field : route.required) {
      if (field == nullptr) continue;
      EXPECT_NE(row.find("**" + std::string{field} + "**"), std::string::npos) << row;
    }
  }
  EXPECT_EQ(told, made);
}

}  // namespace
}  // namespace sluice::rooms
