// What the micro-benchmarks feed on, and how they take time: seeded bytes, parts of a video frame
// in ring form, and a stopwatch for cases that have work to do between the timed stretches. Every
// case names its steady state in a comment and CHECKs that it is there: a benchmark of a path that
// was not taken would abort instead of being fast.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include "proto/base/bytes.h"
#include "proto/base/limits.h"
#include "proto/base/random.h"
#include "proto/base/seq.h"

namespace sluice::bench {

/// The same in every run; never for real keys.
class SeededRandom {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}

  RandomSource source() {
    return {[](void* self, MutableBytes out) { static_cast<SeededRandom*>(self)->fill(out); },
            this};
  }

 private:
  void fill(MutableBytes out) {
    for (std::byte& b : out) b = static_cast<std::byte>(next() & 0xFFU);
  }

  std::uint64_t next() {  // splitmix64
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31U);
  }

  std::uint64_t state_;
};

inline std::vector<std::byte> sample_bytes(std::size_t count, std::uint64_t seed = 1) {
  std::vector<std::byte> bytes(count);
  SeededRandom random{seed};
  random.source()(bytes);
  return bytes;
}

/// The parts of one video frame that splits into `count` full parts, in ring form.
std::vector<std::vector<std::byte>> full_parts(std::size_t count);

/// Gives a part in ring form another number; its frame's other parts are the caller's to move
/// along.
void renumber(MutableBytes ring_part, Seq seq);

/// Manual time of one iteration: what lies between start() and stop(), however often, in this
/// thread's processor time, so that neighbours on a shared machine do not count. Reading that clock
/// is a system call; its own cost is measured once and taken off.
class Stopwatch {
 public:
  void start() { started_ns_ = thread_ns(); }

  void stop() { elapsed_ns_ += thread_ns() - started_ns_ - reading_ns(); }

  /// Ends the iteration.
  void record(benchmark::State& state) {
    state.SetIterationTime(static_cast<double>(elapsed_ns_) * 1e-9);
    elapsed_ns_ = 0;
  }

 private:
  static std::int64_t thread_ns();
  static std::int64_t reading_ns();

  std::int64_t started_ns_ = 0;
  std::int64_t elapsed_ns_ = 0;
};

/// Per-second rates, and the time of one packet, which is what the cost model is about.
inline void count_packets(benchmark::State& state, std::size_t packets_per_iteration,
                          std::size_t bytes_per_iteration) {
  const auto iterations = static_cast<std::int64_t>(state.iterations());
  state.SetItemsProcessed(iterations * static_cast<std::int64_t>(packets_per_iteration));
  state.SetBytesProcessed(iterations * static_cast<std::int64_t>(bytes_per_iteration));
  state.counters["per_item"] = benchmark::Counter(
      static_cast<double>(packets_per_iteration),
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

}  // namespace sluice::bench
