// Aead: one keyed AEAD context for one direction and key phase of a link (P-DATA-01). Packets are
// sealed and opened in place; a run of packets is one call. The context is keyed once: re-keying
// per packet costs 130 ns, a new context 250 (measured on Zen 4). Backend: OpenSSL's EVP; a second
// one joins by making `backend_` a variant, behind this same interface.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "proto/base/bytes.h"
#include "proto/base/result.h"
#include "proto/base/seq.h"
#include "proto/crypto/keys.h"
#include "proto/crypto/suite.h"

struct evp_cipher_ctx_st;  // OpenSSL's EVP_CIPHER_CTX: its headers stay in the .cpp

namespace sluice::crypto {

/// One packet to seal: header, plaintext and kTagBytes of room for the tag, back to back.
struct SealJob {
  PacketNumber packet_number;
  MutableBytes packet;
  std::uint16_t header_bytes = 0;
};

/// One packet to open: header, ciphertext, tag, with the number that its low bits stand for.
struct OpenJob {
  PacketNumber packet_number;
  MutableBytes packet;
  std::uint16_t header_bytes = 0;
};

class OpenSslAead {
 public:
  enum class Direction : std::uint8_t { kSeal, kOpen };

  OpenSslAead(Suite suite, const PacketKeys& keys, Direction direction);

  void seal(const SealJob& job);
  Result<MutableBytes> open(const OpenJob& job);

 private:
  using Nonce = std::array<std::byte, kPacketIvBytes>;

  struct Free {
    void operator()(evp_cipher_ctx_st* context) const;
  };

  Nonce nonce_for(PacketNumber number) const;

  std::unique_ptr<evp_cipher_ctx_st, Free> context_;
  Secret<kPacketIvBytes> iv_;
};

class Aead {
 public:
  using Direction = OpenSslAead::Direction;

  Aead(Suite suite, const PacketKeys& keys, Direction direction)
      : backend_(suite, keys, direction) {}

  /// Seals each packet in place. The caller never gives a number twice under the same keys.
  void seal_run(std::span<const SealJob> jobs);

  /// The plaintext, inside the packet. kRunt, or kAuthenticationFailed: then the packet's bytes are
  /// spoilt and mean nothing.
  Result<MutableBytes> open(const OpenJob& job) { return backend_.open(job); }

 private:
  OpenSslAead backend_;
};

/// Which implementation seals packets, for the start-up log and the metrics.
std::string_view aead_backend();

}  // namespace sluice::crypto
