// The routes about accounts, addresses, and the service itself.
#include <utility>

#include "proto/crypto/secret.h"
#include "rooms/api.h"

namespace sluice::rooms {
namespace {

Json no_relay() {
  return answer(ApiCode::kFailed,
                "no relay: none is connected, and addresses.push_host and addresses.play_host name "
                "none");
}

}  // namespace

Json Api::login_info(const ApiCall& call) {
  UserId user = accounts_.random_user();
  std::string_view asked = call.http.argument("userID");
  const auto in_body = call.body.text("userID");
  if (asked.empty() && in_body) asked = *in_body;
  if (!asked.empty()) {
    if (!config_.chosen_ids) {
      return answer(ApiCode::kAuth,
                    "authorization failed: this service gives ids itself; account.chosen_ids lets "
                    "anyone choose one");
    }
    const auto chosen = UserId::parse(asked);
    if (!chosen) {
      return answer(ApiCode::kBadParameter, "userID: 1 to 48 letters, digits, '_' and '-'");
    }
    user = *chosen;
  }
  Json json = ok();
  json["userID"] = user.view();
  json["sdkAppID"] = std::stoll(config_.sdk_app_id);
  json["accType"] = config_.account_type;
  json["userSig"] = accounts_.issue(TokenKind::kUserSig, user, call.moment.wall);
  return json;
}

/// The first generation's name of it.
Json Api::im_login_info(const ApiCall& call) { return login_info(call); }

Json Api::login(const ApiCall& call) {
  const auto& http = call.http;
  for (const char* name : {"accountType", "sdkAppID", "userSig", "userID"}) {
    if (http.argument(name).empty()) {
      Json json =
          answer(ApiCode::kAuth, std::string{"login failed: missing in the query: "} + name);
      json["result"] = "invalid parameters";
      return json;
    }
  }
  const auto owner =
      accounts_.check(TokenKind::kUserSig, http.argument("userSig"), call.moment.wall);
  const bool good = owner && owner->view() == http.argument("userID") &&
                    http.argument("sdkAppID") == config_.sdk_app_id &&
                    http.argument("accountType") == config_.account_type;
  if (!good) return answer(ApiCode::kAuth, "login failed: the userSig is not good for this user");
  Json json = ok();
  json["token"] = accounts_.issue(TokenKind::kToken, *owner, call.moment.wall);
  json["userID"] = owner->view();
  return json;
}

Json Api::logout(const ApiCall& call) {
  changes_.push_back(accounts_.log_out(call.user, call.moment.wall));
  return ok();
}

Json Api::push_url(const ApiCall& call) {
  if (!addresses_.have_hosts()) return no_relay();
  Json json = ok();
  json["pushURL"] = addresses_.push_url(addresses_.new_stream(call.user), call.moment.wall);
  const auto key = room_key(call);
  if (!key || !access_ || !store_.has_place(*key, call.user)) return json;
  if (const auto access = access_(key->room, call.user, call)) {
    json["relay"] = access_json(*access, key->room, call.user);
  }
  return json;
}

Json Api::test_push_url(const ApiCall& call) {
  if (!addresses_.have_hosts()) return no_relay();
  const UnixSeconds now = call.moment.wall;
  const StreamName stream = addresses_.new_stream(accounts_.random_user());
  return {{"url_push", addresses_.push_url(stream, now)},
          {"url_play_flv", addresses_.plain_url("http", stream, ".flv")},
          {"url_play_rtmp", addresses_.plain_url("rtmp", stream, "")},
          {"url_play_hls", addresses_.plain_url("http", stream, ".m3u8")},
          {"url_play_acc", addresses_.play_url(stream, now)}};
}

Json Api::test_acc_url(const ApiCall& call) {
  if (!addresses_.have_hosts()) return no_relay();
  static const StreamName kStream = StreamName::parse("testclock_rtmpacc").value_or(StreamName{});
  return {{"url_rtmpacc", addresses_.play_url(kStream, call.moment.wall)}};
}

Json Api::check_config(const ApiCall&) {
  Json json = ok();
  json["result"] = addresses_.have_hosts()
                       ? "ok"
                       : "no relay is connected, and addresses.push_host and addresses.play_host "
                         "name none";
  return json;
}

/// Clients' own telemetry: read and let go.
Json Api::report(const ApiCall&) { return ok(); }

}  // namespace sluice::rooms
