// SimNet: a network of sans-I/O nodes in virtual time. Datagrams travel over paths made of the same
// Impairment the proxy uses; time jumps from event to event. Everything that happens is hashed, in
// order, so two runs with one seed can be compared by one number. Nothing here reads a clock,
// sleeps or opens a socket. Events at one instant happen in the order they were made; deadlines of
// nodes come after them, in the order the nodes were added.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <utility>
#include <vector>

#include "proto/base/address.h"
#include "proto/base/bytes.h"
#include "proto/base/time.h"
#include "sim/impairment.h"

namespace sluice::sim {

struct SimDatagram {
  Address to;
  std::vector<std::byte> bytes;
};

/// What stands on the network: a pusher, a relay, an attacker. The seam between SimNet and a test.
class SimNode {
 public:
  virtual ~SimNode() = default;
  virtual void handle_datagram(Instant now, Bytes bytes, const Address& from) = 0;
  virtual void handle_timeout(Instant now) = 0;

  /// kNever when nothing is due. After handle_timeout(now) it must lie behind `now` before long.
  virtual Instant next_deadline() const = 0;

  /// Asked until it returns nothing, after everything that happened to any node.
  virtual std::optional<SimDatagram> poll_datagram(Instant now) = 0;
};

class SimNet {
 public:
  explicit SimNet(std::uint64_t seed) : seed_(seed) {}

  /// Adds a node that must outlive the net. No two nodes have the same ip. After n address changes
  /// of its path a node is seen at its port + n, and no longer at the ports before.
  void add(const Address& address, SimNode& node);

  /// Both directions between two nodes. Nodes without a path do not reach each other. Called again
  /// for the same two, it changes the path under way.
  void connect(const Address& a, const Address& b, const ImpairmentConfig& a_to_b,
               const ImpairmentConfig& b_to_a);

  /// Something the test does at a moment of virtual time.
  void at(Instant when, std::function<void(Instant)> action);

  /// Runs all events up to and including `end`, then stands at `end`.
  void run_until(Instant end);

  void run_for(Duration time) { run_until(now_ + time); }

  /// Runs until `done` holds, asked after each event, or `end` is reached; says whether it held.
  bool run_until(Instant end, const std::function<bool()>& done);

  Instant now() const { return now_; }

  std::uint64_t hash() const { return hash_; }

  std::uint64_t events() const { return events_; }

  /// Datagrams sent to nobody: no path, or an address that has changed since.
  std::uint64_t unreachable() const { return unreachable_; }

  const ImpairmentCounters& counters(const Address& from, const Address& to) const;

  /// What a datagram on this path would wait at the bottleneck now.
  Duration queue_delay(const Address& from, const Address& to) const;

 private:
  struct Event {
    Instant at;
    std::uint64_t id = 0;  // order of making: breaks ties in time
    Address from, to;      // both as the receiver sees them
    std::vector<std::byte> bytes;
    std::function<void(Instant)> action;  // set: an action of the test, no datagram
  };

  struct Later {
    bool operator()(const Event& a, const Event& b) const {
      return std::pair{a.at, a.id} > std::pair{b.at, b.id};
    }
  };

  struct Place {
    Address address;
    SimNode* node = nullptr;
  };

  using PathKey = std::pair<Address, Address>;

  bool step(Instant end);
  void happen(const Event& event);
  void poll_all();
  void send(const Place& from, const SimDatagram& datagram);
  void push(Event event);
  Place* place_seen(const Address& address, const Address& viewer);
  Place* place_with_ip(const Address& address);
  Impairment* path(const Address& from, const Address& to);
  void set_path(const Address& from, const Address& to, const ImpairmentConfig& config);
  void mix(std::uint64_t value);
  void mix(const Event& event);

  std::uint64_t seed_;
  std::vector<Place> places_;
  std::map<PathKey, Impairment> paths_;
  std::priority_queue<Event, std::vector<Event>, Later> heap_;
  Instant now_{};
  std::uint64_t next_id_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t unreachable_ = 0;
  std::uint64_t timeouts_in_a_row_ = 0;
  std::uint64_t hash_ = 0xCBF29CE484222325U;
};

}  // namespace sluice::sim
