// What the tests of congestion control share: instants in seconds, Jain's index, and a line of
// output for each limit, so that `--gtest_filter=Rfc8867.*` prints the table of
// docs/PERFORMANCE.md. SIM_PRINT=1 in the environment prints each run second by second.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "proto/base/time.h"
#include "tests/sim/congestion/world.h"

namespace sluice::sim {

inline constexpr std::uint64_t kMega = 1'000'000;

/// Use is held against the smaller of capacity and this: the source's highest rate and headers.
inline constexpr double kUsable = 1.05 * 1.5e6;

inline Instant at(double seconds) {
  return instant_from_us(static_cast<std::int64_t>(seconds * 1e6));
}

/// One bottleneck, whose rate changes; queue 300 ms, owd 50 ms.
inline PathConfig path_of(std::vector<RateStep> forward) {
  PathConfig path;
  path.forward = std::move(forward);
  return path;
}

inline Way way_of(Duration delay) {
  Way way;
  way.delay = delay;
  return way;
}

inline MediaConfig media_from(double seconds) {
  MediaConfig media;
  media.starts = at(seconds);
  return media;
}

/// A source that can fill a path of several Mbit/s.
inline MediaConfig large_media() {
  MediaConfig media;
  media.rate_max = 6e6;
  return media;
}

/// 1 for equal shares, 1 / n where one has all.
inline double jain(const World& world, std::size_t flows, double from, double to) {
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < flows; ++i) {
    const double rate = world.rate(i, from, to);
    sum += rate;
    squares += rate * rate;
  }
  return squares > 0 ? sum * sum / (static_cast<double>(flows) * squares) : 0;
}

inline void print_if_wanted(const World& world, std::size_t flows) {
  if (std::getenv("SIM_PRINT") == nullptr) return;
  for (std::size_t i = 0; i < flows; ++i) {
    std::printf("flow %zu\n", i);
    world.print(i);
  }
}

}  // namespace sluice::sim
