// proto/crypto: what a join costs, side by side: the client's INIT, the relay's steps up to the
// proof of the psk, its ACCEPT, the client's reading of it. Steady state: another ticket, ephemeral
// and nonce for each join; nothing is remembered from the one before.
#include <variant>

#include <benchmark/benchmark.h>

#include "bench/micro/samples.h"
#include "proto/base/check.h"
#include "proto/crypto/client_handshake.h"
#include "proto/crypto/relay_handshake.h"
#include "proto/crypto/ticket.h"

namespace sluice::bench {
namespace {

using crypto::Accepted;
using crypto::AcceptWritten;
using crypto::check_ticket;
using crypto::choose_suite;
using crypto::ClientCredentials;
using crypto::ClientHandshake;
using crypto::InitOpened;
using crypto::kAllSuites;
using crypto::open_ticket;
using crypto::RelayIdentity;
using crypto::TicketKey;

constexpr Instant kNow = instant_from_us(1'000'000);
constexpr UnixSeconds kWall{1'800'000'000};

class Joins {
 public:
  Joins()
      : identity_(RelayIdentity::generate(random_.source())),
        ticket_key_(TicketKey::random(random_.source())) {}

  ClientCredentials credentials() {
    crypto::Ticket ticket;
    random_.source()(ticket.jti);
    ticket.not_before = kWall;
    ticket.expiry = {kWall.value + 60};
    ticket.relay = identity_.key.id;
    ticket.rights = crypto::kPushRights;
    ticket.psk = crypto::Psk::random(random_.source());
    ticket.room = *RoomName::parse("lobby");
    ticket.user = *UserName::parse("anna");
    return {identity_.key.public_key, crypto::seal_ticket(ticket_key_, ticket, random_.source()),
            ticket.psk.copy()};
  }

  ClientHandshake client(ClientCredentials credentials) {
    return *ClientHandshake::start(std::move(credentials), {kAllSuites, {}}, kNow,
                                   random_.source());
  }

  /// The relay's order of work (P-HS-08) up to the proof of the psk.
  Result<InitOpened> open(Bytes datagram) {
    const auto init = crypto::parse_init(datagram);
    CHECK(init && crypto::verify_mac1(identity_.key, *init));
    const auto ticket = open_ticket(ticket_key_, init->ticket);
    CHECK(ticket && check_ticket(*ticket, kWall, identity_.key.id));
    return crypto::read_init(identity_, *init, ticket->psk);
  }

  AcceptWritten accept(const InitOpened& init) {
    crypto::LinkGrant link;
    link.connection_id = ConnectionId{0xFEDCBA987654};
    return *crypto::write_accept(
        init, {*choose_suite(init.suites, kAllSuites), link, Address::v4(192, 0, 2, 7, 40'000)},
        random_.source());
  }

  const RelayIdentity& identity() const { return identity_; }

  const TicketKey& ticket_key() const { return ticket_key_; }

 private:
  SeededRandom random_{3};
  RelayIdentity identity_;
  TicketKey ticket_key_;
};

void client_init(benchmark::State& state) {
  Joins joins;
  Stopwatch watch;
  for (auto _ : state) {
    ClientCredentials credentials = joins.credentials();
    watch.start();
    ClientHandshake client = joins.client(std::move(credentials));
    CHECK(client.poll_transmit(kNow).size() == kInitBytes);
    watch.stop();
    watch.record(state);
  }
  count_packets(state, 1, 0);
}

void client_accept(benchmark::State& state) {
  Joins joins;
  Stopwatch watch;
  for (auto _ : state) {
    ClientHandshake client = joins.client(joins.credentials());
    const AcceptWritten written = joins.accept(*joins.open(client.poll_transmit(kNow)));
    watch.start();
    const auto progress = client.handle_datagram(kNow, written.message.view());
    watch.stop();
    CHECK(progress && std::holds_alternative<Accepted>(*progress));
    watch.record(state);
  }
  count_packets(state, 1, 0);
}

void relay_init(benchmark::State& state) {
  Joins joins;
  Stopwatch watch;
  for (auto _ : state) {
    ClientHandshake client = joins.client(joins.credentials());
    const Bytes init = client.poll_transmit(kNow);
    watch.start();
    const auto opened = joins.open(init);
    watch.stop();
    CHECK(opened.has_value());
    watch.record(state);
  }
  count_packets(state, 1, 0);
}

void relay_accept(benchmark::State& state) {
  Joins joins;
  Stopwatch watch;
  for (auto _ : state) {
    ClientHandshake client = joins.client(joins.credentials());
    const auto opened = joins.open(client.poll_transmit(kNow));
    CHECK(opened.has_value());
    watch.start();
    const AcceptWritten written = joins.accept(*opened);
    benchmark::DoNotOptimize(written.message.view().data());
    watch.stop();
    watch.record(state);
  }
  count_packets(state, 1, 0);
}

// All of the relay's work for one join, an accepted INIT after the other.
void relay_join(benchmark::State& state) {
  Joins joins;
  ClientHandshake client = joins.client(joins.credentials());
  const Bytes init = client.poll_transmit(kNow);
  for (auto _ : state) {
    const auto opened = joins.open(init);
    CHECK(opened.has_value());
    const AcceptWritten written = joins.accept(*opened);
    benchmark::DoNotOptimize(written.message.view().data());
  }
  count_packets(state, 1, 0);
}

// What an INIT costs that was made for this relay's key but carries no ticket of it.
void ticket_refused(benchmark::State& state) {
  Joins joins;
  const ClientCredentials credentials = joins.credentials();
  SeededRandom random{9};
  const TicketKey another = TicketKey::random(random.source());
  for (auto _ : state) {
    CHECK(!open_ticket(another, credentials.ticket.view()));
    benchmark::ClobberMemory();
  }
  count_packets(state, 1, 0);
}

void ticket_open(benchmark::State& state) {
  Joins joins;
  const ClientCredentials credentials = joins.credentials();
  for (auto _ : state) {
    const auto ticket = open_ticket(joins.ticket_key(), credentials.ticket.view());
    CHECK(ticket && check_ticket(*ticket, kWall, joins.identity().key.id));
    benchmark::DoNotOptimize(ticket->rights);
  }
  count_packets(state, 1, 0);
}

void mac1(benchmark::State& state) {
  Joins joins;
  ClientHandshake client = joins.client(joins.credentials());
  const Bytes init = client.poll_transmit(kNow);
  for (auto _ : state) {
    const auto view = crypto::parse_init(init);
    CHECK(view && crypto::verify_mac1(joins.identity().key, *view));
    benchmark::ClobberMemory();
  }
  count_packets(state, 1, init.size());
}

BENCHMARK(client_init)->Name("handshake/client/init")->UseManualTime();
BENCHMARK(client_accept)->Name("handshake/client/accept")->UseManualTime();
BENCHMARK(relay_init)->Name("handshake/relay/init")->UseManualTime();
BENCHMARK(relay_accept)->Name("handshake/relay/accept")->UseManualTime();
BENCHMARK(relay_join)->Name("handshake/relay/join");
BENCHMARK(mac1)->Name("handshake/relay/mac1");
BENCHMARK(ticket_open)->Name("handshake/relay/ticket_open");
BENCHMARK(ticket_refused)->Name("handshake/relay/ticket_refused");

}  // namespace
}  // namespace sluice::bench
