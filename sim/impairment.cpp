#include "sim/impairment.h"

#include <algorithm>
#include <utility>

#include "proto/base/check.h"

namespace sluice::sim {

ImpairmentCounters& ImpairmentCounters::operator+=(const ImpairmentCounters& other) {
  offered += other.offered;
  delivered += other.delivered;
  lost_outage += other.lost_outage;
  lost_mtu += other.lost_mtu;
  lost_queue += other.lost_queue;
  lost_random += other.lost_random;
  lost_burst += other.lost_burst;
  flipped += other.flipped;
  duplicated += other.duplicated;
  reordered += other.reordered;
  bytes_offered += other.bytes_offered;
  bytes_delivered += other.bytes_delivered;
  return *this;
}

// Neighbouring seeds give unrelated states (splitmix64), so the six generators are numbered.
Impairment::Impairment(ImpairmentConfig config, std::uint64_t seed)
    : config_(std::move(config)),
      loss_rng_(seed),
      burst_rng_(seed + 1),
      flip_rng_(seed + 2),
      duplicate_rng_(seed + 3),
      reorder_rng_(seed + 4),
      jitter_rng_(seed + 5),
      bottleneck_free_ns_(INT64_MIN),
      latest_arrival_(kLongAgo) {}

std::vector<Delivery> Impairment::offer(Instant now, Bytes datagram) {
  ++counters_.offered;
  counters_.bytes_offered += datagram.size();
  std::vector<Delivery> deliveries;
  if (lost(now, datagram.size())) return deliveries;
  const Instant departs =
      config_.rate_bits_per_s == 0
          ? now
          : std::max(now, instant_from_us((bottleneck_free_ns_ + 999) / 1000));  // rounded up
  deliveries.push_back(delivery(departs, datagram));
  if (duplicate_rng_.chance(config_.duplicate)) {
    ++counters_.duplicated;
    deliveries.push_back(delivery(departs, datagram));
  }
  return deliveries;
}

std::size_t Impairment::address_changes_by(Instant now) const {
  const auto& changes = config_.address_changes;
  const auto behind = std::upper_bound(changes.begin(), changes.end(), now);
  return static_cast<std::size_t>(behind - changes.begin());
}

bool Impairment::in_outage(Instant now) const {
  return std::any_of(config_.outages.begin(), config_.outages.end(),
                     [now](const Outage& o) { return o.begin <= now && now < o.end; });
}

// Both losses are drawn for every datagram that passed the queue, so that the one does not shift
// the other's sequence.
bool Impairment::lost(Instant now, std::size_t bytes) {
  if (in_outage(now)) return ++counters_.lost_outage, true;
  if (config_.mtu_bytes != 0 && bytes > config_.mtu_bytes) return ++counters_.lost_mtu, true;
  if (queue_full(now, bytes)) return ++counters_.lost_queue, true;
  const bool burst = lost_in_burst();
  if (loss_rng_.chance(config_.loss)) return ++counters_.lost_random, true;
  if (burst) return ++counters_.lost_burst, true;
  return false;
}

bool Impairment::lost_in_burst() {
  const BurstLoss& burst = config_.burst;
  if (burst.loss <= 0) return in_burst_ = false;
  CHECK(burst.loss < 1 && burst.burst_datagrams >= 1);
  const double leave = 1 / burst.burst_datagrams;
  const double enter = leave * burst.loss / (1 - burst.loss);
  in_burst_ = in_burst_ ? !burst_rng_.chance(leave) : burst_rng_.chance(enter);
  return in_burst_;
}

bool Impairment::queue_full(Instant now, std::size_t bytes) {
  if (config_.rate_bits_per_s == 0) return false;
  const std::int64_t now_ns = to_us(now) * 1000;
  const std::int64_t begins_ns = std::max(now_ns, bottleneck_free_ns_);
  if (begins_ns - now_ns > to_us(config_.queue) * 1000) return true;
  bottleneck_free_ns_ = transmitted_by_ns(begins_ns, static_cast<double>(bytes) * 8);
  return false;
}

// What waits while the rate changes leaves at the new rate.
std::int64_t Impairment::transmitted_by_ns(std::int64_t begins_ns, double bits) const {
  auto bits_per_ns = static_cast<double>(config_.rate_bits_per_s) / 1e9;
  for (const RateStep& step : config_.rate_steps) {
    const std::int64_t step_ns = to_us(step.from) * 1000;
    if (step_ns > begins_ns) {
      const double until_step = static_cast<double>(step_ns - begins_ns) * bits_per_ns;
      if (bits <= until_step) break;
      bits -= until_step;
      begins_ns = step_ns;
    }
    bits_per_ns = static_cast<double>(step.bits_per_s) / 1e9;
  }
  return begins_ns + static_cast<std::int64_t>(bits / bits_per_ns);
}

Duration Impairment::queue_delay(Instant now) const {
  const std::int64_t now_ns = to_us(now) * 1000;
  return Duration{(std::max(now_ns, bottleneck_free_ns_) - now_ns) / 1000};
}

Instant Impairment::arrival_time(Instant departs) {
  Instant at = departs + config_.latency;
  if (to_us(config_.jitter) > 0) {
    const auto range = static_cast<std::uint64_t>(to_us(config_.jitter)) + 1;
    at += Duration{static_cast<std::int64_t>(jitter_rng_.below(range))};
  }
  if (reorder_rng_.chance(config_.reorder)) {
    ++counters_.reordered;
    return at + config_.reorder_by;  // does not hold up those behind it
  }
  at = std::max(at, latest_arrival_);
  latest_arrival_ = at;
  return at;
}

Delivery Impairment::delivery(Instant departs, Bytes datagram) {
  Delivery result{arrival_time(departs), {datagram.begin(), datagram.end()}};
  if (!datagram.empty() && flip_rng_.chance(config_.bit_flip)) {
    ++counters_.flipped;
    const std::uint64_t bit = flip_rng_.below(datagram.size() * 8);
    result.bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
  }
  ++counters_.delivered;
  counters_.bytes_delivered += datagram.size();
  return result;
}

}  // namespace sluice::sim
