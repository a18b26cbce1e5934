// Sealed values: bytes that whoever made them hands out and reads again later, while nobody else
// can read or alter them: tokens that need no table. Also keys derived from one secret by their
// role, and short signatures under such a key. The context is a fixed text that says what the bytes
// are, so that one kind never passes for another.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/random.h"
#include "proto/crypto/keys.h"
#include "proto/crypto/secret.h"

namespace sluice::crypto {

using SealKey = Secret<kKeyBytes>;

/// Nonce and tag: what sealing adds.
inline constexpr std::size_t kSealOverheadBytes = 24 + 16;

/// XChaCha20-Poly1305 with a random nonce, as tickets have it.
std::vector<std::byte> seal(const SealKey& key, std::string_view context, Bytes plain,
                            RandomSource random);

/// Nothing when it was not sealed with this key for this context, or was altered.
std::optional<std::vector<std::byte>> unseal(const SealKey& key, std::string_view context,
                                             Bytes sealed);

/// A key of its own for each role.
SealKey derive_key(const SealKey& from, std::string_view role);

/// Keyed BLAKE2b of context and text, 16 bytes; compare with equal_constant_time().
Mac sign(const SealKey& key, std::string_view context, Bytes text);

}  // namespace sluice::crypto
