// Time as an argument: an Instant of some monotonic clock, in microseconds. Nothing under proto/
// reads a clock; net/ reads it once per batch and the simulation makes it up.
#pragma once

#include <chrono>
#include <cstdint>

namespace sluice {

using Duration = std::chrono::duration<std::int64_t, std::micro>;

/// Tag of the clock all Instants belong to. It has no now() on purpose.
struct MonotonicClock {
  using duration = Duration;
  using rep = Duration::rep;
  using period = Duration::period;
  using time_point = std::chrono::time_point<MonotonicClock, Duration>;
  static constexpr bool is_steady = true;
};

using Instant = MonotonicClock::time_point;

/// A deadline that never comes, and an instant before all others. Half of the range, so that adding
/// a Duration to either cannot overflow.
inline constexpr Instant kNever{Duration{INT64_MAX / 2}};
inline constexpr Instant kLongAgo{Duration{INT64_MIN / 2}};

constexpr std::int64_t to_us(Duration d) { return d.count(); }

constexpr std::int64_t to_us(Instant t) { return t.time_since_epoch().count(); }

constexpr Instant instant_from_us(std::int64_t us) { return Instant{Duration{us}}; }

/// Wall-clock time, for ticket validity only: seconds since the Unix epoch.
struct UnixSeconds {
  std::int64_t value = 0;
  constexpr auto operator<=>(const UnixSeconds&) const = default;
};

}  // namespace sluice
