// JitterWindow: how far behind base + dts the frames of the last 10 s became whole, at the 99.9th
// percentile. Of each second only the few largest are kept: at the rates of media that is exact,
// where buckets would round by as much as a quiet path jitters. Fixed memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "client/recent_seconds.h"
#include "proto/base/time.h"

namespace sluice::client {

class JitterWindow {
 public:
  void add(Instant now, Duration behind);

  /// The least delay that all but one in a thousand of the frames would have met; zero without any.
  Duration p999(Instant now);

 private:
  static constexpr std::size_t kSeconds = 10;

  /// One in a thousand of 400 frames a second is the fourth in 10 s; of more frames this is more
  /// than the percentile, on the safe side.
  static constexpr std::size_t kLargest = 4;

  struct Second {
    std::uint32_t count = 0;
    std::array<Duration, kLargest> largest{};  // descending
  };

  static void keep_largest(std::array<Duration, kLargest>& largest, Duration sample);

  RecentSeconds<Second, kSeconds> seconds_;
};

}  // namespace sluice::client
