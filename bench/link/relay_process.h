// RelayProcess: a `sluice-relay --dev` of our own for a measurement, in a folder of its own and on
// a free port; it ends with the object.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "bench/process/allocation_count.h"
#include "bench/process/child_process.h"
#include "proto/base/result.h"

namespace sluice::bench {

struct RelaySetup {
  std::string program;  // empty: the relay beside this program
  unsigned workers = 1;
  bool http = false;  // pages on a free port of 127.0.0.1
  bool count_allocations = false;
};

class RelayProcess {
 public:
  /// Waits until it takes questions.
  static Result<std::unique_ptr<RelayProcess>, Failure> start(const RelaySetup& setup);

  /// For start() alone.
  explicit RelayProcess(std::unique_ptr<ChildProcess> process) : process_(std::move(process)) {}

  std::string control_path() const { return process_->folder() + "/control.sock"; }

  pid_t pid() const { return process_->pid(); }

  /// "127.0.0.1:8080", of its pages; empty where none were asked for.
  std::string http_address() const;

  /// Nothing where it was not asked for, or cannot be counted.
  std::optional<std::uint64_t> allocations() const {
    return allocations_ ? allocations_->read() : std::nullopt;
  }

 private:
  std::string dev_file() const { return control_path() + ".json"; }

  std::unique_ptr<AllocationCount> allocations_;
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace sluice::bench
