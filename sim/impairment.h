// Impairment: what one direction of a network path does to datagrams. Sans-I/O and seeded: offer()
// says when, how often and with which bits a datagram arrives. The simulated network and the
// impairing proxy both stand on this one model, so what a simulation shows can be tried on real
// sockets. A datagram meets, in this order: outage, MTU, bottleneck queue, loss, bit flips,
// duplication, then the delay. Each kind of fault draws from its own generator: switching one on
// does not change what another does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/time.h"
#include "sim/xoshiro.h"

namespace sluice::sim {

/// A stretch of time, end excluded, in which nothing passes.
struct Outage {
  Instant begin;
  Instant end;
};

/// From this instant on, the bottleneck has this rate (> 0).
struct RateStep {
  Instant from;
  std::uint64_t bits_per_s = 0;
};

/// Gilbert-Elliott: a good state that loses nothing and a bad one that loses all. The bad state
/// holds for `burst_datagrams` in the mean (>= 1) and takes the share `loss` (0 to 1) of all
/// datagrams.
struct BurstLoss {
  double loss = 0;
  double burst_datagrams = 1;
};

/// One direction of a path; the default passes everything at once. Probabilities are in [0, 1].
struct ImpairmentConfig {
  Duration latency{0};
  Duration jitter{0};  // uniform extra delay in [0, jitter]; alone it keeps the order
  double loss = 0;
  BurstLoss burst{};
  double duplicate = 0;
  double reorder = 0;  // this share is held back by `reorder_by`, so that later ones overtake
  Duration reorder_by = std::chrono::milliseconds{10};
  double bit_flip = 0;                              // this share arrives with one bit changed
  std::uint64_t rate_bits_per_s = 0;                // of UDP payload; 0: no bottleneck
  std::vector<RateStep> rate_steps{};               // ascending; needs a rate before the first
  Duration queue = std::chrono::milliseconds{200};  // drop-tail, in time at the bottleneck's rate
  std::size_t mtu_bytes = 0;                        // of UDP payload; 0: no limit
  std::vector<Outage> outages{};
  std::vector<Instant> address_changes{};  // ascending: when a NAT gives the sender a new address
};

struct ImpairmentCounters {
  std::uint64_t offered = 0;
  std::uint64_t delivered = 0;  // duplicates included
  std::uint64_t lost_outage = 0;
  std::uint64_t lost_mtu = 0;
  std::uint64_t lost_queue = 0;
  std::uint64_t lost_random = 0;
  std::uint64_t lost_burst = 0;
  std::uint64_t flipped = 0;
  std::uint64_t duplicated = 0;
  std::uint64_t reordered = 0;
  std::uint64_t bytes_offered = 0;
  std::uint64_t bytes_delivered = 0;

  std::uint64_t lost() const {
    return lost_outage + lost_mtu + lost_queue + lost_random + lost_burst;
  }

  ImpairmentCounters& operator+=(const ImpairmentCounters& other);
};

struct Delivery {
  Instant at;
  std::vector<std::byte> bytes;
};

class Impairment {
 public:
  Impairment(ImpairmentConfig config, std::uint64_t seed);

  /// A datagram enters the path; `now` never goes backwards. Returns 0 to 2 deliveries, none
  /// earlier than `now`.
  std::vector<Delivery> offer(Instant now, Bytes datagram);

  /// How many times the sender's address, as the other end sees it, has changed by `now`.
  std::size_t address_changes_by(Instant now) const;

  /// How long a datagram that enters now waits at the bottleneck before its own transmission.
  Duration queue_delay(Instant now) const;

  /// The path changes under way: a new rate, an outage. What is under way already stays as it is.
  void set_config(ImpairmentConfig config) { config_ = std::move(config); }

  const ImpairmentConfig& config() const { return config_; }

  const ImpairmentCounters& counters() const { return counters_; }

 private:
  bool in_outage(Instant now) const;
  bool lost(Instant now, std::size_t bytes);
  bool lost_in_burst();
  bool queue_full(Instant now, std::size_t bytes);
  std::int64_t transmitted_by_ns(std::int64_t begins_ns, double bits) const;
  Instant arrival_time(Instant departs);
  Delivery delivery(Instant departs, Bytes datagram);

  ImpairmentConfig config_;
  ImpairmentCounters counters_;
  Xoshiro loss_rng_, burst_rng_, flip_rng_, duplicate_rng_, reorder_rng_, jitter_rng_;
  bool in_burst_ = false;
  std::int64_t bottleneck_free_ns_;  // nanoseconds: 1 Gbit/s sends a datagram in fewer than 10 us
  Instant latest_arrival_;
};

}  // namespace sluice::sim
