// RelayNode: a whole relay, door and workers, as one node of the simulated network: the objects the
// threads run, in one thread and virtual time. Datagrams are steered as the kernel's program does
// it.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "proto/crypto/keys.h"
#include "proto/crypto/ticket.h"
#include "relay/door/door.h"
#include "relay/worker/switchboard.h"
#include "relay/worker/worker.h"
#include "sim/net.h"
#include "sim/xoshiro.h"

namespace sluice::sim {

/// Wall-clock time at virtual time 0.
inline constexpr UnixSeconds kWallStart{1'800'000'000};

struct RelayNodeConfig {
  std::size_t workers = 1;
  relay::Placement placement = relay::Placement::kLoad;
  relay::RelayLimits limits;
  std::uint64_t pacer_bits_per_s = kPacerBitsPerSecond;
  std::uint64_t seed = 1;
  /// Told true when a worker begins to work and false when it ends or hands something out.
  net::Callback<bool> at_work = {};
};

class RelayNode : public SimNode {
 public:
  explicit RelayNode(const RelayNodeConfig& config);

  void handle_datagram(Instant now, Bytes bytes, const Address& from) override;
  void handle_timeout(Instant now) override;
  Instant next_deadline() const override;
  std::optional<SimDatagram> poll_datagram(Instant now) override;

  /// A ticket as the room service would make it; `change` may alter it before it is sealed.
  struct Credentials {
    crypto::SealedTicket ticket;
    crypto::Psk psk;
  };

  template <class Change>
  Credentials issue(std::string_view room, std::string_view user, Instant now, Change&& change) {
    crypto::Ticket ticket = new_ticket(room, user, now);
    change(ticket);
    return {crypto::seal_ticket(ticket_key_, ticket, random_.source()), ticket.psk.copy()};
  }

  Credentials issue(std::string_view room, std::string_view user, Instant now) {
    return issue(room, user, now, [](crypto::Ticket&) {});
  }

  /// An order of the main thread.
  void ask(Instant now, relay::Party party, relay::Mail mail);

  const crypto::RelayKey& key() const { return identity_.key; }

  const relay::DoorMetrics& door_metrics() const { return door_metrics_; }

  const relay::WorkerMetrics& worker_metrics(std::size_t worker) const {
    return *worker_metrics_[worker];
  }

  std::uint64_t drops(DropReason reason) const;

  relay::Door& door() { return *door_; }

  std::size_t links() const;

  /// What the relay's end of this link counted; nothing when it is gone.
  std::optional<link::LinkStats> link_stats(ConnectionId connection);

  /// What the main thread would have been told, oldest first.
  std::vector<relay::RelayEvent> events;
  std::vector<relay::Answer> answers;

 private:
  crypto::Ticket new_ticket(std::string_view room, std::string_view user, Instant now);
  void settle(Instant now);
  void send(const link::Transmit& run);

  template <class Work>
  void work(Work work) {
    at_work_(true);
    work();
    at_work_(false);
  }

  UnixSeconds wall(Instant now) const { return {kWallStart.value + to_us(now) / 1'000'000}; }

  net::Callback<bool> at_work_;
  Xoshiro random_;
  crypto::RelayIdentity identity_;
  crypto::TicketKey ticket_key_;
  relay::SharedSecrets secrets_;
  relay::Switchboard switchboard_;
  relay::DoorMetrics door_metrics_;
  std::vector<std::unique_ptr<relay::WorkerMetrics>> worker_metrics_;
  std::unique_ptr<relay::Door> door_;
  std::vector<std::unique_ptr<relay::Worker>> workers_;
  std::deque<SimDatagram> outbox_;
};

}  // namespace sluice::sim
