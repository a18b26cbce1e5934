// A V1 with its store, accounts and addresses, called as a client would; no socket and no clock.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/crypto/encoding.h"
#include "proto/crypto/secret.h"
#include "proto/crypto/signature.h"
#include "rooms/v1.h"
#include "sim/xoshiro.h"

namespace sluice::rooms {

inline std::string jwt_part(const nlohmann::json& json) {
  return crypto::to_base64(as_bytes(json.dump()));
}

/// HS256 with `key`, whatever the header says.
inline std::string make_jwt(const nlohmann::json& header, const nlohmann::json& claims, Bytes key) {
  const std::string text = jwt_part(header) + "." + jwt_part(claims);
  return text + "." + crypto::to_base64(crypto::hmac_sha256(key, as_bytes(text)));
}

class V1World {
 public:
  explicit V1World(RoomRules rules = {}, V1Config config = {true, true})
      : store(rules),
        accounts(key(), {}, random_.source()),
        addresses(key(), {"push.test", "play.test", "8888"}, random_.source()),
        tokens(TokenKeys{std::vector<std::byte>(32, std::byte{7}), {}, "sluice-rooms"}),
        v1({store, accounts, addresses, tokens, relays(), events,
            [this](const Json& event) { applied.push_back(event); }, key()},
           config) {
    crypto::init_crypto();
  }

  /// `token` empty: none is sent.
  Json call(std::string_view method, std::string_view path, const std::string& token,
            std::string_view body = {}) {
    net::HttpRequest request;
    const std::size_t question = path.find('?');
    std::vector<std::string> query;
    if (question != std::string_view::npos) query.emplace_back(path.substr(question + 1));
    request.method = method;
    request.path = path.substr(0, question);
    request.arguments = query;
    const std::string authorization = token.empty() ? "" : "Bearer " + token;
    request.authorization = authorization;
    request.body = as_bytes(body);
    response = v1.handle(request, at);
    for (const Event& event : store.take_events()) v1.handle_event(event, at);
    return Json::parse(response.body, nullptr, false);
  }

  Json call(std::string_view method, std::string_view path, const std::string& token,
            const Json& body) {
    const std::string text = body.dump();
    return call(method, path, token, std::string_view{text});
  }

  int status() const { return response.status; }

  /// The code of a problem, or "" where there is none.
  std::string code() const {
    const Json json = Json::parse(response.body, nullptr, false);
    return json.is_object() ? json.value("code", "") : "";
  }

  std::string guest(std::string_view user) {
    return accounts.issue(TokenKind::kToken, *UserId::parse(user), at.wall);
  }

  std::string jwt(std::string_view user, std::string_view room,
                  const std::vector<std::string>& rights) {
    return make_jwt({{"alg", "HS256"}},
                    {{"sub", user},
                     {"room", room},
                     {"rights", rights},
                     {"aud", "sluice-rooms"},
                     {"exp", at.wall.value + 60}},
                    std::vector<std::byte>(32, std::byte{7}));
  }

  /// A room of a guest with him in it.
  void make_room(std::string_view room, std::string_view creator) {
    call("POST", "/v1/rooms", guest(creator), Json{{"room", room}});
    enter(room, creator);
  }

  Json enter(std::string_view room, std::string_view user, const Json& body = Json::object()) {
    return call("POST", "/v1/rooms/" + std::string{room} + "/members", guest(user), body);
  }

  void pass(int seconds) {
    for (int i = 0; i < seconds; ++i) {
      at.now += std::chrono::seconds{1};
      store.handle_timeout(at.now);
    }
    at.wall.value += seconds;
  }

 private:
  static crypto::SealKey key() {
    crypto::SealKey key;
    for (std::byte& b : key.mutable_bytes()) b = std::byte{5};
    return key;
  }

  V1Relays relays() {
    V1Relays relays;
    relays.access = [this](const V1Relays::Asker& asker, const Moment&) {
      rights_asked = asker.rights;
      return RelayAccess{"relay:4700", "aa", "bb", "cc", 5};
    };
    relays.streams = [](const RoomId&) {
      return std::vector<V1Relays::Stream>{{*UserId::parse("alice"), *StreamName::parse("camera")}};
    };
    relays.put_out = [this](const RoomId& room, const UserId& user) {
      orders.push_back("out " + std::string{room.view()} + " " + std::string{user.view()});
    };
    relays.set_rights = [this](const RoomId&, const UserId& user, crypto::Rights rights) {
      orders.push_back("rights " + std::string{user.view()} + " " + std::to_string(rights.bits()));
    };
    return relays;
  }

  sim::Xoshiro random_{7};

 public:
  RoomStore store;
  Accounts accounts;
  Addresses addresses;
  TokenReader tokens;
  RoomEvents events{1'800'000'000'000'000};
  V1 v1;
  Moment at{instant_from_us(1'000'000), {1'800'000'000}};
  net::HttpResponse response;
  crypto::Rights rights_asked;
  std::vector<Json> applied;        // told to the application
  std::vector<std::string> orders;  // to the relay
};

}  // namespace sluice::rooms
