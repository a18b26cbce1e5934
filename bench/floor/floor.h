// The floor under every relay: a bare forwarder. It receives a burst of packets in one call, and
// for each subscriber writes its own copies of them, sealed if wanted, and sends them as one
// UDP_SEGMENT message, 16 messages a call. No rooms, no loss, no pacing, no feedback: what
// forwarding costs this machine when nothing else is done, by processor time of the forwarding
// thread. Its sinks read nothing, so what a copy costs includes the kernel's drop at a full buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "bench/floor/floor_cipher.h"

namespace sluice::bench {

struct FloorOptions {
  CipherKind cipher = CipherKind::kOpenSsl;
  unsigned subscribers = 100;
  unsigned burst = 8;  ///< packets for one subscriber in one message: k
  std::size_t packet_bytes = 1200;
  double seconds = 3;
};

/// Largest of what a message of UDP_SEGMENT takes, and of what one process may open.
inline constexpr unsigned kFloorBurstMax = 48;
inline constexpr unsigned kFloorSubscribersMax = 10'000;

struct FloorReport {
  FloorOptions options;
  std::uint64_t packets_in = 0, packets_out = 0;
  std::uint64_t system_calls = 0;
  double user_s = 0, system_s = 0;  ///< of the forwarding thread

  /// Processor time for each copy sent; 0 when none was.
  double ns_per_packet() const;
};

/// Throws std::system_error when sockets cannot be had, std::invalid_argument for options out of
/// range or a cipher that is not there.
FloorReport run_floor(const FloorOptions& options);

/// One JSON object, with a line end.
std::string floor_json(const FloorReport& report);

}  // namespace sluice::bench
