// RoomsProcess: a `sluice-rooms --dev` of our own for a measurement, without a relay, in a folder
// of its own and on a free port; it ends with the object.
#pragma once

#include <memory>
#include <string>

#include "bench/process/child_process.h"
#include "proto/base/address.h"
#include "proto/base/result.h"

namespace sluice::bench {

struct RoomsSetup {
  std::string program;  // empty: the service beside this program
  unsigned connections = 4096;
};

class RoomsProcess {
 public:
  /// Waits until it listens.
  static Result<std::unique_ptr<RoomsProcess>, Failure> start(const RoomsSetup& setup);

  /// For start() alone.
  explicit RoomsProcess(std::unique_ptr<ChildProcess> process) : process_(std::move(process)) {}

  pid_t pid() const { return process_->pid(); }

  const Address& address() const { return address_; }

 private:
  std::unique_ptr<ChildProcess> process_;
  Address address_;
};

}  // namespace sluice::bench
