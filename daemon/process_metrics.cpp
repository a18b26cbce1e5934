#include "daemon/process_metrics.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <system_error>

#include <sys/resource.h>
#include <sys/time.h>

namespace sluice::daemon {
namespace {

double to_seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

std::uint64_t entries(const char* folder) {
  std::error_code error;
  std::uint64_t count = 0;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    ++count;
  }
  return count;
}

}  // namespace

ProcessMetrics read_process_metrics() {
  ProcessMetrics metrics;
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0) {
    metrics.cpu_seconds = to_seconds(usage.ru_utime) + to_seconds(usage.ru_stime);
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) metrics.max_descriptors = limit.rlim_cur;
  std::uint64_t total_pages = 0, resident_pages = 0;
  std::ifstream statm("/proc/self/statm");
  if (statm >> total_pages >> resident_pages) {
    metrics.resident_bytes = resident_pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  }
  metrics.open_descriptors = entries("/proc/self/fd");
  metrics.threads = entries("/proc/self/task");
  return metrics;
}

}  // namespace sluice::daemon
