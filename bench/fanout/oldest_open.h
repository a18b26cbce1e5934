// OldestOpen: the first part of a track that a sink still waits for, as a jitter buffer would have
// it: the first one missing, until it has been waited for long enough. What is older is sent again
// by nobody (P-FEEDBACK-03).
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "proto/base/seq.h"
#include "proto/base/time.h"

namespace sluice::bench {

class OldestOpen {
 public:
  explicit OldestOpen(Duration patience) : patience_(patience) {}

  void arrived(Seq part, Instant now) {
    if (!oldest_) oldest_ = part;
    const std::int32_t ahead = part.distance_from(*oldest_);
    if (ahead < 0) return;
    if (static_cast<std::size_t>(ahead) >= kParts) restart(part);
    if (came_.test(place(part))) return;
    came_.set(place(part));
    ++waiting_;
    if (part != *oldest_ && !gap_since_) gap_since_ = now;
    if (gap_since_ && now - *gap_since_ > patience_) skip_gap();
    advance(now);
  }

  /// 0 before the first part.
  Seq value() const { return oldest_.value_or(Seq{}); }

 private:
  /// More than a link has under way. A power of two.
  static constexpr std::size_t kParts = 2048;

  static std::size_t place(Seq part) { return part.value() % kParts; }

  void restart(Seq part) {
    came_.reset();
    waiting_ = 0;
    oldest_ = part;
    gap_since_.reset();
  }

  void skip_gap() {
    while (!came_.test(place(*oldest_))) ++*oldest_;
  }

  /// Past all that came; behind it there may be another gap, which counts from now.
  void advance(Instant now) {
    const Seq before = *oldest_;
    for (; came_.test(place(*oldest_)); ++*oldest_, --waiting_) came_.reset(place(*oldest_));
    if (*oldest_ == before) return;
    gap_since_ = waiting_ > 0 ? std::optional{now} : std::nullopt;
  }

  std::optional<Seq> oldest_;
  Duration patience_;
  std::optional<Instant> gap_since_;
  std::size_t waiting_ = 0;
  std::bitset<kParts> came_;
};

}  // namespace sluice::bench
