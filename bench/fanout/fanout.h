// What fanning out costs a relay, held against a bare forwarder: both are processes of their own,
// fed the same packets at the same times in alternating windows of one run, so that what else the
// machine does is bad for both. The relay's sinks are authenticated links without a jitter buffer,
// the forwarder's as many plain sockets that read everything and answer with as much feedback; all
// live in this process. The figure is processor time, user and system, of the forwarding process
// for each copy, and the ratio of two neighbouring windows. docs/PERFORMANCE.md has the method.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/fanout/traffic.h"
#include "proto/base/result.h"

namespace sluice::bench {

struct FanoutOptions {
  unsigned subscribers = 100;  ///< members in all, with kCall
  unsigned burst = 8;          ///< packets of a frame, with kBurst
  unsigned workers = 1;
  Ingress ingress = Ingress::kBurst;
  unsigned windows = 9;
  double window_s = 1;
  double loss = 0;          ///< share of the relay's packets that its sinks take for lost
  double copies_per_s = 0;  ///< offered; 0: chosen, far below what a core can do
  bool half_rate = false;   ///< instead: half of the highest at which every copy arrives
  std::string relay;        ///< program; empty: the one beside this
};

inline constexpr int kCdfPoints = 100;

/// One window of one forwarder.
struct FanoutWindow {
  std::uint64_t copies_expected = 0, copies = 0;
  double cpu_ns = 0;
  double latency_us_p50 = 0, latency_us_p99 = 0;  ///< sent to arrived at the last-served sink
  std::vector<double> latency_us_cdf;             ///< its hundredths
  double skew_us_p50 = 0;                         ///< first to last sink
  std::optional<double> allocations;
  std::vector<std::uint64_t> copies_by_worker;

  double ns_per_copy() const { return copies == 0 ? 0 : cpu_ns / static_cast<double>(copies); }
};

/// What the relay's own counters said over a window.
struct RelayCounts {
  double packets_out = 0, messages_out = 0, calls = 0;
  double packets_in = 0, bytes_in = 0;
  double repeated = 0, lost = 0, frames_dropped = 0, receive_drops = 0;
};

struct FanoutReport {
  FanoutOptions options;
  double offered_copies_per_s = 0;
  std::string aead, floor_cipher;
  std::vector<FanoutWindow> relay, floor, floor_openssl;
  std::vector<FanoutWindow> one_worker;  ///< a relay of one worker, beside one of several
  std::optional<double> highest_copies_per_s;
  std::vector<RelayCounts> counts;  ///< beside `relay`
  std::optional<double> link_bytes_idle, link_bytes_active;
  double load_average = 0;

  /// Copies that should have arrived, in all windows; and those that did not.
  std::uint64_t expected() const;
  std::uint64_t missing() const;
};

/// What no relay is needed to refuse; the words are for the command line.
Status<Failure> check_fanout(const FanoutOptions& options);

/// Who sends what to whom.
Traffic traffic_of(const FanoutOptions& options);

Result<FanoutReport, Failure> run_fanout(const FanoutOptions& options);

/// One JSON object, with a line end. What was not measured is null.
std::string fanout_json(const FanoutReport& report);

}  // namespace sluice::bench
