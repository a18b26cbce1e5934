#include "proto/crypto/sha1.h"

#include <openssl/evp.h>

#include "proto/base/check.h"

namespace sluice::crypto {

std::array<std::byte, 20> sha1(Bytes text) {
  std::array<std::byte, 20> digest{};
  // Fails only where OpenSSL was built without it.
  CHECK(EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(digest.data()),
                   nullptr, EVP_sha1(), nullptr) == 1);
  return digest;
}

}  // namespace sluice::crypto
