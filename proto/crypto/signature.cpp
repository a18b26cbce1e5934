#include "proto/crypto/signature.h"

#include <sodium.h>

namespace sluice::crypto {
namespace {

const unsigned char* raw(Bytes bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());  // libsodium takes these
}

}  // namespace

std::array<std::byte, kHmacSha256Bytes> hmac_sha256(Bytes key, Bytes text) {
  std::array<std::byte, kHmacSha256Bytes> mac{};
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, raw(key), key.size());
  crypto_auth_hmacsha256_update(&state, raw(text), text.size());
  crypto_auth_hmacsha256_final(&state, reinterpret_cast<unsigned char*>(mac.data()));
  sodium_memzero(&state, sizeof state);
  return mac;
}

bool verify_ed25519(const Ed25519PublicKey& key, Bytes signature, Bytes text) {
  return signature.size() == kEd25519SignatureBytes &&
         crypto_sign_verify_detached(raw(signature), raw(text), text.size(), raw(Bytes{key})) == 0;
}

}  // namespace sluice::crypto
