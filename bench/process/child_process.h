// ChildProcess: one of our programs, run for a measurement, with a folder of its own where it
// writes its log and meets no other one; program and folder end with the object.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "proto/base/result.h"

namespace sluice::bench {

class ChildProcess {
 public:
  /// Makes the folder.
  static Result<std::unique_ptr<ChildProcess>, Failure> prepare();

  /// For prepare() alone.
  explicit ChildProcess(std::string folder) : folder_(std::move(folder)) {}

  ~ChildProcess();

  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// `program`: a path, or the name of one that lies beside us. `environment`: NAME=VALUE, in front
  /// of ours.
  Status<Failure> start(const std::string& program, std::vector<std::string> arguments,
                        std::vector<std::string> environment = {});

  /// Until `ready` holds, which is asked whenever a file of the folder was written. Fails when the
  /// program ends before, with its last words, or takes more than 10 s.
  Status<Failure> wait_until(const std::function<bool()>& ready) const;

  const std::string& folder() const { return folder_; }

  /// All that it has said so far.
  std::string log() const;

  pid_t pid() const { return pid_; }

 private:
  std::string log_file() const { return folder_ + "/log"; }

  std::string folder_;
  pid_t pid_ = 0;
};

}  // namespace sluice::bench
