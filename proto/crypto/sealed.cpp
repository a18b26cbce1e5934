#include "proto/crypto/sealed.h"

#include "proto/crypto/blake2b.h"

namespace sluice::crypto {
namespace {

constexpr std::size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(kNonceBytes + kTagBytes == kSealOverheadBytes);

/// Between context and text, so that neither can borrow bytes of the other.
constexpr std::byte kSeparator[1]{};

}  // namespace

std::vector<std::byte> seal(const SealKey& key, std::string_view context, Bytes plain,
                            RandomSource random) {
  std::vector<std::byte> sealed(plain.size() + kSealOverheadBytes);
  const MutableBytes nonce = MutableBytes{sealed}.first(kNonceBytes);
  random(nonce);
  crypto_aead_xchacha20poly1305_ietf_encrypt(
      raw(MutableBytes{sealed}.subspan(kNonceBytes)), nullptr, raw(plain), plain.size(),
      raw(as_bytes(context)), context.size(), nullptr, raw(nonce), raw(key.bytes()));
  return sealed;
}

std::optional<std::vector<std::byte>> unseal(const SealKey& key, std::string_view context,
                                             Bytes sealed) {
  if (sealed.size() < kSealOverheadBytes) return std::nullopt;
  const Bytes nonce = sealed.first(kNonceBytes);
  const Bytes body = sealed.subspan(kNonceBytes);
  std::vector<std::byte> plain(body.size() - kTagBytes);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          raw(plain), nullptr, nullptr, raw(body), body.size(), raw(as_bytes(context)),
          context.size(), raw(nonce), raw(key.bytes())) != 0) {
    return std::nullopt;
  }
  return plain;
}

SealKey derive_key(const SealKey& from, std::string_view role) {
  SealKey key;
  blake2b_into(key.mutable_bytes(), from.bytes(), {as_bytes(role)});
  return key;
}

Mac sign(const SealKey& key, std::string_view context, Bytes text) {
  return blake2b<kMacBytes>(key.bytes(), {as_bytes(context), kSeparator, text});
}

}  // namespace sluice::crypto
