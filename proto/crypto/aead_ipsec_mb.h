// IpsecMbAead: AES-GCM through libipsec-mb's direct calls, which look nothing up per packet. Only
// where the library was there at build time and the processor has AES and carry-less
// multiplication; ask available() first.
#pragma once

#include <memory>

#include "proto/crypto/aead_job.h"

namespace sluice::crypto {

class IpsecMbAead {
 public:
  static bool available(Suite suite);

  /// CHECKs available().
  IpsecMbAead(Suite suite, const PacketKeys& keys);

  void seal(const SealJob& job);
  Result<MutableBytes> open(const OpenJob& job);

  /// The expanded key will be used soon: a hint.
  void prefetch_key() const;

 private:
  struct Keyed;

  struct Free {
    void operator()(Keyed* keyed) const;
  };

  std::unique_ptr<Keyed, Free> keyed_;
  Secret<kPacketIvBytes> iv_;
};

}  // namespace sluice::crypto
