// WindowLedger: what was sent in a window and when each packet had reached the last of its sinks.
// A flow is what one pusher sends of one track; all flows have equally many sinks, every one of
// which gets every packet. A flow's packets are numbered from 0 in each window.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "proto/base/time.h"

namespace sluice::bench {

class WindowLedger {
 public:
  WindowLedger(std::size_t flows, std::size_t sinks_of_each)
      : sinks_(sinks_of_each), flows_(flows) {}

  /// Forgets everything.
  void begin();

  void sent(std::size_t flow, Instant at, std::size_t packets);

  /// Packets that their pusher had to drop: they have no number, and are missed everywhere.
  void dropped(std::size_t packets) { sent_ += packets; }

  /// False: no such packet in this window, or it came to every sink already.
  bool arrived(std::size_t flow, std::size_t packet, Instant at);

  std::uint64_t copies() const { return copies_; }

  std::uint64_t copies_expected() const { return sent_ * sinks_; }

  bool complete() const { return copies_ == copies_expected(); }

  /// From sending to the arrival at the last sink, of packets that all sinks have, sorted, in us.
  std::vector<double> latencies_us() const;

  /// From the arrival at the first sink to that at the last; the same.
  std::vector<double> skews_us() const;

 private:
  struct Packet {
    Instant sent{};
    Instant first = kNever;
    Instant last{};
    std::size_t copies = 0;
  };

  template <class Read>
  std::vector<double> of_complete(Read read) const;

  std::size_t sinks_;
  std::vector<std::vector<Packet>> flows_;
  std::uint64_t sent_ = 0, copies_ = 0;
};

/// Of sorted values: the smallest that at least this share does not exceed; 0 of none.
double quantile_of(const std::vector<double>& sorted, double share);

}  // namespace sluice::bench
