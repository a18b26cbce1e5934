// Service: the room service put together on a loop: HTTP server, API, store, journal, relay. It
// brings the time, writes the journal before an answer goes out, and carries events to whoever must
// hear of them.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "daemon/secret_file.h"
#include "net/http.h"
#include "net/loop.h"
#include "rooms/accounts.h"
#include "rooms/addresses.h"
#include "rooms/api.h"
#include "rooms/config.h"
#include "rooms/flood_guard.h"
#include "rooms/im.h"
#include "rooms/journal.h"
#include "rooms/relay_connection.h"
#include "rooms/relay_directory.h"
#include "rooms/room_store.h"
#include "rooms/v1.h"
#include "rooms/webhooks.h"

namespace sluice::rooms {

/// What /metrics counts beside the present state.
struct ServiceCounts {
  std::map<std::pair<std::string, int>, std::uint64_t> requests;  // by route and code
  std::uint64_t refused_floods = 0;
  std::uint64_t journal_failures = 0;
  std::uint64_t members_timed_out = 0;
  std::array<std::uint64_t, 4> dissolved{};  // by DissolveCause
};

class Service {
 public:
  struct Parts {
    Config config;
    std::string version;
    daemon::SecretBytes secret{};
    TokenKeys keys;
    std::vector<std::byte> webhook_key;
    Journal::Opened journal;
  };

  Service(net::Loop& loop, Parts parts);

  Result<Address, Failure> listen(const Address& address);

  /// Connects to the relay, if there is one. After listen().
  void start();

  /// Ends everything that still has to be written.
  void stop();

 private:
  std::optional<net::HttpResponse> handle(const net::HttpRequest& request);
  std::optional<net::HttpResponse> handle_im(const net::HttpRequest& request);
  void answer_polls();
  void on_after_answers();
  std::optional<RelayAccess> access(const RelayDirectory::Asker& asker, UnixSeconds now);
  net::HttpResponse ready() const;
  std::string metrics() const;
  void count(const net::HttpRequest& request, const net::HttpResponse& response);

  Moment moment() const { return {loop_.now(), net::Loop::wall_clock()}; }

  V1Relays relay_calls();
  void restore(std::span<const Change> changes);
  void flush();
  void write(std::vector<Change> changes);
  std::vector<Change> snapshot() const;
  void tell(const Event& event);
  void on_relay_change(std::size_t relay);
  void send_orders();
  void tell_application(const Json& event);
  void send_events();
  void offer_events();
  void on_sweep();

  net::Loop& loop_;
  Config config_;
  std::string version_;
  std::int64_t started_s_;
  Journal journal_;
  bool journal_good_ = true;
  RoomStore store_;
  Accounts accounts_;
  Addresses addresses_;
  RelayDirectory directory_;
  Api api_;
  TokenReader tokens_;
  RoomEvents events_;
  std::unique_ptr<Webhooks> webhooks_;
  V1 v1_;
  Im im_;
  FloodGuard guard_;
  ServiceCounts counts_;
  std::vector<std::unique_ptr<RelayConnection>> relays_;
  net::Timer sweep_;
  net::Timer after_answers_;
  std::vector<Im::Answer> later_;  // when the answers to polls before them are out
  net::HttpServer server_;
};

}  // namespace sluice::rooms
