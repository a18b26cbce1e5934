// ArrivalClock: when our packets arrived, on the peer's clock, put together from the receive times
// of one FEEDBACK after the other (P-FEEDBACK-02). A FEEDBACK holds only differences, cut to 250
// us; each repeats the times of the one before, so the repeated packets say where the new ones
// stand. Where two do not overlap (many feedbacks lost), its age takes their place. Whoever turns
// FEEDBACK into PacketResults keeps one for each link. Fixed memory; no order of input makes it
// fail.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "proto/base/limits.h"
#include "proto/base/seq.h"
#include "proto/base/time.h"

namespace sluice::congestion {

class ArrivalClock {
 public:
  /// Grain of the receive times.
  static constexpr Duration kUnit{250};

  /// A feedback that came `now`, `age` after its highest packet had arrived.
  void begin(Instant now, Duration age, PacketNumber highest);

  /// The next received packet below, which arrived `units` earlier than the one before it.
  void add(PacketNumber number, std::int32_t units);

  /// Places what was added beside what earlier feedbacks told; arrival_of() knows it from now on.
  void finish();

  /// From a fixed origin; nothing for packets that no feedback timed, or too long ago.
  std::optional<Duration> arrival_of(PacketNumber number) const;

 private:
  struct Entry {
    std::uint64_t number = 0;
    std::int64_t at_us = 0;
  };

  // Twice the packets two feedbacks can time, so that neither pushes the other out.
  static constexpr std::size_t kKept = 256;
  static_assert(kKept >= 2 * (kReceiveTimesMax + 1));

  const std::int64_t* find(std::uint64_t number) const;
  void keep(const Entry& entry);
  std::optional<std::int64_t> origin_by_overlap();

  // By number mod kKept. A row of numbers and a row of times: a link's table is looked at with all
  // caches cold, and is the smaller so. Numbers as their low 32 bits, plus 1; 0: empty.
  std::array<std::uint32_t, kKept> kept_numbers_{};
  std::array<std::int64_t, kKept> kept_at_us_{};
  std::array<Entry, kReceiveTimesMax + 1> read_{};  // of this feedback, relative to its highest
  std::size_t read_count_ = 0, unknown_count_ = 0;
  std::int64_t by_age_us_ = 0;  // arrival of the highest on our clock, later by the way back
  std::optional<std::int64_t> way_back_us_;  // what must be taken off, by the chain of overlaps
};

}  // namespace sluice::congestion
