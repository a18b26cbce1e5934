#include "bench/fanout/window_ledger.h"

#include <algorithm>
#include <cmath>

namespace sluice::bench {

void WindowLedger::begin() {
  for (auto& flow : flows_) flow.clear();
  sent_ = copies_ = 0;
}

void WindowLedger::sent(std::size_t flow, Instant at, std::size_t packets) {
  auto& of_flow = flows_[flow];
  Packet packet;
  packet.sent = at;
  of_flow.resize(of_flow.size() + packets, packet);
  sent_ += packets;
}

bool WindowLedger::arrived(std::size_t flow, std::size_t packet, Instant at) {
  if (flow >= flows_.size() || packet >= flows_[flow].size()) return false;
  Packet& entry = flows_[flow][packet];
  if (entry.copies == sinks_) return false;
  entry.first = std::min(entry.first, at);
  entry.last = std::max(entry.last, at);
  ++entry.copies;
  ++copies_;
  return true;
}

template <class Read>
std::vector<double> WindowLedger::of_complete(Read read) const {
  std::vector<double> all;
  for (const auto& flow : flows_) {
    for (const Packet& packet : flow) {
      if (packet.copies == sinks_) all.push_back(static_cast<double>(to_us(read(packet))));
    }
  }
  std::sort(all.begin(), all.end());
  return all;
}

std::vector<double> WindowLedger::latencies_us() const {
  return of_complete([](const Packet& packet) { return packet.last - packet.sent; });
}

std::vector<double> WindowLedger::skews_us() const {
  return of_complete([](const Packet& packet) { return packet.last - packet.first; });
}

double quantile_of(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  const double rank = std::ceil(share * static_cast<double>(sorted.size()));
  const auto at = static_cast<std::size_t>(std::max(rank, 1.0)) - 1;
  return sorted[std::min(at, sorted.size() - 1)];
}

}  // namespace sluice::bench
