// RecentSeconds: what happened in the last N seconds, kept by the second, so that the oldest second
// falls away whole. The windows of the play-out clock and of the play-out delay stand on it. Fixed
// memory; time is an argument and never goes back.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "proto/base/time.h"

namespace sluice::client {

template <class Slot, std::size_t kSeconds>
class RecentSeconds {
 public:
  /// The slot of the second that `now` lies in; seconds that have passed since are empty.
  Slot& at(Instant now) {
    const std::int64_t second =
        std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
    const std::int64_t passed = any_ ? second - newest_ : 0;
    for (std::int64_t i = 1; i <= passed && i <= kCount; ++i) slots_[index(newest_ + i)] = Slot{};
    if (passed > 0 || !any_) newest_ = second;
    any_ = true;
    return slots_[index(newest_)];
  }

  /// Calls `visit` with the slots of the newest `seconds`, the newest first. Those without anything
  /// in them are as they were made.
  template <class Visit>
  void each(std::size_t seconds, Visit visit) const {
    for (std::size_t i = 0; any_ && i < seconds && i < kSeconds; ++i) {
      visit(slots_[index(newest_ - static_cast<std::int64_t>(i))]);
    }
  }

  void clear() { *this = {}; }

 private:
  static constexpr auto kCount = static_cast<std::int64_t>(kSeconds);

  /// Also of seconds below zero, which virtual time may begin with.
  static std::size_t index(std::int64_t second) {
    return static_cast<std::size_t>(((second % kCount) + kCount) % kCount);
  }

  std::array<Slot, kSeconds> slots_{};
  std::int64_t newest_ = 0;
  bool any_ = false;
};

}  // namespace sluice::client
