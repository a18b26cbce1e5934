// Aead: one keyed AEAD context for one direction and key phase of a link (P-DATA-01). Packets are
// sealed and opened in place; a run of packets is one call. The context is keyed once: re-keying
// per packet costs 130 ns, a new context 250 (measured on Zen 4). Two backends, chosen at run time:
// libipsec-mb for AES-GCM where it was built in and the processor has AES instructions, OpenSSL for
// everything else.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

#include "proto/base/bytes.h"
#include "proto/base/result.h"
#include "proto/crypto/aead_ipsec_mb.h"
#include "proto/crypto/aead_job.h"
#include "proto/crypto/aead_openssl.h"

namespace sluice::crypto {

enum class AeadBackend : std::uint8_t { kOpenSsl, kIpsecMb };

/// The fastest backend that this process has for a suite.
AeadBackend best_aead_backend(Suite suite);

class Aead {
 public:
  using Direction = AeadDirection;

  Aead(Suite suite, const PacketKeys& keys, Direction direction)
      : Aead(suite, keys, direction, best_aead_backend(suite)) {}

  /// With a backend by name, which must be there for the suite: for tests and benchmarks.
  Aead(Suite suite, const PacketKeys& keys, Direction direction, AeadBackend backend);

  /// Seals each packet in place. The caller never gives a number twice under the same keys.
  void seal_run(std::span<const SealJob> jobs);

  /// The plaintext, inside the packet. kRunt, or kAuthenticationFailed: then the packet's bytes are
  /// spoilt and mean nothing.
  Result<MutableBytes> open(const OpenJob& job);

  /// The key will be used soon: a hint.
  void prefetch_key() const {
    if (const auto* fast = std::get_if<IpsecMbAead>(&backend_)) fast->prefetch_key();
  }

 private:
  using Backend = std::variant<OpenSslAead, IpsecMbAead>;

  static Backend make(Suite suite, const PacketKeys& keys, Direction direction,
                      AeadBackend backend);

  Backend backend_;
};

/// Which implementation seals AES-GCM packets, for the start-up log and the metrics.
std::string_view aead_backend();

}  // namespace sluice::crypto
