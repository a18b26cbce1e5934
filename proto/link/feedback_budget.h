// FeedbackBudget: FEEDBACK takes at most 3 % of the media it answers (P-FEEDBACK-04). Media that
// comes earns bytes, feedback spends them; overdrawn, the next one waits until they are earned
// back, at the rate of the last second, but never longer than a round trip. A clean link never gets
// that far.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "proto/base/time.h"

namespace sluice::link {

class FeedbackBudget {
 public:
  void earn(Instant now, std::size_t media_bytes) {
    if (now - slice_began_ >= kSlice) {
      before_ = now - slice_began_ < 2 * kSlice ? present_ : 0;
      present_ = 0;
      slice_began_ = now;
    }
    present_ += media_bytes;
    balance_ = std::min(balance_ + static_cast<std::int64_t>(media_bytes) * kPerMille, kSaved);
  }

  void spend(Instant now, std::size_t bytes, Duration round_trip) {
    balance_ -= static_cast<std::int64_t>(bytes) * 1'000;
    not_before_ = now;
    if (balance_ >= 0) return;
    ++stretched_;
    const std::int64_t over_us = kSlice.count() + (now - slice_began_).count();
    const auto media = static_cast<std::int64_t>(before_ + present_);
    const Duration wait =
        media == 0 ? round_trip : Duration{-balance_ * over_us / (media * kPerMille)};
    not_before_ = now + std::min(wait, round_trip);
    // What a round trip does not earn back is forgiven: there is one in each.
    if (wait > round_trip) balance_ = 0;
  }

  /// When the next FEEDBACK may go.
  Instant not_before() const { return not_before_; }

  /// How often the next one had to wait.
  std::uint64_t stretched() const { return stretched_; }

 private:
  static constexpr std::int64_t kPerMille = 30;
  static constexpr Duration kSlice = std::chrono::milliseconds{500};

  /// In thousandths of a byte: a dozen of feedbacks, for the burst after a key frame.
  static constexpr std::int64_t kSaved = 1'200'000;

  std::int64_t balance_ = kSaved;
  std::size_t before_ = 0, present_ = 0;  // media bytes by slice
  Instant slice_began_ = kLongAgo;
  Instant not_before_ = kLongAgo;
  std::uint64_t stretched_ = 0;
};

}  // namespace sluice::link
