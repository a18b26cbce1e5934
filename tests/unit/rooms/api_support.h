// An Api with its store, accounts and addresses, called as a client would; no socket and no clock.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proto/crypto/secret.h"
#include "rooms/api.h"
#include "sim/xoshiro.h"

namespace sluice::rooms {

class ApiWorld {
 public:
  explicit ApiWorld(RoomRules rules = {}, ApiConfig config = {.chosen_ids = true})
      : store(rules),
        accounts(key(), {}, random_.source()),
        addresses(key(), {"push.test", "play.test", "8888"}, random_.source()),
        api({store, accounts, addresses}, std::move(config)) {
    crypto::init_crypto();
  }

  Json call(std::string_view method, std::string_view path, std::vector<std::string> query,
            std::string_view body, std::string_view type = "application/json") {
    net::HttpRequest request;
    request.method = method;
    request.path = path;
    request.arguments = query;
    request.content_type = type;
    request.body = as_bytes(body);
    const net::HttpResponse response = api.handle(request, at);
    status = response.status;
    return Json::parse(response.body, nullptr, false);
  }

  /// As a logged-in user.
  Json post(std::string_view path, std::string_view user, const Json& body) {
    return call("POST", "/weapp/" + std::string{path}, login_query(user), body.dump());
  }

  int code(std::string_view path, std::string_view user, const Json& body) {
    return post(path, user, body).value("code", -999);
  }

  std::vector<std::string> login_query(std::string_view user) {
    const auto token = accounts.issue(TokenKind::kToken, *UserId::parse(user), at.wall);
    return {"userID=" + std::string{user}, "token=" + token};
  }

  std::string push_url(std::string_view user) {
    return addresses.push_url(addresses.new_stream(*UserId::parse(user)), at.wall);
  }

  Json entry(std::string_view room, std::string_view user) {
    return {{"roomID", room},    {"userID", user},     {"userName", user},
            {"userAvatar", "1"}, {"roomInfo", "demo"}, {"pushURL", push_url(user)}};
  }

 private:
  static crypto::SealKey key() {
    crypto::SealKey key;
    for (std::byte& b : key.mutable_bytes()) b = std::byte{5};
    return key;
  }

  sim::Xoshiro random_{7};

 public:
  RoomStore store;
  Accounts accounts;
  Addresses addresses;
  Api api;
  Moment at{instant_from_us(1'000'000), {1'800'000'000}};
  int status = 0;
};

}  // namespace sluice::rooms
