// Bytes as text, by libsodium: base64 and hex in lower case.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/bytes.h"

namespace sluice::crypto {

/// kUrl: the alphabet that a URL takes as it is (RFC 4648, section 5), without padding. kStandard:
/// that of section 4, with padding.
enum class Base64 : std::uint8_t { kUrl, kStandard };

std::string to_base64(Bytes bytes, Base64 kind = Base64::kUrl);

/// Of kUrl. Nothing for a character outside the alphabet, or bits left over that are not zero.
std::optional<std::vector<std::byte>> from_base64(std::string_view text);

std::string to_hex(Bytes bytes);

}  // namespace sluice::crypto
