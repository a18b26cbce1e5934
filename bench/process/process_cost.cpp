#include "bench/process/process_cost.h"

#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>

namespace sluice::bench {

std::optional<double> cpu_ns_of(pid_t pid) {
  // /proc/PID/stat has the same figure in steps of 10 ms.
  clockid_t clock{};
  timespec spent{};
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &spent) != 0) {
    return std::nullopt;
  }
  return static_cast<double>(spent.tv_sec) * 1e9 + static_cast<double>(spent.tv_nsec);
}

std::optional<double> resident_bytes_of(pid_t pid) {
  std::ifstream file{"/proc/" + std::to_string(pid) + "/statm"};
  double total = 0, resident = 0;
  if (!(file >> total >> resident)) return std::nullopt;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

void run_on_processor(int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  const long count = sysconf(_SC_NPROCESSORS_CONF);
  for (int i = 0; i < count; ++i) {
    if (processor < 0 || i == processor) CPU_SET(static_cast<unsigned>(i), &set);
  }
  static_cast<void>(sched_setaffinity(0, sizeof set, &set));
}

double load_average() {
  double load = 0;
  return getloadavg(&load, 1) == 1 ? load : 0;
}

}  // namespace sluice::bench
