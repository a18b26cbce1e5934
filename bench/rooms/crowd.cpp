#include "bench/rooms/crowd.h"

#include <nlohmann/json.hpp>

namespace sluice::bench {
namespace {

using client::HttpAnswer;
using client::HttpQuestion;
using Json = nlohmann::json;

const std::string kGroups = "/v4/group_open_http_svc/";

Json json_of(const HttpAnswer& answer) { return Json::parse(answer.body, nullptr, false); }

std::string text_of(const Json& json, const char* name) {
  const auto at = json.find(name);
  if (at == json.end()) return {};
  return at->is_string() ? at->get<std::string>() : at->dump();
}

}  // namespace

bool taken(const HttpAnswer& answer) {
  const Json json = json_of(answer);
  return answer.status == 200 && json.is_object() &&
         json.value("code", json.value("ErrorCode", 0)) == 0;
}

std::size_t Crowd::add_room(std::size_t members, bool live, bool talks) {
  CrowdRoom room;
  room.live = live;
  room.talks = talks;
  for (std::size_t i = 0; i < members; ++i) {
    CrowdMember member;
    member.user = "m" + std::to_string(members_.size());
    member.room = rooms_.size();
    room.members.push_back(members_.size());
    members_.push_back(std::move(member));
  }
  rooms_.push_back(std::move(room));
  return rooms_.size() - 1;
}

std::string Crowd::folder(std::size_t member) const {
  return rooms_[members_[member].room].live ? "/weapp/live_room/" : "/weapp/multi_room/";
}

HttpQuestion Crowd::ask(std::size_t member, const std::string& call,
                        const std::string& body) const {
  const CrowdMember& who = members_[member];
  return {"POST", folder(member) + call + "?userID=" + who.user + "&token=" + who.token, {}, body};
}

HttpQuestion Crowd::heartbeat(std::size_t member) const {
  const CrowdMember& who = members_[member];
  return ask(member, "pusher_heartbeat",
             R"({"roomID":")" + rooms_[who.room].id + R"(","userID":")" + who.user + R"("})");
}

HttpQuestion Crowd::pushers(std::size_t member) const {
  return ask(member, "get_pushers", R"({"roomID":")" + rooms_[members_[member].room].id + R"("})");
}

HttpQuestion Crowd::room_list(std::size_t member) const {
  return ask(member, "get_room_list", R"({"index":0,"cnt":20})");
}

HttpQuestion Crowd::message(std::size_t member) const {
  const CrowdMember& who = members_[member];
  const Json data{{"cmd", "CustomTextMsg"}, {"data", {{"nickName", who.user}, {"headPic", ""}}}};
  const Json body{
      {"GroupId", rooms_[who.room].id},
      {"From_Account", who.user},
      {"Random", 7},
      {"MsgBody",
       {{{"MsgType", "TIMCustomElem"},
         {"MsgContent", {{"Data", data.dump()}, {"Desc", ""}, {"Ext", ""}}}},
        {{"MsgType", "TIMTextElem"}, {"MsgContent", {{"Text", "how are you all today?"}}}}}}};
  return {"POST", kGroups + "send_group_msg?" + who.im_query, {}, body.dump()};
}

HttpQuestion Crowd::poll(std::size_t member) const {
  const CrowdMember& who = members_[member];
  const Json body{{"StartSeq", who.poll_from}, {"HoldTime", 90}, {"Key", who.poll_key}};
  return {"POST",
          "/v1/group_open_long_polling_http_noauth_svc/get_msg?" + who.im_query,
          {},
          body.dump()};
}

HttpQuestion Crowd::change(std::size_t member, const std::string& push_url) const {
  const CrowdMember& who = members_[member];
  const Json body{{"roomID", rooms_[who.room].id}, {"userID", who.user},  {"userName", who.user},
                  {"userAvatar", "123"},           {"pushURL", push_url}, {"roomInfo", ""}};
  return ask(member, "add_pusher", body.dump());
}

bool JoinScript::wanted(Step step) const {
  const CrowdRoom& room = crowd_.rooms()[room_];
  switch (step) {
    case Step::kCreate:
      return at_ == 0;
    case Step::kPushUrl:
    case Step::kAddPusher:
      return at_ == 0 || !room.live;
    case Step::kImLogin:
    case Step::kJoinGroup:
      return at_ == 0 || room.talks;
    default:
      return true;
  }
}

void JoinScript::advance() {
  do {
    step_ = static_cast<Step>(static_cast<int>(step_) + 1);
    if (step_ != Step::kDone) continue;
    if (++at_ == crowd_.rooms()[room_].members.size()) return;
    step_ = Step::kLoginInfo;
  } while (!wanted(step_));
}

std::optional<HttpQuestion> JoinScript::next() {
  if (at_ == crowd_.rooms()[room_].members.size()) return std::nullopt;
  const std::size_t number = crowd_.rooms()[room_].members[at_];
  const CrowdMember& who = member();
  switch (step_) {
    case Step::kLoginInfo:
      return HttpQuestion{"GET", "/weapp/utils/get_login_info?userID=" + who.user, {}, {}};
    case Step::kLogin: {
      HttpQuestion question = crowd_.ask(number, "login", "{}");
      question.path += "&" + app_query_ + "&userSig=" + user_sig_;
      return question;
    }
    case Step::kCreate:
      return crowd_.ask(number, "create_room",
                        R"({"userID":")" + who.user + R"(","roomInfo":"a room of a load"})");
    case Step::kPushUrl:
      return crowd_.ask(number, "get_push_url", R"({"userID":")" + who.user + R"("})");
    case Step::kAddPusher:
      return crowd_.change(number, push_url_);
    case Step::kImLogin:
      return HttpQuestion{"POST", "/v4/openim/login?" + who.im_query, {}, R"({"State":"Online"})"};
    case Step::kJoinGroup:
      return HttpQuestion{"POST",
                          kGroups + "apply_join_group?" + who.im_query,
                          {},
                          R"({"GroupId":")" + crowd_.rooms()[room_].id + R"("})"};
    case Step::kDone:
      break;
  }
  return std::nullopt;
}

bool JoinScript::take(const HttpAnswer& answer) {
  if (!taken(answer)) return false;
  const Json json = json_of(answer);
  CrowdMember& who = member();
  switch (step_) {
    case Step::kLoginInfo: {
      const std::string app = text_of(json, "sdkAppID"), type = text_of(json, "accType");
      user_sig_ = text_of(json, "userSig");
      app_query_ = "accountType=" + type + "&sdkAppID=" + app;
      who.im_query = "sdkappid=" + app + "&accounttype=" + type + "&contenttype=json";
      who.im_query += "&identifier=" + who.user + "&usersig=" + user_sig_;
      break;
    }
    case Step::kLogin:
      who.token = text_of(json, "token");
      break;
    case Step::kCreate:
      crowd_.rooms()[room_].id = text_of(json, "roomID");
      break;
    case Step::kPushUrl:
      push_url_ = text_of(json, "pushURL");
      if (at_ == 0) creator_url_ = push_url_;
      break;
    case Step::kImLogin:
      who.im_query = who.im_query.substr(0, who.im_query.find("&identifier=")) +
                     "&tinyid=" + text_of(json, "TinyId") + "&a2=" + text_of(json, "A2Key");
      break;
    case Step::kJoinGroup:
      who.poll_key = text_of(json, "LongPollingKey");
      break;
    default:
      break;
  }
  advance();
  return true;
}

}  // namespace sluice::bench
