// Xoshiro: the seeded generator of every simulation and of the impairing proxy (xoshiro256**,
// Blackman and Vigna 2018, state filled by splitmix64). Equal seeds give equal numbers on every
// machine, which the standard library's distributions do not promise; so the few distributions
// needed are here too.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "proto/base/random.h"

namespace sluice::sim {

class Xoshiro {
 public:
  explicit Xoshiro(std::uint64_t seed) {
    for (std::uint64_t& word : state_) word = split_mix(seed);
  }

  std::uint64_t next() {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17U;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  /// Uniform in [0, bound); `bound` > 0. The modulo's bias is below 2^-32 for bounds up to 2^32.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }

  /// Uniform in [0, 1): the upper 53 bits, all that a double holds.
  double unit() { return static_cast<double>(next() >> 11U) * 0x1p-53; }

  /// True with the given probability; never for 0, always for 1.
  bool chance(double probability) { return unit() < probability; }

  /// This generator as the randomness of a state machine under test; it must outlive the user.
  RandomSource source() { return {&fill, this}; }

 private:
  static std::uint64_t split_mix(std::uint64_t& seed) {
    seed += 0x9E3779B97F4A7C15U;
    std::uint64_t z = seed;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31U);
  }

  static void fill(void* context, MutableBytes out) {
    auto* self = static_cast<Xoshiro*>(context);
    for (std::byte& b : out) b = static_cast<std::byte>(self->next() >> 56U);
  }

  std::array<std::uint64_t, 4> state_{};
};

}  // namespace sluice::sim
