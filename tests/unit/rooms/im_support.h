// An Im beside its rooms, called as a client of the message service would; no socket and no clock.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "rooms/im.h"
#include "sim/xoshiro.h"
#include "tests/unit/rooms/api_support.h"
#include "tests/unit/rooms/rooms_support.h"

namespace sluice::rooms {

class ImWorld : public ApiWorld {
  sim::Xoshiro ids_{11};

 public:
  explicit ImWorld(MailboxLimits limits = {})
      : im({store, accounts, ids_.source()}, "1400000001", limits) {}

  struct Login {
    std::string user, tiny, a2;
    std::string group, key;  // of the last join
    std::uint64_t next = 0;  // StartSeq of the next poll
    std::uint64_t heard = 0;
  };

  /// The answer, or nothing when it comes later; its number is `last`.
  std::optional<Json> send(std::string_view path, std::vector<std::string> query,
                           const std::string& body) {
    net::HttpRequest request;
    request.method = "POST";
    request.path = path;
    request.arguments = query;
    request.body = as_bytes(body);
    request.id = net::HttpRequestId{++last};
    const Im::Reply reply = im.handle(request, at);
    after = reply.after_answers;
    flush();
    if (!reply.response) return std::nullopt;
    status = reply.response->status;
    return Json::parse(reply.response->body, nullptr, false);
  }

  Login login(const std::string& user) {
    const auto sig = accounts.issue(TokenKind::kUserSig, *UserId::parse(user), at.wall);
    const auto json =
        send("/v4/openim/login", {"sdkappid=1400000001", "identifier=" + user, "usersig=" + sig},
             R"({"State":"Online"})");
    return {user, json->value("TinyId", ""), json->value("A2Key", ""), "", ""};
  }

  std::optional<Json> as(const Login& who, std::string_view path, const Json& body) {
    return send(path, {"sdkappid=1400000001", "tinyid=" + who.tiny, "a2=" + who.a2}, body.dump());
  }

  int error(const Login& who, std::string_view path, const Json& body) {
    const auto json = as(who, path, body);
    return json ? json->value("ErrorCode", -1) : -2;
  }

  int join(Login& who, const std::string& group) {
    const auto json = as(who, kGroups + "apply_join_group", {{"GroupId", group}});
    who.group = group;
    who.key = json->value("LongPollingKey", "");
    who.next = 0;
    return json->value("ErrorCode", -1);
  }

  /// As the clients: the next poll begins where the last answer said.
  std::optional<Json> poll(Login& who, int hold = 50) {
    const Json body{{"StartSeq", who.next}, {"HoldTime", hold}, {"Key", who.key}};
    const auto json = send(kGetMessage, {}, body.dump());
    if (json) who.next = json->value("NextSeq", who.next);
    return json;
  }

  std::optional<Json> poll_user(Login& who) {
    const Json cookie{{"NotifySeq", 0}, {"NoticeSeq", who.heard}, {"LongPollingId", who.tiny}};
    return as(who, "/v4/openim/longpolling", {{"Timeout", 50}, {"Cookie", cookie}});
  }

  static Json text_body(const std::string& text) {
    const std::string data = R"({"cmd":"CustomTextMsg","data":{"nickName":"n","headPic":"p"}})";
    return Json::array({{{"MsgType", "TIMCustomElem"},
                         {"MsgContent", {{"Data", data}, {"Desc", ""}, {"Ext", ""}}}},
                        {{"MsgType", "TIMTextElem"}, {"MsgContent", {{"Text", text}}}}});
  }

  int say(const Login& who, const std::string& text) {
    return error(who, kGroups + "send_group_msg",
                 {{"GroupId", who.group},
                  {"From_Account", who.user},
                  {"Random", 5},
                  {"MsgPriority", "COMMON"},
                  {"MsgBody", text_body(text)}});
  }

  int send_to(const Login& who, const std::string& user, const std::string& text) {
    return error(who, "/v4/openim/sendmsg",
                 {{"From_Account", who.user},
                  {"To_Account", user},
                  {"MsgTimeStamp", 1},
                  {"MsgSeq", 2},
                  {"MsgRandom", 3},
                  {"MsgBody", text_body(text)}});
  }

  /// What the service does after each call.
  void flush() {
    static_cast<void>(store.take_changes());
    for (const Event& event : store.take_events()) im.handle_event(event, at);
    for (const Im::Answer& answer : im.take_answers()) {
      answers[static_cast<std::uint64_t>(answer.id)] =
          Json::parse(answer.response.body, nullptr, false);
    }
  }

  /// The late answer to a request; nothing when there is none yet.
  std::optional<Json> late(std::uint64_t number) {
    const auto found = answers.find(number);
    return found == answers.end() ? std::nullopt : std::optional<Json>{found->second};
  }

  void pass(Duration time) {
    at.now += time;
    at.wall.value += std::chrono::duration_cast<std::chrono::seconds>(time).count();
    store.handle_timeout(at.now);
    im.handle_timeout(at.now);
    flush();
  }

  void enter(const std::string& room, const std::string& user) {
    EXPECT_EQ(code("multi_room/add_pusher", user, entry(room, user)), 0);
    flush();
  }

  static inline const std::string kGroups = "/v4/group_open_http_svc/";
  static inline const std::string kGetMessage =
      "/v1/group_open_long_polling_http_noauth_svc/get_msg";

  Im im;
  std::uint64_t last = 0;  // number of the last request
  bool after = false;
  std::map<std::uint64_t, Json> answers;
};

/// "255", "5", "text:hello", "" of an answer's items.
inline std::string items(const std::optional<Json>& answer) {
  std::string text;
  if (!answer || !answer->contains("RspMsgList")) return "none";
  for (const Json& item : (*answer)["RspMsgList"]) {
    if (!text.empty()) text += ' ';
    if (item["Event"] == 5) {
      text += std::to_string(item["MsgBody"]["ReportType"].get<int>());
    } else {
      text += "text:" + item["MsgBody"][1]["MsgContent"]["Text"].get<std::string>();
    }
  }
  return text;
}

}  // namespace sluice::rooms
