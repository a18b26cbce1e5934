// What a UDP hop costs on this machine with nothing in it: a bare echo, fed bursts shaped like
// video frames over the loopback interface. The yardstick for the relay's added latency: measured
// the same way, from the kernel's receive stamp to the return of the send call, and best in windows
// that alternate with the relay's, since a busy machine is slow for both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice::bench {

/// The default is one 720p30 stream of 2 Mbit/s with a key frame every two seconds.
struct EchoOptions {
  double seconds = 2;
  unsigned bursts_per_second = 30;
  unsigned packets_per_burst = 7;
  unsigned packets_per_key_burst = 20;
  unsigned bursts_per_key_burst = 60;  // 0: none is a key frame
  std::size_t packet_bytes = 1200;
};

/// Sorted, in microseconds.
struct Latencies {
  std::vector<double> us;

  double quantile(double q) const;  // 0 when there is none
};

struct EchoReport {
  std::uint64_t packets_sent = 0;
  std::uint64_t packets_returned = 0;
  Latencies turnaround;  // in the echo, by turn: oldest kernel stamp to the last send's return
  Latencies round_trip;  // at the client: before the send call to after the receive call
};

/// Throws std::system_error when sockets cannot be had.
EchoReport run_echo(const EchoOptions& options);

/// One JSON object, with a line end.
std::string echo_json(const EchoReport& report);

}  // namespace sluice::bench
