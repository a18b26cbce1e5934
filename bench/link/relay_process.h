// RelayProcess: a `sluice-relay --dev` of our own for a measurement, in a folder of its own and on
// a free port; it ends with the object.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <sys/types.h>

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
  explicit RelayProcess(std::string folder) : folder_(std::move(folder)) {}

  ~RelayProcess();

  RelayProcess(const RelayProcess&) = delete;
  RelayProcess& operator=(const RelayProcess&) = delete;

  std::string control_path() const { return folder_ + "/control.sock"; }

  pid_t pid() const { return pid_; }

  /// "127.0.0.1:8080", of its pages; empty where none were asked for.
  std::string http_address() const;

 private:
  Status<Failure> spawn(const RelaySetup& setup);
  Status<Failure> wait_until_ready() const;

  std::string folder_;
  pid_t pid_ = 0;
};

}  // namespace sluice::bench
