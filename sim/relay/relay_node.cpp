#include "sim/relay/relay_node.h"

#include "proto/crypto/secret.h"

namespace sluice::sim {

RelayNode::RelayNode(const RelayNodeConfig& config)
    : at_work_(config.at_work),
      random_(config.seed),
      identity_(crypto::RelayIdentity::generate(random_.source())),
      ticket_key_(crypto::TicketKey::random(random_.source())),
      switchboard_(config.workers) {
  crypto::init_crypto();
  secrets_.reset = crypto::ResetSecret::random(random_.source());
  secrets_.connection_mask = random_.next();
  relay::DoorOptions door;
  door.workers = config.workers;
  door.limits = config.limits;
  door.placement = config.placement;
  door.identity = &identity_;
  door.ticket_key = &ticket_key_;
  door.secrets = &secrets_;
  door.random = random_.source();
  door_ = std::make_unique<relay::Door>(door, switchboard_, door_metrics_, Instant{});
  for (std::size_t i = 0; i < config.workers; ++i) {
    worker_metrics_.push_back(std::make_unique<relay::WorkerMetrics>());
    const relay::WorkerOptions options{relay::WorkerIndex{static_cast<std::uint8_t>(i)},
                                       config.limits, &secrets_, random_.source(),
                                       config.pacer_bits_per_s};
    workers_.push_back(
        std::make_unique<relay::Worker>(options, switchboard_, *worker_metrics_[i], Instant{}));
  }
}

void RelayNode::handle_datagram(Instant now, Bytes bytes, const Address& from) {
  std::vector<std::byte> copy{bytes.begin(), bytes.end()};
  const bool data = copy.size() >= kResetBytes && to_u8(copy[0]) >= 0x40 && to_u8(copy[0]) < 0x80;
  const std::size_t worker = data ? to_u8(copy[1]) & 31U : workers_.size();
  if (worker < workers_.size()) {
    work([&] { workers_[worker]->handle_datagram(now, copy, from, 0); });
  } else {
    const Bytes reply = door_->handle_datagram(now, wall(now), copy, from);
    if (!reply.empty()) outbox_.push_back({from, {reply.begin(), reply.end()}});
  }
  settle(now);
}

void RelayNode::handle_timeout(Instant now) {
  door_->handle_timeout(now);
  for (auto& worker : workers_) {
    work([&] { worker->handle_timeout(now); });
  }
  settle(now);
}

Instant RelayNode::next_deadline() const {
  Instant next = door_->next_deadline();
  for (const auto& worker : workers_) next = std::min(next, worker->next_deadline());
  return next;
}

std::optional<SimDatagram> RelayNode::poll_datagram(Instant) {
  if (outbox_.empty()) return std::nullopt;
  SimDatagram datagram = std::move(outbox_.front());
  outbox_.pop_front();
  return datagram;
}

void RelayNode::ask(Instant now, relay::Party party, relay::Mail mail) {
  switchboard_.post(switchboard_.main_party(), party, std::move(mail));
  switchboard_.flush(switchboard_.main_party());
  settle(now);
}

std::uint64_t RelayNode::drops(DropReason reason) const {
  std::uint64_t sum = door_metrics_.drops[static_cast<std::size_t>(reason)].value();
  for (const auto& metrics : worker_metrics_) {
    sum += metrics->drops[static_cast<std::size_t>(reason)].value();
  }
  return sum;
}

std::size_t RelayNode::links() const {
  std::size_t sum = 0;
  for (const auto& worker : workers_) sum += worker->links();
  return sum;
}

std::optional<link::LinkStats> RelayNode::link_stats(ConnectionId connection) {
  for (auto& worker : workers_) {
    if (auto stats = worker->link_stats(connection)) return stats;
  }
  return std::nullopt;
}

crypto::Ticket RelayNode::new_ticket(std::string_view room, std::string_view user, Instant now) {
  crypto::Ticket ticket;
  random_.source()(ticket.jti);
  ticket.not_before = wall(now);
  ticket.expiry = {wall(now).value + 60};
  ticket.relay = identity_.key.id;
  ticket.instance = InstanceId{random_.next()};
  ticket.rights = crypto::kPushRights.with(crypto::Right::kSubscribe);
  ticket.psk = crypto::Psk::random(random_.source());
  ticket.room = *RoomName::parse(room);
  ticket.user = *UserName::parse(user);
  return ticket;
}

// As often as the threads would wake each other: until nobody has anything for anybody.
void RelayNode::settle(Instant now) {
  for (int round = 0; round < 8; ++round) {
    door_->handle_mail(now, wall(now));
    door_->end_turn(now);
    for (auto& worker : workers_) {
      work([&] {
        worker->handle_mail(now);
        worker->end_turn(now);
      });
    }
  }
  for (auto& worker : workers_) {
    auto nothing = [] {};
    work([&] {
      worker->flush(now, {net::Callback<const link::Transmit&>::to<&RelayNode::send>(this),
                          net::Callback<>::ref(nothing)});
      worker->end_turn(now);
    });
  }
  door_->handle_mail(now, wall(now));
  door_->end_turn(now);
  while (const auto mail = switchboard_.take(switchboard_.main_party())) {
    if (auto* answer = std::get_if<relay::Answer>(mail.get())) answers.push_back(*answer);
    if (auto* event = std::get_if<relay::RelayEvent>(mail.get())) events.push_back(*event);
  }
}

void RelayNode::send(const link::Transmit& run) {
  at_work_(false);
  for (std::size_t at = 0; at < run.bytes.size(); at += run.segment_bytes) {
    const auto one =
        run.bytes.subspan(at, std::min<std::size_t>(run.segment_bytes, run.bytes.size() - at));
    outbox_.push_back({run.to, {one.begin(), one.end()}});
  }
  at_work_(true);
}

}  // namespace sluice::sim
