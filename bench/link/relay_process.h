// RelayProcess: a `sluice-relay --dev` of our own for a measurement, in a folder of its own and on
// a free port; it ends with the object.
#pragma once

#include <memory>
#include <string>

#include <sys/types.h>

#include "proto/base/result.h"

namespace sluice::bench {

class RelayProcess {
 public:
  /// `program`: the relay's; empty: the one beside this program. Waits until it takes questions.
  static Result<std::unique_ptr<RelayProcess>, Failure> start(const std::string& program);

  /// For start() alone.
  explicit RelayProcess(std::string folder) : folder_(std::move(folder)) {}

  ~RelayProcess();

  RelayProcess(const RelayProcess&) = delete;
  RelayProcess& operator=(const RelayProcess&) = delete;

  std::string control_path() const { return folder_ + "/control.sock"; }

 private:
  Status<Failure> spawn(const std::string& program);
  Status<Failure> wait_until_ready() const;

  std::string folder_;
  pid_t pid_ = 0;
};

}  // namespace sluice::bench
