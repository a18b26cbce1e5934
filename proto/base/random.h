// Randomness as an argument: libsodium in the programs, a seeded generator in simulations.
#pragma once

#include <cstdint>

#include "proto/base/bytes.h"

namespace sluice {

/// A non-owning reference to a source of random bytes.
struct RandomSource {
  void (*fill)(void* context, MutableBytes out) = nullptr;
  void* context = nullptr;

  void operator()(MutableBytes out) const { fill(context, out); }

  std::uint64_t u64() const {
    std::byte raw[8];
    fill(context, MutableBytes{raw});
    return load_be<8>(raw);
  }

  /// Uniform enough for jitter and skipped numbers (bias below 2^-32 for bounds up to 2^32).
  std::uint64_t below(std::uint64_t bound) const { return u64() % bound; }
};

}  // namespace sluice
