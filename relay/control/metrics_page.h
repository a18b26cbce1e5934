// The text of /metrics: every number of the relay's threads and of the control socket, summed when
// asked. The threads write their shards without locks (relay/metrics.h); one reader sums them
// here and prometheus-cpp's serializer writes the text. Labels come from enums and thread numbers
// only: no room, user or address ever stands in one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "relay/control/control_server.h"
#include "relay/metrics.h"

namespace prometheus {
struct MetricFamily;
}

namespace sluice::relay {

/// What there is to read. The pointers outlive the page.
struct MetricsSource {
  const DoorMetrics* door = nullptr;
  std::vector<const WorkerMetrics*> workers;
  std::function<ControlCounts()> control;
  std::function<bool()> draining;
  std::string version;
  std::string_view aead_backend;
  std::int64_t start_time_s = 0;  // Unix time
};

std::vector<prometheus::MetricFamily> collect_metrics(const MetricsSource& source);

/// Prometheus' text format, version 0.0.4.
std::string metrics_text(const MetricsSource& source);

inline constexpr std::string_view kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace sluice::relay
