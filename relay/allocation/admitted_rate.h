// AdmittedRate: how much of what a path is said to carry one link spends. It falls at once and
// rises late, so that an estimate that swings about a layer's rate does not make pictures flap: up
// only when the path proved kUpMargin more than is then spent for a second, and for twice as long
// after each rise that had to be taken back. Sans-I/O.
#pragma once

#include <chrono>
#include <cstdint>

#include "proto/base/time.h"

namespace sluice::relay {

/// What must be proved, in per cent of what will be spent. Half lets repairs of a bad second take
/// the layer away again; double leaves a quarter of the path unused.
inline constexpr std::uint64_t kUpMarginPercent = 115;

/// How long it must be proved. Half believes one probe; double shows a good picture a second later.
inline constexpr Duration kUpHold = std::chrono::seconds{1};
inline constexpr Duration kUpHoldMax = std::chrono::seconds{32};

/// A fall so soon after a rise says that the rise was a mistake.
inline constexpr Duration kRiseTrial = std::chrono::seconds{10};

/// After so long without a fall the past is forgotten, one doubling at a time.
inline constexpr Duration kUpForgive = std::chrono::seconds{60};

class AdmittedRate {
 public:
  explicit AdmittedRate(std::uint64_t bits_per_s) : admitted_(bits_per_s) {}

  /// `path`: what the link's media may take by the newest estimate; `spent`: what the present
  /// grants cost. Returns what may be spent from now on.
  std::uint64_t update(Instant now, std::uint64_t path_bits_per_s, std::uint64_t spent_bits_per_s);

  /// A larger picture is sent from now on: it is on trial.
  void note_rise(Instant now) { risen_at_ = now; }

  std::uint64_t bits_per_s() const { return admitted_; }

  Duration hold() const { return hold_; }

 private:
  void fall(Instant now, std::uint64_t path_bits_per_s);

  std::uint64_t admitted_;
  std::uint64_t proved_ = 0;  // least of the time that the next rise is being proved
  Instant proving_since_ = kNever;
  Instant risen_at_ = kLongAgo;
  Instant forgiven_at_ = kLongAgo;  // or last fallen
  Duration hold_ = kUpHold;
};

}  // namespace sluice::relay
