// ByteLedger: what the bytes of a link were spent on, packet by packet: media bodies sent for the
// first time, and everything that comes on top of them, each by its cause. The sums add up to the
// UDP payload that was sent. The link notes what it puts into a packet and then closes the packet.
#pragma once

#include <cstddef>

#include "proto/link/link_types.h"

namespace sluice::link {

class ByteLedger {
 public:
  /// A part, body and header (and length, in a bundle), went into the packet under construction.
  void add_part(std::size_t body_bytes, std::size_t header_bytes, bool again) {
    if (again) {
      again_ += body_bytes + header_bytes;
    } else {
      fresh_ += body_bytes;
    }
  }

  /// The packet under construction is a repair; `probe` when it was made to measure the path.
  void add_repair(bool probe) { (probe ? probe_ : repair_) = true; }

  /// The packet is complete: `bytes` of UDP payload. What is neither a body nor sent again belongs
  /// to the fresh media it carries; without any, to what it is.
  void close_packet(std::size_t bytes, LinkStats& stats) {
    const std::size_t rest = bytes - fresh_ - again_;
    stats.media_bytes_sent += fresh_;
    stats.retransmitted_bytes_sent += again_;
    if (probe_) {
      stats.probe_bytes_sent += rest;
    } else if (repair_) {
      stats.repair_bytes_sent += rest;
    } else if (fresh_ > 0) {
      stats.header_bytes_sent += rest;
    } else if (again_ > 0) {
      stats.retransmitted_bytes_sent += rest;
    } else {
      stats.control_bytes_sent += rest;
    }
    *this = ByteLedger{};
  }

 private:
  std::size_t fresh_ = 0, again_ = 0;
  bool repair_ = false, probe_ = false;
};

}  // namespace sluice::link
