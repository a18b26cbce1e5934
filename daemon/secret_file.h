// A secret of 32 bytes in a file, so that what was made with it holds across restarts: the relay's
// reset tokens (P-RESET-01), the room service's tokens. Made where missing; refused when others may
// read it.
#pragma once

#include <array>
#include <cstddef>
#include <string>

#include "proto/base/random.h"
#include "proto/base/result.h"

namespace sluice::daemon {

using SecretBytes = std::array<std::byte, 32>;

/// `setting` names the configuration's entry in a Failure.
Result<SecretBytes, Failure> read_or_make_secret(const std::string& setting,
                                                 const std::string& path, RandomSource random);

}  // namespace sluice::daemon
