#include "sim/proxy/impairing_proxy.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <stdexcept>

namespace sluice::sim {

namespace {

/// More client addresses than any test has; a stranger's flood ends here instead of eating
/// descriptors.
constexpr std::size_t kLegsMax = 256;

/// Datagrams read from one socket before the others get their turn.
constexpr int kReadsInARow = 64;

std::int64_t monotonic_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::string counters_json(const ImpairmentCounters& c) {
  const std::array<std::pair<const char*, std::uint64_t>, 12> fields{{
      {"offered", c.offered},
      {"delivered", c.delivered},
      {"lost_outage", c.lost_outage},
      {"lost_mtu", c.lost_mtu},
      {"lost_queue", c.lost_queue},
      {"lost_random", c.lost_random},
      {"lost_burst", c.lost_burst},
      {"flipped", c.flipped},
      {"duplicated", c.duplicated},
      {"reordered", c.reordered},
      {"bytes_offered", c.bytes_offered},
      {"bytes_delivered", c.bytes_delivered},
  }};
  std::string text;
  for (const auto& [name, value] : fields) {
    text += (text.empty() ? "{\"" : ", \"") + std::string{name} + "\": " + std::to_string(value);
  }
  return text + "}";
}

}  // namespace

ImpairingProxy::ImpairingProxy(const ProxyOptions& options)
    : options_(options),
      relay_(SocketAddress::parse(options.to)),
      listener_(SocketAddress::parse(options.listen)),
      buffer_(65536),
      start_us_(monotonic_us()) {
  if (options.store_file.empty()) return;
  store_.reset(std::fopen(options.store_file.c_str(), "wb"));
  if (store_ == nullptr) throw std::runtime_error{"cannot write " + options.store_file};
}

void ImpairingProxy::keep_traffic(Duration stall) {
  keeps_traffic_ = true;
  stall_ = stall;
}

void ImpairingProxy::run(int stop_fd) {
  for (bool stopped = false; !stopped;) {
    wait(stop_fd, stopped);
    rebind_due();
    send_due();
  }
}

std::string ImpairingProxy::json() const {
  ImpairmentCounters to, from;
  for (const auto& leg : legs_) {
    to += leg->to_relay.counters();
    from += leg->from_relay.counters();
  }
  return "{\"legs\": " + std::to_string(legs_.size()) + ", \"to_relay\": " + counters_json(to) +
         ", \"from_relay\": " + counters_json(from) + "}\n";
}

void ImpairingProxy::wait(int stop_fd, bool& stopped) {
  std::vector<pollfd> polled{{stop_fd, POLLIN, 0}, {listener_.fd(), POLLIN, 0}};
  for (const auto& leg : legs_) polled.push_back({leg->upstream.fd(), POLLIN, 0});
  // A second at most, so that address changes of an idle proxy still happen.
  std::int64_t wait_us = 1'000'000;
  if (!pending_.empty())
    wait_us = std::clamp<std::int64_t>(to_us(pending_.top().at - now()), 0, wait_us);
  const timespec timeout{wait_us / 1'000'000, wait_us % 1'000'000 * 1000};
  if (::ppoll(polled.data(), polled.size(), &timeout, nullptr) <= 0) return;
  stopped = polled[0].revents != 0;
  for (std::size_t leg = 0; leg + 2 < polled.size(); ++leg) {
    if (polled[leg + 2].revents != 0) read_upstream(leg);
  }
  if (polled[1].revents != 0) read_clients();
}

void ImpairingProxy::read_clients() {
  SocketAddress from;
  for (int i = 0; i < kReadsInARow; ++i) {
    const auto datagram = listener_.receive(buffer_, from);
    if (!datagram) return;
    const std::size_t leg = leg_of(from);
    if (leg < legs_.size()) pass(Direction::kToRelay, leg, *datagram);
  }
}

void ImpairingProxy::read_upstream(std::size_t leg) {
  SocketAddress from;
  for (int i = 0; i < kReadsInARow; ++i) {
    const auto datagram = legs_[leg]->upstream.receive(buffer_, from);
    if (!datagram) return;
    pass(Direction::kFromRelay, leg, *datagram);
  }
}

void ImpairingProxy::pass(Direction direction, std::size_t leg, Bytes datagram) {
  store(direction, leg, datagram);
  Leg& l = *legs_[leg];
  Impairment& impairment = direction == Direction::kToRelay ? l.to_relay : l.from_relay;
  const Instant at = now();
  const Duration queued = impairment.queue_delay(at);
  std::vector<Delivery> deliveries = impairment.offer(at, datagram);
  if (keeps_traffic_) {
    traffic_.push_back(
        {at, direction, static_cast<std::uint32_t>(datagram.size()), deliveries.empty(), queued});
  }
  for (Delivery& delivery : deliveries) {
    pending_.push({delivery.at, next_id_++, direction, leg, std::move(delivery.bytes)});
  }
}

void ImpairingProxy::send_due() {
  while (!pending_.empty() && pending_.top().at <= now()) {
    const Pending& due = pending_.top();
    if (now() - due.at > stall_) stalls_.push_back({due.at, now()});
    const Leg& leg = *legs_[due.leg];
    if (due.direction == Direction::kToRelay) {
      leg.upstream.send(due.bytes);
    } else {
      listener_.send_to(leg.client, due.bytes);
    }
    pending_.pop();
  }
}

// As behind a NAT that forgot its binding: what the relay still sends to the old port reaches
// nobody.
void ImpairingProxy::rebind_due() {
  for (const auto& leg : legs_) {
    const std::size_t changes = leg->to_relay.address_changes_by(now());
    if (changes == leg->address_changes) continue;
    leg->address_changes = changes;
    leg->upstream = UdpSocket::connected_to(relay_);
  }
}

/// legs_.size() when there is no room for another.
std::size_t ImpairingProxy::leg_of(const SocketAddress& client) {
  for (std::size_t i = 0; i < legs_.size(); ++i) {
    if (legs_[i]->client == client) return i;
  }
  if (legs_.size() == kLegsMax) return legs_.size();
  // An Impairment uses a few seeds behind its own, so legs and directions keep a distance.
  const std::uint64_t seed = options_.seed * 1'000'003 + legs_.size() * 32;
  auto leg = std::make_unique<Leg>(Leg{client, UdpSocket::connected_to(relay_),
                                       Impairment{options_.to_relay, seed},
                                       Impairment{options_.from_relay, seed + 16}});
  leg->address_changes = leg->to_relay.address_changes_by(now());
  legs_.push_back(std::move(leg));
  return legs_.size() - 1;
}

void ImpairingProxy::store(Direction direction, std::size_t leg, Bytes datagram) {
  if (store_ == nullptr) return;
  std::array<std::byte, 7> head{};
  Writer writer{head};
  writer.u8(static_cast<std::uint8_t>(direction));
  writer.u16(static_cast<std::uint16_t>(leg));
  writer.u32(static_cast<std::uint32_t>(datagram.size()));
  const bool whole =
      std::fwrite(head.data(), 1, head.size(), store_.get()) == head.size() &&
      std::fwrite(datagram.data(), 1, datagram.size(), store_.get()) == datagram.size();
  if (!whole) throw std::runtime_error{"cannot write on to " + options_.store_file};
}

Instant ImpairingProxy::now() const { return instant_from_us(monotonic_us() - start_us_); }

}  // namespace sluice::sim
