// RelayProcess: a `sluice-relay --dev` of our own for a measurement, in a folder of its own and on
// a free port; it ends with the object.
#pragma once

#include <memory>
#include <string>

#include "bench/process/child_process.h"
#include "proto/base/result.h"

namespace sluice::bench {

struct RelaySetup {
  std::string program;  // empty: the relay beside this program
  unsigned workers = 1;
  bool http = false;  // pages on a free port of 127.0.0.1
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

 private:
  std::string dev_file() const { return control_path() + ".json"; }

  std::unique_ptr<ChildProcess> process_;
};

}  // namespace sluice::bench
