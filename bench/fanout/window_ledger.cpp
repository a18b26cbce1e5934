#include "bench/fanout/window_ledger.h"

#include <algorithm>
#include <cmath>

namespace sluice::bench {

bool WindowLedger::arrived(std::size_t packet, Instant at) {
  if (packet >= packets_.size()) return false;
  Packet& entry = packets_[packet];
  if (entry.copies == sinks_) return false;
  entry.last = std::max(entry.last, at);
  ++entry.copies;
  ++copies_;
  return true;
}

std::vector<double> WindowLedger::latencies_us() const {
  std::vector<double> all;
  for (const Packet& packet : packets_) {
    if (packet.copies == sinks_)
      all.push_back(static_cast<double>(to_us(packet.last - packet.sent)));
  }
  std::sort(all.begin(), all.end());
  return all;
}

double quantile_of(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  const double rank = std::ceil(share * static_cast<double>(sorted.size()));
  const auto at = static_cast<std::size_t>(std::max(rank, 1.0)) - 1;
  return sorted[std::min(at, sorted.size() - 1)];
}

}  // namespace sluice::bench
