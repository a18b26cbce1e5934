// OpenSslAead: AEAD through OpenSSL's EVP, for every suite and processor.
#pragma once

#include <memory>

#include "proto/crypto/aead_job.h"

struct evp_cipher_ctx_st;  // OpenSSL's EVP_CIPHER_CTX: its headers stay in the .cpp

namespace sluice::crypto {

class OpenSslAead {
 public:
  OpenSslAead(Suite suite, const PacketKeys& keys, AeadDirection direction);

  void seal(const SealJob& job);
  Result<MutableBytes> open(const OpenJob& job);

 private:
  struct Free {
    void operator()(evp_cipher_ctx_st* context) const;
  };

  std::unique_ptr<evp_cipher_ctx_st, Free> context_;
  Secret<kPacketIvBytes> iv_;
};

}  // namespace sluice::crypto
