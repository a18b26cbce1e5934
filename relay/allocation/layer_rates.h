// LayerRates: bits per second of a video track's layers over the last seconds, by what may be left
// out: discardable frames before the rest of their temporal layer, high layers before low. What is
// kept up to a class costs the sum of it and of those below.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "proto/base/time.h"
#include "proto/wire/media_header.h"

namespace sluice::relay {

/// Temporal layers, each without and with its discardable frames.
inline constexpr std::size_t kLayerClasses = 2 * wire::kTemporalLayers;

/// The class of a frame: what is above the highest class granted is left out.
constexpr std::uint8_t layer_class(std::uint8_t layer, bool discardable) {
  return static_cast<std::uint8_t>(2 * layer + (discardable ? 1 : 0));
}

class LayerRates {
 public:
  /// Time that is averaged over. Half makes each key frame of a 2 s GOP a peak; double is slow to
  /// see a source that changes its rate.
  static constexpr Duration kBucket = std::chrono::milliseconds{250};
  static constexpr std::int64_t kBuckets = 12;

  void add(Instant now, std::uint8_t layer_class, std::size_t bytes);

  /// Of class `highest` and those below it.
  std::uint64_t bits_per_s(Instant now, std::uint8_t highest);

  /// True when anything of the class came in this time.
  bool present(Instant now, std::uint8_t layer_class);

 private:
  using ByClass = std::array<std::uint64_t, kLayerClasses>;

  void turn_to(Instant now);

  std::array<ByClass, static_cast<std::size_t>(kBuckets)> buckets_{};
  ByClass sums_{};
  std::int64_t newest_ = 0;  // number of the newest bucket since the clock's beginning
  std::int64_t first_ = -1;  // of the first byte; -1: none yet
};

}  // namespace sluice::relay
