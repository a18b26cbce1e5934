// A RandomSource that is the same in every run: splitmix64 from a seed. Never for real keys.
#pragma once

#include <cstddef>
#include <cstdint>

#include "proto/base/random.h"

namespace sluice::crypto {

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

  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31U);
  }

  std::uint64_t state_;
};

}  // namespace sluice::crypto
