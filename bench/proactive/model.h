// A model of one leg, small enough to search with: a source of video frames, a sender that repairs
// as a link's egress does (retransmission, coded repairs in the last round, proactive ones before
// any loss is known), random loss both ways, and the real encoder, odds and solver. It knows no
// queue, no jitter and the loss exactly. What it is for: whether repairs before any loss is known
// would pay (docs/PERFORMANCE.md, "Proactive repairs").
#pragma once

#include <cstdint>

namespace sluice::bench {

struct ProactiveCell {
  double loss = 0.2;
  double rate = 0;  // proactive repairs for each part sent
  int rtt_ms = 100;
  int budget_ms = 250;  // play-out delay
  int seconds = 300;    // of virtual time
  std::uint64_t seed = 1;

  /// Repair rounds that fit: what a link goes by, with the same figures for detection and guard.
  int rounds() const;
  /// Parts sent in the time in which a repair of the first of them is of use.
  double parts_in_budget() const;
};

struct ProactiveResult {
  int frames = 0;
  int missed = 0;  // not whole at base + dts + budget
  int key_frames = 0;
  int key_missed = 0;
  double overhead = 0;  // repairs and retransmissions for each part

  double miss_ratio() const { return static_cast<double>(missed) / frames; }
};

ProactiveResult run(const ProactiveCell& cell);

}  // namespace sluice::bench
