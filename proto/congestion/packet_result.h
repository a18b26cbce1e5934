// What congestion control is told and what it asks for: plain values between the owner (the link)
// and Controller. No packet is described twice: it is reported once as sent and settled once, as
// arrived or as lost.
#pragma once

#include <cstdint>
#include <optional>

#include "proto/base/seq.h"
#include "proto/base/time.h"

namespace sluice::congestion {

/// Names a probe; packets that belong to none bear kNoProbe.
using ProbeId = std::uint32_t;
inline constexpr ProbeId kNoProbe = 0;

/// How one packet ended, as a FEEDBACK tells.
struct PacketResult {
  PacketNumber number{};
  Instant sent_at{};
  /// On the peer's clock from any fixed origin, in grains of 250 us (see ArrivalClock). Nothing for
  /// lost packets, and for those that arrived but whose time no feedback told.
  std::optional<Duration> arrival{};
  std::uint32_t bytes = 0;  // of UDP payload
  bool lost = false;
  ProbeId probe = kNoProbe;
};

/// Round trips at the time of a feedback, and the ECN marks it tells of.
struct FeedbackFigures {
  Duration srtt{0};
  Duration min_rtt{0};           // over 10 s
  std::uint32_t ce_packets = 0;  // newly marked "congestion experienced" since the one before
  Duration latest_rtt{0};        // of this feedback, without the time it waited; 0: not known
};

/// Send at `bits_per_s` in all, media included, until `bytes` have left: what media does not fill,
/// useful packets (coded repairs) do. Packets sent meanwhile bear `id`, media too.
struct ProbeWish {
  ProbeId id = kNoProbe;
  std::uint64_t bits_per_s = 0;
  std::uint32_t bytes = 0;  // still to send

  bool operator==(const ProbeWish&) const = default;
};

/// What a path is taken for before anything is known, and between which bounds.
struct Config {
  std::uint64_t start_bits_per_s = 1'000'000;
  /// Below it a call is of no use to anybody: the estimate goes no lower.
  std::uint64_t min_bits_per_s = 150'000;
  std::uint64_t max_bits_per_s = 1'000'000'000;
  /// Highest rate the owner can make use of; probing stops at twice it.
  std::uint64_t useful_bits_per_s = 1'500'000;
  /// capacity_bits_per_s() until trains have measured it.
  std::uint64_t initial_capacity_bits_per_s = 10'000'000;
};

}  // namespace sluice::congestion
