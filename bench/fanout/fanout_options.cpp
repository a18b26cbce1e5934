#include <algorithm>

#include <sys/resource.h>

#include "bench/fanout/fanout.h"
#include "proto/base/limits.h"

namespace sluice::bench {
namespace {

constexpr unsigned kSubscribersMax = 10'000;

/// Descriptors besides two for each subscriber, and one for a second relay's.
constexpr rlim_t kOtherDescriptors = 64;

/// Raises what this process may open as far as it may.
rlim_t descriptors_allowed() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(setrlimit(RLIMIT_NOFILE, &limit));
  return limit.rlim_cur;
}

Unexpected<Failure> bad(std::string what) { return Unexpected{Failure{std::move(what)}}; }

}  // namespace

Traffic traffic_of(const FanoutOptions& options) {
  return {options.ingress, options.subscribers, options.burst, options.copies_per_s};
}

Status<Failure> check_fanout(const FanoutOptions& options) {
  if (options.subscribers == 0 || options.subscribers > kSubscribersMax) {
    return bad("--subscribers: 1 to 10000");
  }
  if (options.burst == 0 || options.burst > kRunPacketsMax) {
    return bad("--burst: 1 to 16, what a relay sends as one run");
  }
  if (options.windows == 0) return bad("--windows: at least 1");
  const bool burst = options.ingress == Ingress::kBurst;
  if (!burst && (options.copies_per_s > 0 || options.half_rate)) {
    return bad("--rate, --half-rate: with --ingress burst alone; the others have their own rates");
  }
  if (options.copies_per_s > 0 && options.half_rate) return bad("--rate or --half-rate, not both");
  if (options.ingress == Ingress::kCall && options.subscribers % Traffic::kCallMembers != 0) {
    return bad("--subscribers: members of calls of four, so a multiple of 4");
  }
  const rlim_t sets = options.workers > 1 ? 3 : 2;
  const rlim_t wanted = sets * rlim_t{options.subscribers} + kOtherDescriptors;
  if (const rlim_t allowed = descriptors_allowed(); allowed < wanted) {
    return bad("--subscribers: " + std::to_string(wanted) + " descriptors are needed and " +
               std::to_string(allowed) + " allowed (ulimit -n)");
  }
  return Done{};
}

}  // namespace sluice::bench
