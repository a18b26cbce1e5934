// PartGaps: which part numbers of a track were jumped over, and when that was seen. It tells a
// part that was lost and came again from one that the network merely let others overtake. What a
// SKIP names was not lost. Bounded: only the newest gaps are remembered.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "proto/base/seq.h"
#include "proto/base/time.h"

namespace sluice::client {

class PartGaps {
 public:
  struct Seen {
    bool behind = false;                   // newer parts had come
    std::uint32_t jumped = 0;              // numbers before this part that have not come
    std::optional<Instant> missing_since;  // set: this part was one of those
  };

  /// A part that came for the first time.
  Seen on_part(Instant now, Seq seq);

  /// Parts [from, to] will not come. Returns how many of them had been told as jumped.
  std::uint32_t on_skip(Seq from, Seq to);

 private:
  struct Range {
    Seq from, to;  // both included
    Instant seen_at = kLongAgo;
  };

  /// At 20 % loss and 200 packets a second this is a second of gaps, three rounds of a bad path.
  static constexpr std::size_t kGapsMax = 64;

  /// More than a handful open at once means that the relay drops everything.
  static constexpr std::size_t kSkipsMax = 16;

  /// A longer jump is an outage or another beginning: nothing that waiting for parts would mend.
  static constexpr std::uint32_t kJumpMax = 32;

  static std::uint32_t overlap(const Range& range, Seq from, Seq to);

  std::optional<Seq> highest_;
  std::array<Range, kGapsMax> gaps_{};
  std::size_t gaps_count_ = 0;
  std::array<Range, kSkipsMax> skips_{};
  std::size_t skips_count_ = 0;
};

}  // namespace sluice::client
