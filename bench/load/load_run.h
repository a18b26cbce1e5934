// `sluice-bench run`: rooms full of pushers and subscribers in one process against one relay, each
// on a link and a socket of its own, and what arrived. The simplest form: one thread, synthetic
// video, every subscriber of a room takes every stream of it. Latency is from the pusher's stamp to
// the arrival of a frame's last part, so it holds the time that this process itself needs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "client/error.h"
#include "client/histogram.h"

namespace sluice::bench {

struct LoadOptions {
  std::uint32_t rooms = 1;
  std::uint32_t pushers = 1;      // of each room
  std::uint32_t subscribers = 1;  // of each stream
  double duration_s = 10;
  std::uint64_t bits_per_s = 2'000'000;   // of each stream
  std::string control;                    // empty: the --dev relay's
  std::string address;                    // HOST:PORT to send to instead
  std::optional<std::int32_t> relay_pid;  // empty: its CPU is not measured
};

struct LoadReport {
  LoadOptions options;
  std::uint64_t streams = 0, subscriptions = 0;
  std::uint64_t frames_pushed = 0;    // by all pushers
  std::uint64_t frames_expected = 0;  // by all subscribers together
  std::uint64_t frames_received = 0;
  std::uint64_t frames_skipped = 0;
  std::uint64_t bytes_received = 0;  // UDP payload at the subscribers
  std::uint64_t packets_sent = 0, packets_received = 0, packets_missing = 0;
  std::uint64_t parts_recovered = 0;
  client::Histogram latency_us, join_us;
  double seconds = 0;  // of pushing, measured
  double own_cpu_percent = 0;
  std::optional<double> relay_cpu_percent;
};

/// Runs it all. Errors: no relay, refused, no sockets; losing frames is a result, not an error.
Result<LoadReport, client::Error> run_load(const LoadOptions& options);

/// One JSON object, with a line end.
std::string load_json(const LoadReport& report);

}  // namespace sluice::bench
