// FloorCipher: what a bare forwarder does to make a copy of a packet its own: nothing but copying
// it, or sealing it with AES-128-GCM through OpenSSL's EVP or libipsec-mb. Called directly, with
// nothing of the relay's own path in between.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "proto/base/bytes.h"

namespace sluice::bench {

enum class CipherKind : std::uint8_t { kCopy, kOpenSsl, kIpsecMb };

inline constexpr std::size_t kFloorHeaderBytes = 8;
inline constexpr std::size_t kFloorTagBytes = 16;

/// "copy", "openssl", "ipsec-mb".
std::string_view cipher_name(CipherKind kind);
std::optional<CipherKind> cipher_from(std::string_view name);

/// False for libipsec-mb where it was not there at build time or the processor cannot.
bool cipher_available(CipherKind kind);

/// One sink's, with a key of its own.
class FloorCipher {
 public:
  virtual ~FloorCipher() = default;

  /// Writes header, body and tag of packet `number` to `out`, which is as long as they are. The
  /// copy leaves the tag alone.
  virtual void write(std::uint64_t number, Bytes body, MutableBytes out) = 0;
};

/// CHECKs cipher_available(). `sink` makes the key.
std::unique_ptr<FloorCipher> make_cipher(CipherKind kind, std::uint32_t sink);

}  // namespace sluice::bench
