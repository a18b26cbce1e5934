// WindowLedger: what was sent in a window and when each packet had reached the last of its sinks.
// Every sink gets every packet; packets are numbered from 0 in each window.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "proto/base/time.h"

namespace sluice::bench {

class WindowLedger {
 public:
  explicit WindowLedger(std::size_t sinks) : sinks_(sinks) {}

  /// Forgets everything.
  void begin() {
    packets_.clear();
    copies_ = 0;
  }

  void sent(Instant at, std::size_t packets) { packets_.resize(packets_.size() + packets, {at}); }

  /// False: no such packet in this window, or it came to every sink already.
  bool arrived(std::size_t packet, Instant at);

  std::uint64_t copies() const { return copies_; }

  std::uint64_t copies_expected() const { return packets_.size() * sinks_; }

  bool complete() const { return copies_ == copies_expected(); }

  /// From sending to the arrival at the last sink, of packets that all sinks have, sorted, in us.
  std::vector<double> latencies_us() const;

 private:
  struct Packet {
    Instant sent{};
    Instant last{};
    std::size_t copies = 0;
  };

  std::size_t sinks_;
  std::vector<Packet> packets_;
  std::uint64_t copies_ = 0;
};

/// Of sorted values: the smallest that at least this share does not exceed; 0 of none.
double quantile_of(const std::vector<double>& sorted, double share);

}  // namespace sluice::bench
