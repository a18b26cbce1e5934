#include "client/jitter_window.h"

#include <algorithm>
#include <utility>

namespace sluice::client {

void JitterWindow::keep_largest(std::array<Duration, kLargest>& largest, Duration sample) {
  for (Duration& kept : largest) {
    if (sample > kept) std::swap(sample, kept);
  }
}

void JitterWindow::add(Instant now, Duration behind) {
  Second& second = seconds_.at(now);
  ++second.count;
  keep_largest(second.largest, std::max(behind, Duration{0}));
}

Duration JitterWindow::p999(Instant now) {
  seconds_.at(now);
  std::uint64_t count = 0;
  std::array<Duration, kLargest> largest{};
  seconds_.each(kSeconds, [&](const Second& second) {
    count += second.count;
    for (const Duration sample : second.largest) keep_largest(largest, sample);
  });
  return largest[std::min<std::uint64_t>(count / 1000, kLargest - 1)];
}

}  // namespace sluice::client
