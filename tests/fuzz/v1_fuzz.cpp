// /v1: sequences of requests on every route, with hostile names, queries, tokens and bodies. No
// answer but JSON; no 5xx but those of the table; each room keeps its limits; what was changed is
// written and read alike; who listens is told in order.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/check.h"
#include "proto/crypto/secret.h"
#include "rooms/journal_codec.h"
#include "rooms/v1.h"
#include "tests/fuzz/room_lines.h"

namespace {

using sluice::rooms::Json;
using sluice::rooms::V1;

sluice::rooms::V1Relays no_relays() {
  sluice::rooms::V1Relays relays;
  relays.access = [](const auto&, const auto&) { return std::nullopt; };
  relays.streams = [](const auto&) { return std::vector<sluice::rooms::V1Relays::Stream>{}; };
  relays.put_out = [](const auto&, const auto&) {};
  relays.set_rights = [](const auto&, const auto&, auto) {};
  return relays;
}

std::string replaced(std::string text, std::string_view mark, std::string_view by) {
  const std::size_t at = text.find(mark);
  return at == std::string::npos ? text : text.replace(at, mark.size(), by);
}

/// Requests are lines: route, room, user, kind, then the body.
class World {
 public:
  void request(std::string_view line) {
    if (line.size() < 4) return;
    const V1::Route& route =
        V1::routes()[static_cast<unsigned char>(line[0]) % V1::routes().size()];
    const std::string body{line.substr(4)};
    const std::string user = sluice::fuzz::user_by(line[2]);
    const std::string room = std::string("r") + static_cast<char>('0' + line[1] % 3);
    const auto kind = static_cast<unsigned char>(line[3]);
    std::string path = replaced(route.path, "{room}", kind % 16 == 15 ? body : room);
    path = replaced(path, "{user}",
                    kind % 16 == 14 ? body : "u" + std::string(1, line[2] % 2 ? '1' : '2'));
    const auto id = *sluice::rooms::UserId::parse(user);
    const std::string token =
        kind % 16 == 13 ? body : accounts_.issue(sluice::rooms::TokenKind::kToken, id, at_.wall);
    send(kind % 16 == 12 ? body : route.method, path, token, body);
    at_.now += std::chrono::seconds{kind / 16};
    store_.handle_timeout(at_.now);
    check();
  }

 private:
  void send(const std::string& method, const std::string& path, const std::string& token,
            const std::string& body) {
    const std::string authorization = "Bearer " + token;
    const std::vector<std::string> query{"after=" + body, "limit=" + body, "access_token=" + body};
    sluice::net::HttpRequest request;
    request.method = method;
    request.path = path;
    request.authorization = authorization;
    request.arguments = query;
    request.body = sluice::as_bytes(body);
    const auto response = v1_.handle(request, at_);
    CHECK(response.status == 204 ||
          nlohmann::json::parse(response.body, nullptr, false).is_object());
    CHECK(response.status < 500 || response.status == 501 || response.status == 503);
    static_cast<void>(v1_.listen(request, sluice::rooms::ListenerId{++listener_}, at_));
    static_cast<void>(V1::label(method, path));
  }

  void check() {
    for (const auto& change : store_.take_changes()) {
      const std::string line = sluice::rooms::journal_line(change);
      const auto again = sluice::rooms::read_journal(line);
      CHECK(again.changes.size() == 1 && sluice::rooms::journal_line(again.changes[0]) == line);
    }
    for (const auto& event : store_.take_events()) v1_.handle_event(event, at_);
    for (const auto& sent : events_.take_sends()) {
      CHECK(nlohmann::json::parse(sent.text, nullptr, false).is_object());
    }
    for (const auto& closed : events_.take_closes()) events_.forget(closed.who);
    for (const auto* room : store_.page_of_all(0, 100)) CHECK(room->pushers.size() <= 4);
  }

  std::uint64_t state_ = 1, listener_ = 0;
  sluice::RandomSource random_{&sluice::fuzz::fill_counted, &state_};
  sluice::crypto::SealKey key_;
  sluice::rooms::RoomStore store_{{.pushers_multi = 4}};
  sluice::rooms::Accounts accounts_{key_, {}, random_};
  sluice::rooms::Addresses addresses_{key_, {"push", "play", "8888"}, random_};
  sluice::rooms::TokenReader tokens_{{std::vector<std::byte>(32), {}, "sluice-rooms"}};
  sluice::rooms::RoomEvents events_{1'000'000};
  V1 v1_{{store_, accounts_, addresses_, tokens_, no_relays(), events_, {}, {}}, {true, true}};
  sluice::rooms::Moment at_{sluice::instant_from_us(1), {1'000'000}};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sluice::crypto::init_crypto();
  World world;
  sluice::fuzz::each_line(std::as_bytes(std::span{data, size}),
                          [&](std::string_view line) { world.request(line); });
  return 0;
}
