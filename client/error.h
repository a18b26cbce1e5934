// What ends a client: an exit code of the programs (docs: 0 ok, 1 check failed, 2 bad input, 3
// refused, 4 unreachable, 5 environment) and one line for a person that names the cause and the
// cure. Everything in client/ that can fail for a reason outside the protocol returns Result<T,
// Error>.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "proto/base/result.h"

namespace sluice::client {

enum class ExitCode : std::uint8_t {
  kOk = 0,
  kCheckFailed = 1,
  kBadInput = 2,
  kRefused = 3,
  kUnreachable = 4,
  kEnvironment = 5,
};

struct Error {
  ExitCode code = ExitCode::kOk;
  std::string message;
};

inline Unexpected<Error> fail(ExitCode code, std::string message) {
  return {Error{code, std::move(message)}};
}

}  // namespace sluice::client
