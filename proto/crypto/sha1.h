// SHA-1, broken as a signature, for the one place where a standard wants it as a checksum: the
// opening of a WebSocket (RFC 6455, section 4.2.2).
#pragma once

#include <array>
#include <cstddef>

#include "proto/base/bytes.h"

namespace sluice::crypto {

std::array<std::byte, 20> sha1(Bytes text);

}  // namespace sluice::crypto
