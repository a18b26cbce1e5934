// The process_* metrics every Prometheus board expects, read from /proc/self.
#pragma once

#include <cstdint>

namespace sluice::daemon {

struct ProcessMetrics {
  double cpu_seconds = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t open_descriptors = 0;
  std::uint64_t max_descriptors = 0;
  std::uint64_t threads = 0;
};

/// Fields that the system does not tell stay 0.
ProcessMetrics read_process_metrics();

}  // namespace sluice::daemon
