// DoorBench: a door with two workers' mailboxes and nobody behind them, and INITs as clients make
// them.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "proto/crypto/client_handshake.h"
#include "proto/crypto/secret.h"
#include "relay/door/door.h"
#include "sim/xoshiro.h"

namespace sluice::relay {

inline const Address kClient = Address::v4(192, 0, 2, 10, 4000);
inline constexpr UnixSeconds kWall{1'800'000'000};

class DoorBench {
 public:
  explicit DoorBench(RelayLimits limits = {}, bool loopback_only = false,
                     Placement placement = Placement::kLoad)
      : identity(crypto::RelayIdentity::generate(random.source())),
        ticket_key(crypto::TicketKey::random(random.source())) {
    crypto::init_crypto();
    secrets.reset = crypto::ResetSecret::random(random.source());
    secrets.connection_mask = random.next();
    DoorOptions options;
    options.workers = 2;
    options.limits = limits;
    options.placement = placement;
    options.loopback_only = loopback_only;
    options.identity = &identity;
    options.ticket_key = &ticket_key;
    options.secrets = &secrets;
    options.random = random.source();
    door = std::make_unique<Door>(options, switchboard, metrics, now);
  }

  crypto::Ticket ticket(std::string_view room = "room", std::string_view user = "ann") {
    crypto::Ticket ticket;
    random.source()(ticket.jti);
    ticket.not_before = wall;
    ticket.expiry = {wall.value + 60};
    ticket.relay = identity.key.id;
    ticket.instance = InstanceId{random.next()};
    ticket.rights = crypto::kAllRights;
    ticket.psk = crypto::Psk::random(random.source());
    ticket.room = *RoomName::parse(room);
    ticket.user = *UserName::parse(user);
    return ticket;
  }

  crypto::ClientHandshake client(const crypto::Ticket& ticket, const crypto::TicketKey& key) {
    auto started = crypto::ClientHandshake::start(
        {identity.key.public_key, crypto::seal_ticket(key, ticket, random.source()),
         ticket.psk.copy()},
        {crypto::preferred_suites(), {}}, now, random.source());
    CHECK(started.has_value());
    return std::move(*started);
  }

  crypto::ClientHandshake client(const crypto::Ticket& t) { return client(t, ticket_key); }

  static std::vector<std::byte> init_of(crypto::ClientHandshake& client, Instant at) {
    const Bytes init = client.poll_transmit(at);
    return {init.begin(), init.end()};
  }

  /// The door's answer to these bytes.
  std::vector<std::byte> ask(Bytes datagram, const Address& from = kClient) {
    const Bytes reply = door->handle_datagram(now, wall, datagram, from);
    door->end_turn(now);
    return {reply.begin(), reply.end()};
  }

  /// One INIT there, its answer back; what the client makes of it.
  std::optional<crypto::HandshakeProgress> join(crypto::ClientHandshake& client,
                                                const Address& from = kClient) {
    const std::vector<std::byte> reply = ask(init_of(client, now), from);
    if (reply.empty()) return std::nullopt;
    auto progress = client.handle_datagram(now, reply);
    CHECK(progress.has_value());
    return std::move(*progress);
  }

  crypto::HandshakeStatus status_of(const crypto::Ticket& t) {
    crypto::ClientHandshake c = client(t);
    const auto progress = join(c);
    CHECK(progress.has_value());
    if (const auto* refused = std::get_if<crypto::Refused>(&*progress)) return refused->status;
    CHECK(std::holds_alternative<crypto::Accepted>(*progress));
    return crypto::HandshakeStatus::kAccepted;
  }

  std::vector<Mail> mail_of(Party party) {
    std::vector<Mail> all;
    while (const auto mail = switchboard.take(party)) all.push_back(std::move(*mail));
    return all;
  }

  void tell_door(Mail mail) {
    switchboard.post(party_of(WorkerIndex{0}), kDoorParty, std::move(mail));
    switchboard.flush(party_of(WorkerIndex{0}));
    door->handle_mail(now, wall);
    door->end_turn(now);
  }

  std::uint64_t drops(DropReason reason) const {
    return metrics.drops[static_cast<std::size_t>(reason)].value();
  }

  sim::Xoshiro random{5};
  Instant now = instant_from_us(1'000'000);
  UnixSeconds wall = kWall;
  crypto::RelayIdentity identity;
  crypto::TicketKey ticket_key;
  SharedSecrets secrets;
  Switchboard switchboard{2};
  DoorMetrics metrics;
  std::unique_ptr<Door> door;
};

}  // namespace sluice::relay
