// What a cell is: one pusher, a leg, a relay, a leg, one or more subscribers, under one set of
// conditions. CellOptions says which; `sluice-bench link` fills it from its command line, the
// table of cells from its lines, both by way of add_cell_options().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proto/base/result.h"
#include "proto/base/time.h"
#include "sim/impairment.h"

namespace CLI {
class App;
}

namespace sluice::bench {

/// Which leg is impaired; the other is a short clean path.
enum class Hop : std::uint8_t { kDown, kUp, kBoth };

struct CellOptions {
  Hop hop = Hop::kDown;

  // The impaired leg, in both directions. Times count from the first frame.
  double loss = 0;
  double burst = 0;  // mean length in datagrams; 0: each datagram by itself
  Duration rtt = std::chrono::milliseconds{20};
  Duration jitter{0};
  double reorder = 0;
  std::uint64_t rate = 0;  // bits/s towards the subscriber; 0: no bottleneck
  std::vector<sim::RateStep> rate_steps;
  Duration queue = std::chrono::milliseconds{300};
  std::vector<sim::Outage> outages;
  std::vector<Instant> rebinds;  // the member behind it gets another address

  // Play-out: nothing is auto.
  std::optional<Duration> budget = std::chrono::milliseconds{250};

  // The feed.
  std::uint64_t bits_per_s = 2'000'000;
  std::uint32_t fps = 30;
  double key_factor = 8;  // size of a key frame over that of the other frames
  std::uint32_t layers = 1;
  double base_share = 0.6;  // of the bytes in layer 0, when there is more than one
  std::uint64_t audio_bits_per_s = 0;

  double seconds = 60;
  std::uint64_t seed = 1;
  std::vector<double> subscribers_loss;  // one subscriber for each; empty: one, with `loss`

  std::size_t subscribers() const { return subscribers_loss.empty() ? 1 : subscribers_loss.size(); }
};

/// The first frames, with which everything settles, are not counted.
inline constexpr Duration kNotCounted = std::chrono::seconds{2};

/// Key frames are this far apart.
inline constexpr Duration kKeyEvery = std::chrono::seconds{2};

/// The path that is not impaired: two machines of one rack.
inline constexpr Duration kShortPath{500};

/// Puts the options on a command line. `options` must live while it is parsed. CLI11's own errors
/// name what is wrong.
void add_cell_options(CLI::App& app, CellOptions& options);

/// The options as a line of text has them; the failure is CLI11's message.
Result<CellOptions, Failure> parse_cell_options(const std::string& text);

enum class Leg : std::uint8_t { kUp, kDown };

/// The two directions of a leg; `began` is when the media does, in the clock of the path.
struct LegPaths {
  sim::ImpairmentConfig to_relay, from_relay;
};

LegPaths paths_of(const CellOptions& options, Leg leg, Instant began, std::size_t subscriber = 0);

}  // namespace sluice::bench
