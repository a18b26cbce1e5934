// What a process costs, looked at from outside: processor time and resident memory; and where it
// runs.
#pragma once

#include <optional>

#include <sys/types.h>

namespace sluice::bench {

/// User and system time of all its threads so far, in ns; nothing when there is no such process.
std::optional<double> cpu_ns_of(pid_t pid);

/// Resident memory in bytes.
std::optional<double> resident_bytes_of(pid_t pid);

/// Keeps the calling thread, and what it starts from now on, on one processor; -1 frees it again.
/// Where the machine does not let us, it stays where it is.
void run_on_processor(int processor);

/// Over the last minute, of the machine.
double load_average();

}  // namespace sluice::bench
