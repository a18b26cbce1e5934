// The message service: sequences of requests on every route, with hostile keys and bodies, between
// rooms that come and go and time that passes. No answer but JSON objects, each poll answered once,
// and no item that would end the original clients' polls.
#include <chrono>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/check.h"
#include "proto/crypto/secret.h"
#include "rooms/im.h"
#include "tests/fuzz/room_lines.h"

namespace {

using namespace sluice::rooms;

/// Lines: route number, user, then the body, in which "$K" stands for a good poll key of the user.
/// What is beyond the routes changes rooms, hangs up, or lets time pass.
class World {
 public:
  void line(std::string_view text) {
    if (text.size() < 2) return;
    const auto number = static_cast<unsigned char>(text[0]);
    const std::string user = sluice::fuzz::user_by(text[1]);
    if (number < 128) {
      request(Im::routes()[number % Im::routes().size()], user, std::string{text.substr(2)});
    } else {
      change(number, *UserId::parse(user));
    }
    im_.handle_timeout(at_.now);
    for (const Event& event : store_.take_events()) im_.handle_event(event, at_);
    static_cast<void>(store_.take_changes());
    for (const Im::Answer& answer : im_.take_answers()) {
      CHECK(open_.erase(answer.id) == 1);
      check(answer.response.body);
    }
    CHECK(open_.size() == im_.mailbox().poll_count());
    CHECK(open_.size() <= kLimits.polls && im_.mailbox().session_count() <= kLimits.sessions);
  }

 private:
  static constexpr MailboxLimits kLimits{.polls = 12, .sessions = 10};

  void change(unsigned char number, const UserId& user) {
    const RoomKey key{RoomType::kMulti, *RoomId::parse(number % 2 == 0 ? "r" : "s")};
    bool created = false;
    if (number < 160) {
      static_cast<void>(store_.enter(at_.now, key, {user, "n", "a", {}}, created));
    } else if (number < 190) {
      static_cast<void>(store_.leave(key, user));
    } else if (number < 200) {
      static_cast<void>(store_.ban(key.room, user));
    } else if (number < 220 && !open_.empty()) {
      im_.forget_poll(*open_.begin());
      open_.erase(open_.begin());
    } else {
      at_.now += std::chrono::seconds{number - 200U};
      at_.wall.value += number - 200;
      store_.handle_timeout(at_.now);
    }
  }

  void request(const Im::Route& route, const std::string& user, std::string body) {
    const auto id = *UserId::parse(user);
    if (const auto mark = body.find("$K"); mark != std::string::npos) {
      const auto key = accounts_.issue(TokenKind::kPollKey, id, at_.wall) + ".1.r";
      body.replace(mark, 2, key);
    }
    const auto sealed = [&](TokenKind kind) { return accounts_.issue(kind, id, at_.wall); };
    const std::vector<std::string> query{
        "sdkappid=1", "identifier=" + user, "usersig=" + sealed(TokenKind::kUserSig),
        "tinyid=" + std::to_string(body.size() % 3), "a2=" + sealed(TokenKind::kA2Key)};
    sluice::net::HttpRequest http;
    http.method = "POST";
    http.path = route.path;
    http.arguments = query;
    http.body = sluice::as_bytes(body);
    http.id = sluice::net::HttpRequestId{++last_};
    const Im::Reply reply = im_.handle(http, at_);
    if (reply.response) {
      check(reply.response->body);
    } else {
      CHECK(route.polls);
      open_.insert(http.id);
    }
  }

  static void check(const std::string& text) {
    const auto json = nlohmann::json::parse(text, nullptr, false);
    CHECK(json.is_object() && json.contains("ErrorCode"));
    if (!json.contains("RspMsgList")) return;
    const auto& items = json["RspMsgList"];
    CHECK(items.size() <= 1);
    for (const auto& item : items) CHECK(item["Event"] == 5 || is_message_body(item["MsgBody"]));
  }

  std::uint64_t state_ = 1, last_ = 0;
  sluice::RandomSource random_{&sluice::fuzz::fill_counted, &state_};
  sluice::crypto::SealKey key_;
  RoomStore store_{{.pushers_multi = 4}};
  Accounts accounts_{key_, {}, random_};
  Im im_{{store_, accounts_, random_}, "1", kLimits};
  Moment at_{sluice::instant_from_us(1), {1'000'000}};
  std::set<sluice::net::HttpRequestId> open_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sluice::crypto::init_crypto();
  World world;
  sluice::fuzz::each_line(std::as_bytes(std::span{data, size}),
                          [&](std::string_view line) { world.line(line); });
  return 0;
}
