// The room API: sequences of requests on every route, with hostile query values and bodies. No
// answer but JSON objects; each room keeps its limits; what was changed is written and read alike.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/check.h"
#include "proto/crypto/secret.h"
#include "rooms/api.h"
#include "rooms/journal_codec.h"
#include "tests/fuzz/room_lines.h"

namespace {

using sluice::rooms::Api;

/// Requests are lines: route number, user, content type, then the body, in which "$U" stands for a
/// push address of the user.
class World {
 public:
  void request(std::string_view line) {
    if (line.size() < 3) return;
    const auto number = static_cast<unsigned char>(line[0]);
    const std::string user = sluice::fuzz::user_by(line[1]);
    const Api::Route& route = Api::routes()[number % Api::routes().size()];
    const auto paths = Api::paths_of(route);
    const std::string path =
        number == 255 ? "/weapp/" + std::string{line} : paths[number / 32 % paths.size()];
    const auto id = *sluice::rooms::UserId::parse(user);
    const std::string token = accounts_.issue(sluice::rooms::TokenKind::kToken, id, at_.wall);
    const bool by_query = line[2] % 8 == 7;
    std::string body{line.substr(3)};
    if (const auto mark = body.find("$U"); mark != std::string::npos) {
      body.replace(mark, 2, addresses_.push_url(addresses_.new_stream(id), at_.wall));
    }
    const std::vector<std::string> query{"userID=" + (by_query ? body : user),
                                         "token=" + (by_query ? body : token), "userSig=" + body};
    send(route, path, query, body, line[2]);
  }

 private:
  void send(const Api::Route& route, const std::string& path, std::span<const std::string> query,
            const std::string& body, char kind) {
    static constexpr const char* kTypes[] = {
        "application/json", "application/x-www-form-urlencoded", "text/xml", "text/plain"};
    sluice::net::HttpRequest request;
    request.method = route.method == Api::Method::kGet ? "GET" : "POST";
    request.path = path;
    request.arguments = query;
    request.content_type = kTypes[static_cast<unsigned char>(kind) % 4];
    request.body = sluice::as_bytes(body);
    const auto response = api_.handle(request, at_);
    const auto json = nlohmann::json::parse(response.body, nullptr, false);
    CHECK(json.is_object());
    CHECK(response.status == 200 || json["code"] == response.status);
    at_.now += std::chrono::seconds{static_cast<unsigned char>(kind) / 16};
    store_.handle_timeout(at_.now);
    check();
  }

  void check() {
    for (const auto& change : store_.take_changes()) {
      const std::string line = sluice::rooms::journal_line(change);
      const auto again = sluice::rooms::read_journal(line);
      CHECK(again.changes.size() == 1 && sluice::rooms::journal_line(again.changes[0]) == line);
    }
    static_cast<void>(store_.take_events());
    for (const auto type : sluice::rooms::kRoomTypes) {
      for (const auto* room : store_.page(type, 0, 100)) CHECK(room->pushers.size() <= 4);
    }
  }

  std::uint64_t state_ = 1;
  sluice::RandomSource random_{&sluice::fuzz::fill_counted, &state_};
  sluice::crypto::SealKey key_;
  sluice::rooms::RoomStore store_{{.pushers_multi = 4}};
  sluice::rooms::Accounts accounts_{key_, {}, random_};
  sluice::rooms::Addresses addresses_{key_, {"push", "play", "8888"}, random_};
  Api api_{{store_, accounts_, addresses_}, {.chosen_ids = true}};
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
