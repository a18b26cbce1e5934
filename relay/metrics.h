// Metrics of the relay's threads: one shard for the door and one for each worker, written by that
// thread alone and read by the main thread at any time (net::Counter: relaxed loads and stores, no
// locked add). Sums over shards are the reader's. A value that goes down is a Gauge.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "net/counter.h"
#include "proto/base/drop_reason.h"
#include "proto/base/time.h"
#include "proto/link/link_types.h"

namespace sluice::relay {

/// A present value with one writing thread.
class Gauge {
 public:
  void set(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }

  void add(std::uint64_t n = 1) { set(value() + n); }

  void subtract(std::uint64_t n = 1) { set(value() - n); }

  void raise_to(std::uint64_t value) {
    if (value > this->value()) set(value);
  }

  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Durations from 1 us to 8 s: four buckets an octave, so a quantile is right within 12 %. The
/// first bucket is everything below 1 us, the last everything from 2^23 us on.
class LatencyHistogram {
 public:
  static constexpr std::size_t kPerOctave = 4;
  static constexpr std::size_t kOctaves = 23;
  static constexpr std::size_t kBuckets = kOctaves * kPerOctave + 2;

  void record(Duration d) {
    buckets_[bucket_of(to_us(d))].add();
    sum_us_.add(d.count() > 0 ? static_cast<std::uint64_t>(d.count()) : 0);
  }

  std::uint64_t count_in(std::size_t bucket) const { return buckets_[bucket].value(); }

  std::uint64_t sum_us() const { return sum_us_.value(); }

  /// Exclusive upper bound of a bucket in us; the last one has none and gives UINT64_MAX.
  static constexpr std::uint64_t upper_bound_us(std::size_t bucket) {
    if (bucket == 0) return 1;
    if (bucket == kBuckets - 1) return UINT64_MAX;
    const std::size_t octave = (bucket - 1) / kPerOctave;
    const std::size_t step = (bucket - 1) % kPerOctave;
    // Rounded up: below 4 us some buckets are narrower than 1 us and stay empty.
    return ((std::uint64_t{1} << octave) * (kPerOctave + step + 1) + kPerOctave - 1) / kPerOctave;
  }

  static constexpr std::size_t bucket_of(std::int64_t us) {
    if (us < 1) return 0;
    const auto value = static_cast<std::uint64_t>(us);
    const auto octave = static_cast<std::size_t>(std::bit_width(value)) - 1;
    if (octave >= kOctaves) return kBuckets - 1;
    const std::uint64_t step = (value * kPerOctave >> octave) - kPerOctave;
    return 1 + octave * kPerOctave + static_cast<std::size_t>(step);
  }

 private:
  std::array<net::Counter, kBuckets> buckets_;
  net::Counter sum_us_;
};

enum class PacketKind : std::uint8_t { kHandshake, kData, kReset, kCount };

struct TrafficCounters {
  std::array<net::Counter, static_cast<std::size_t>(PacketKind::kCount)> packets, bytes;

  void add(PacketKind kind, std::size_t byte_count, std::uint64_t packet_count = 1) {
    packets[static_cast<std::size_t>(kind)].add(packet_count);
    bytes[static_cast<std::size_t>(kind)].add(byte_count);
  }
};

/// How a handshake ended: the refusals are the status values of ACCEPT (P-HS-05), 0 is "accepted".
inline constexpr std::size_t kHandshakeStatusCount = 11;

/// What both kinds of thread have.
struct ThreadMetrics {
  std::array<net::Counter, kDropReasonCount> drops;
  TrafficCounters in, out;
  net::Counter socket_receive_drops;       // the kernel's receive buffer was full
  net::Counter receive_calls, send_calls;  // of the socket: recvmmsg, sendmmsg
  net::Counter messages_out;       // handed to sendmmsg; a run is one where UDP_SEGMENT works
  net::Counter turns;              // of the loop, each with one wait for events
  net::Counter busy_us;            // time spent in turns of the loop
  Gauge turn_us_max;               // the longest turn so far
  Gauge timer_lag_us_max;          // the latest a deadline was served so far
  Gauge segmentation, coalescing;  // 1: UDP_SEGMENT, UDP_GRO in use

  void drop(DropReason reason, std::uint64_t count = 1) {
    drops[static_cast<std::size_t>(reason)].add(count);
  }
};

struct alignas(64) DoorMetrics : ThreadMetrics {
  std::array<net::Counter, kHandshakeStatusCount> handshakes;  // by ACCEPT status
  net::Counter accepts_repeated, cookies_sent, resets_sent;
  Gauge rooms, links, half_open, used_tickets;
  Gauge under_load;  // 1: cookies are asked for
};

struct alignas(64) WorkerMetrics : ThreadMetrics {
  Gauge links, members, streams, subscriptions, branches;
  net::Counter parts_in, parts_forwarded;  // parts stored; parts queued, once for each subscription
  net::Counter frames_in, frames_forwarded, frames_dropped;
  net::Counter parts_retransmitted, packets_lost, packets_missing;
  net::Counter packets_late;  // taken for lost, and acknowledged after all
  net::Counter repairs_in, repairs_out, parts_revived;
  net::Counter feedback_bytes_out;
  /// Media frames sent while there was loss, and those not whole at their deadline
  /// (link::MissClass).
  std::array<net::Counter, link::kMissClasses> frames_watched, frames_missed;
  net::Counter handover_parts_in, handover_parts_out;
  net::Counter rendition_switches;
  Gauge subscriptions_paused;  // those whose picture is paused
  net::Counter key_requests_in, key_requests_out;
  net::Counter resets_sent;
  net::Counter mail_in;
  /// From the kernel's receive stamp of a turn's oldest packet to the end of its sends, of turns
  /// that forwarded media.
  LatencyHistogram forward_latency;
};

}  // namespace sluice::relay
