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

#include "proto/base/result.h"

namespace sluice::bench {

enum class Ingress : std::uint8_t {
  kBurst,  ///< frames of `burst` equal packets, not paced
  kPaced,  ///< 30 frames/s of 7 packets (2 Mbit/s), as the product's own pacer sends them
};

struct FanoutOptions {
  unsigned subscribers = 100;
  unsigned burst = 8;  ///< packets of a frame; kPaced has its own
  unsigned workers = 1;
  Ingress ingress = Ingress::kBurst;
  unsigned windows = 9;
  double window_s = 1;
  double loss = 0;          ///< share of the relay's packets that its sinks take for lost
  double copies_per_s = 0;  ///< offered; 0: chosen, far below what a core can do
  std::string relay;        ///< program; empty: the one beside this
};

/// One window of one forwarder.
struct FanoutWindow {
  std::uint64_t copies_expected = 0, copies = 0;
  double cpu_ns = 0;
  double latency_us_p50 = 0, latency_us_p99 = 0;  ///< sent to arrived at the last-served sink

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
  std::vector<RelayCounts> counts;  ///< beside `relay`
  std::optional<double> link_bytes_idle, link_bytes_active;
  double load_average = 0;

  /// Copies that should have arrived, in all windows; and those that did not.
  std::uint64_t expected() const;
  std::uint64_t missing() const;
};

/// What no relay is needed to refuse; the words are for the command line.
Status<Failure> check_fanout(const FanoutOptions& options);

/// The offered copies a second and the packets of a frame that the options lead to.
double offered_rate(const FanoutOptions& options);
unsigned packets_per_frame(const FanoutOptions& options);

Result<FanoutReport, Failure> run_fanout(const FanoutOptions& options);

/// One JSON object, with a line end. What was not measured is null.
std::string fanout_json(const FanoutReport& report);

}  // namespace sluice::bench
