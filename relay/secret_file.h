// The secret behind RESET's tokens, in a file, so that clients of a killed relay notice at once
// when it is back (P-RESET-01). Made where missing; refused when others may read it.
#pragma once

#include <array>
#include <cstddef>
#include <string>

#include "proto/base/random.h"
#include "proto/base/result.h"

namespace sluice::relay {

using SecretBytes = std::array<std::byte, 32>;

Result<SecretBytes, Failure> read_or_make_secret(const std::string& path, RandomSource random);

}  // namespace sluice::relay
