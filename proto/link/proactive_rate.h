// How many coded repairs a sender adds before it knows of any loss: the rate f(p, R), as repairs
// for each part sent, each over at most the last kProactivePartsMax open parts. Where two repair
// rounds fit before the deadline it is nearly always zero, as what is known to be lost is cheaper
// to send again; with less time it is what keeps the misses below one frame in a thousand. Where
// not even one round fits, these repairs are all there is: a last round for each frame alone would
// only add to them.
//
// The figures were found by bench/proactive; docs/PERFORMANCE.md names the command and what it
// takes for granted. They are for losses that do not come in bursts.
#pragma once

#include <array>
#include <cstddef>

namespace sluice::link {

/// Open parts that one proactive repair is over.
inline constexpr std::size_t kProactivePartsMax = 48;

/// What a leg gives a part of a track to be repaired in.
struct RepairTime {
  /// (play-out delay - guard) / (RTT + detection): how often feedback about a part can come back
  /// while something can still be done about it.
  double rounds = 0;
  /// Parts that the track sends in (play-out delay - guard): how many a repair can pool.
  double parts = 0;
};

namespace proactive {

inline constexpr std::array kLosses{0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3};

using Rates = std::array<double, kLosses.size()>;

/// No round fits, by the parts that can be pooled. At 30 % loss 11 parts miss one frame in a
/// hundred whatever is added.
inline constexpr std::array kPooledParts{11.0, 22.0, 33.0, 57.0};
inline constexpr std::array<Rates, kPooledParts.size()> kNoRound{{
    {0, 0.12, 0.20, 0.25, 0.40, 0.60, 0.80, 1.00, 1.20},
    {0, 0.10, 0.12, 0.20, 0.30, 0.45, 0.60, 0.80, 1.20},
    {0, 0.06, 0.10, 0.12, 0.20, 0.35, 0.50, 0.70, 1.00},
    {0, 0.06, 0.06, 0.10, 0.15, 0.25, 0.40, 0.50, 0.80},
}};

/// By the rounds that fit: a first one that only just does finds many parts still in flight.
inline constexpr std::array kRounds{1.03, 1.16, 2.0};
inline constexpr std::array<Rates, kRounds.size()> kWithRounds{{
    {0, 0, 0, 0.02, 0.08, 0.10, 0.15, 0.15, 0.25},
    {0, 0, 0, 0, 0, 0, 0.02, 0.04, 0.06},
    {0, 0, 0, 0, 0, 0, 0, 0, 0.02},
}};

/// Where `x` lies among rising `marks`: between the marks `below` and below + 1, `share` of the
/// way.
struct Between {
  std::size_t below = 0;
  double share = 0;
};

template <std::size_t N>
constexpr Between between(const std::array<double, N>& marks, double x) {
  if (x <= marks.front()) return {0, 0};
  if (x >= marks.back()) return {N - 2, 1};
  std::size_t below = 0;
  while (x > marks[below + 1]) ++below;
  return {below, (x - marks[below]) / (marks[below + 1] - marks[below])};
}

constexpr double blend(double a, double b, double share) { return a + (b - a) * share; }

template <std::size_t N>
constexpr double look_up(const std::array<double, N>& marks, const std::array<Rates, N>& rates,
                         double x, double loss) {
  const Between column = between(marks, x);
  const Between row = between(kLosses, loss);
  const auto of = [&](const Rates& r) { return blend(r[row.below], r[row.below + 1], row.share); };
  return blend(of(rates[column.below]), of(rates[column.below + 1]), column.share);
}

}  // namespace proactive

/// Repairs for each part sent, 0..1.2; between the table's marks along straight lines, beyond them
/// as at the last. `loss` is that of one packet, 0..1.
constexpr double proactive_rate(double loss, const RepairTime& time) {
  if (time.rounds < 1)
    return proactive::look_up(proactive::kPooledParts, proactive::kNoRound, time.parts, loss);
  return proactive::look_up(proactive::kRounds, proactive::kWithRounds, time.rounds, loss);
}

}  // namespace sluice::link
