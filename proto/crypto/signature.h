// Signatures that others make or check with their own tools, so in standard form: HMAC-SHA256
// (RFC 2104) under a shared key, Ed25519 (RFC 8032) with a public one. For tokens of applications
// and for what they are told; what only this project reads is sealed.h's.
#pragma once

#include <array>
#include <cstddef>

#include "proto/base/bytes.h"

namespace sluice::crypto {

inline constexpr std::size_t kHmacSha256Bytes = 32;
inline constexpr std::size_t kEd25519PublicBytes = 32;
inline constexpr std::size_t kEd25519SignatureBytes = 64;

using Ed25519PublicKey = std::array<std::byte, kEd25519PublicBytes>;

/// A key of any length. Compare with equal_constant_time().
std::array<std::byte, kHmacSha256Bytes> hmac_sha256(Bytes key, Bytes text);

/// False also for a signature of another length, and for keys of small order.
bool verify_ed25519(const Ed25519PublicKey& key, Bytes signature, Bytes text);

}  // namespace sluice::crypto
