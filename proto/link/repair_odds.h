// The odds of a window of parts at its deadline, and how many coded repairs bring them below a
// target: what the repair controller of a link's egress asks in the last round before a deadline.
// Pure functions of counts; nothing here knows tracks, numbers or time.
//
// A window fails when more of its parts are missing than equations over it have arrived. Each
// packet in flight, part or equation, is lost with probability p, so with X the losses among the
// parts with one copy and the equations in flight, and Y the parts that lose all of their several
// copies,
//
//   P(fail) = P(lost for certain + X + Y > equations in hand + in flight).
//
// X and Y are binomial; where losses come in bursts, beta-binomial with the variance that losses of
// a two-state (Gilbert-Elliott) channel have in a row of so many packets. Repairs to come leave in
// one row, and of those the losses are exactly such a channel's. That a set of equations
// depends on itself (one in 255 when there are just enough) is left out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice::link {

/// Copies of a part in flight that are told apart; three of them are all lost once in 125 at 20 %.
inline constexpr std::size_t kCopiesCountedMax = 3;

/// Packets that one window's odds are over: 256 parts, and as many equations in flight as can be
/// of use with as many again to come. More count as so many.
inline constexpr std::size_t kOddsPacketsMax = 1024;

/// Equations count that are over every open part of the window and over no open part beside it. One
/// that was sent before the window's last part, say a proactive one, cannot stand in for what it
/// leaves out: when such were counted, windows taken for safe were missed ten times as often (the
/// model of bench/proactive, 10 % loss, one proactive repair for 50 parts).
struct OpenWindow {
  /// Open parts by copies in flight; [0]: known lost and not sent again; [3]: three or more.
  std::array<std::uint16_t, kCopiesCountedMax + 1> parts_by_copies{};
  std::uint16_t equations_in_hand = 0;  // over parts of this window alone, at the receiver
  std::uint16_t equations_in_flight = 0;
  double loss = 0;        // of one packet, 0..1
  double mean_burst = 1;  // packets lost in a row; up to 1 / (1 - loss): losses are independent
};

/// P(fail). Below 1 us for a window of 50 parts.
double miss_probability(const OpenWindow& window) noexcept;

/// The smallest number of further repairs over the window with P(fail) <= `miss_target`; each is in
/// flight then and may be lost as well. `repairs_max`, at most 255, when no smaller one will do.
std::uint16_t repairs_needed(const OpenWindow& window, double miss_target,
                             std::uint16_t repairs_max = 255) noexcept;

/// How many repairs, and the P(fail) they leave.
struct RepairChoice {
  std::uint16_t repairs = 0;
  double miss = 1;
};

/// The number of further repairs over the window that costs least, when a repair costs `price` and
/// a failure 1. 1.2 us for a window of 50 parts, 11 for one of 250; with bursts 5 and 54.
RepairChoice repairs_worth(const OpenWindow& window, double price,
                           std::uint16_t repairs_max = 255) noexcept;

/// How many times the variance of independent losses that of a row of `packets` is.
double burst_variance(double loss, double mean_burst, std::size_t packets) noexcept;

}  // namespace sluice::link
