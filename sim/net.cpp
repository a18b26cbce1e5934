#include "sim/net.h"

#include <algorithm>

#include "proto/base/check.h"

namespace sluice::sim {

namespace {

/// Deadlines that may fire at one instant before it is a livelock: a node that never moves its
/// deadline on would otherwise hang the run instead of failing it.
constexpr std::uint64_t kTimeoutsAtOneInstantMax = 10'000;

Address renumbered(Address address, std::size_t changes) {
  address.port = static_cast<std::uint16_t>(address.port + changes);
  return address;
}

}  // namespace

void SimNet::add(const Address& address, SimNode& node) {
  CHECK(place_with_ip(address) == nullptr);
  places_.push_back({address, &node});
}

void SimNet::connect(const Address& a, const Address& b, const ImpairmentConfig& a_to_b,
                     const ImpairmentConfig& b_to_a) {
  set_path(a, b, a_to_b);
  set_path(b, a, b_to_a);
}

void SimNet::set_path(const Address& from, const Address& to, const ImpairmentConfig& config) {
  if (Impairment* existing = path(from, to); existing != nullptr)
    return existing->set_config(config);
  // Spread the paths' seeds far apart: an Impairment uses some seeds next to its own.
  const std::uint64_t seed = Xoshiro{seed_ * 1009 + paths_.size()}.next();
  paths_.emplace(PathKey{from, to}, Impairment{config, seed});
}

void SimNet::at(Instant when, std::function<void(Instant)> action) {
  CHECK(when >= now_);
  push({.at = when, .id = 0, .from = {}, .to = {}, .bytes = {}, .action = std::move(action)});
}

void SimNet::run_until(Instant end) {
  static_cast<void>(run_until(end, [] { return false; }));
}

bool SimNet::run_until(Instant end, const std::function<bool()>& done) {
  poll_all();  // the test may have acted on nodes since the last run
  while (!done()) {
    if (!step(end)) {
      now_ = std::max(now_, end);
      return done();
    }
  }
  return true;
}

const ImpairmentCounters& SimNet::counters(const Address& from, const Address& to) const {
  const auto it = paths_.find(PathKey{from, to});
  CHECK(it != paths_.end());
  return it->second.counters();
}

Duration SimNet::queue_delay(const Address& from, const Address& to) const {
  const auto it = paths_.find(PathKey{from, to});
  CHECK(it != paths_.end());
  return it->second.queue_delay(now_);
}

// One event or one deadline, whichever is first; false when neither lies before or at `end`.
bool SimNet::step(Instant end) {
  const auto due =
      std::min_element(places_.begin(), places_.end(), [](const Place& a, const Place& b) {
        return a.node->next_deadline() < b.node->next_deadline();
      });
  const Instant deadline =
      due == places_.end() ? kNever : std::max(now_, due->node->next_deadline());
  const Instant event_at = heap_.empty() ? kNever : heap_.top().at;
  const Instant next = std::min(deadline, event_at);
  if (next > end || next == kNever) return false;
  if (next > now_) timeouts_in_a_row_ = 0;
  now_ = next;
  ++events_;
  if (event_at <= deadline) {
    const Event event = heap_.top();  // copied: the handler may push
    heap_.pop();
    happen(event);
  } else {
    CHECK(++timeouts_in_a_row_ < kTimeoutsAtOneInstantMax);
    mix(static_cast<std::uint64_t>(to_us(now_)));
    mix(static_cast<std::uint64_t>(due - places_.begin()));
    due->node->handle_timeout(now_);
  }
  poll_all();
  return true;
}

void SimNet::happen(const Event& event) {
  mix(event);
  if (event.action) return event.action(now_);
  const Place* sender = place_with_ip(event.from);
  CHECK(sender != nullptr);
  const Place* place = place_seen(event.to, sender->address);
  if (place == nullptr) {
    ++unreachable_;
    return;
  }
  place->node->handle_datagram(now_, event.bytes, event.from);
}

void SimNet::poll_all() {
  for (const Place& place : places_) {
    while (const std::optional<SimDatagram> datagram = place.node->poll_datagram(now_)) {
      send(place, *datagram);
    }
  }
}

void SimNet::send(const Place& from, const SimDatagram& datagram) {
  const Place* to = place_seen(datagram.to, from.address);
  Impairment* impairment = to == nullptr ? nullptr : path(from.address, to->address);
  if (impairment == nullptr) {
    ++unreachable_;
    return;
  }
  const Address seen = renumbered(from.address, impairment->address_changes_by(now_));
  for (Delivery& delivery : impairment->offer(now_, datagram.bytes)) {
    push({.at = delivery.at,
          .id = 0,
          .from = seen,
          .to = datagram.to,
          .bytes = std::move(delivery.bytes),
          .action = {}});
  }
}

void SimNet::push(Event event) {
  event.id = next_id_++;
  heap_.push(std::move(event));
}

// The node that has `address` in the eyes of `viewer` now. An address from before a change is
// nobody's.
SimNet::Place* SimNet::place_seen(const Address& address, const Address& viewer) {
  Place* place = place_with_ip(address);
  if (place == nullptr) return nullptr;
  const Impairment* there = path(place->address, viewer);
  if (there == nullptr) return nullptr;
  const std::size_t changes = there->address_changes_by(now_);
  return renumbered(place->address, changes) == address ? place : nullptr;
}

SimNet::Place* SimNet::place_with_ip(const Address& address) {
  for (Place& place : places_) {
    if (place.address.ip == address.ip) return &place;
  }
  return nullptr;
}

Impairment* SimNet::path(const Address& from, const Address& to) {
  const auto it = paths_.find(PathKey{from, to});
  return it == paths_.end() ? nullptr : &it->second;
}

// FNV-1a over whole words: order-sensitive, and enough to tell two runs apart.
void SimNet::mix(std::uint64_t value) { hash_ = (hash_ ^ value) * 0x100000001B3U; }

void SimNet::mix(const Event& event) {
  mix(static_cast<std::uint64_t>(to_us(event.at)));
  mix(event.id);
  mix(event.from.port);
  mix(event.to.port);
  mix(event.bytes.size());
  for (const std::byte b : event.bytes) mix(to_u8(b));
}

}  // namespace sluice::sim
