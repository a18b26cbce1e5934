#include "bench/floor/floor_cipher.h"

#include <array>
#include <cstring>

#include <openssl/evp.h>

#include "proto/base/check.h"

#ifdef SLUICE_IPSEC_MB
#include <intel-ipsec-mb.h>
#endif

namespace sluice::bench {
namespace {

constexpr std::size_t kNonceBytes = 12;

using Key = std::array<unsigned char, 16>;

Key key_of(std::uint32_t sink) {
  Key key{};
  std::memcpy(key.data(), &sink, sizeof sink);
  return key;
}

unsigned char* raw(std::byte* at) { return reinterpret_cast<unsigned char*>(at); }

const unsigned char* raw(const std::byte* at) { return reinterpret_cast<const unsigned char*>(at); }

std::array<std::byte, kNonceBytes> nonce_of(std::uint64_t number) {
  std::array<std::byte, kNonceBytes> nonce{};
  store_be<8>(nonce.data() + 4, number);
  return nonce;
}

/// Where the pieces of a packet lie, with its header written.
struct Laid {
  std::byte *header, *body, *tag;
  int body_bytes;

  Laid(std::uint64_t number, Bytes from, MutableBytes out)
      : header(out.data()),
        body(out.data() + kFloorHeaderBytes),
        tag(body + from.size()),
        body_bytes(static_cast<int>(from.size())) {
    DCHECK(out.size() == kFloorHeaderBytes + from.size() + kFloorTagBytes);
    store_be<8>(header, number);
  }
};

class Copy final : public FloorCipher {
 public:
  void write(std::uint64_t number, Bytes body, MutableBytes out) override {
    const Laid laid(number, body, out);
    std::memcpy(laid.body, body.data(), body.size());
  }
};

class OpenSsl final : public FloorCipher {
 public:
  explicit OpenSsl(const Key& key) : context_(EVP_CIPHER_CTX_new()) {
    CHECK(EVP_EncryptInit_ex(context_.get(), EVP_aes_128_gcm(), nullptr, key.data(), nullptr) == 1);
  }

  void write(std::uint64_t number, Bytes body, MutableBytes out) override {
    const Laid laid(number, body, out);
    const auto nonce = nonce_of(number);
    EVP_CIPHER_CTX* const context = context_.get();
    int bytes = 0;
    bool ok = EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, raw(nonce.data())) == 1;
    ok =
        ok && EVP_EncryptUpdate(context, nullptr, &bytes, raw(laid.header), kFloorHeaderBytes) == 1;
    ok = ok &&
         EVP_EncryptUpdate(context, raw(laid.body), &bytes, raw(body.data()), laid.body_bytes) == 1;
    ok = ok && EVP_EncryptFinal_ex(context, raw(laid.tag), &bytes) == 1;
    ok = ok && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kFloorTagBytes, laid.tag) == 1;
    CHECK(ok);
  }

 private:
  struct Free {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };

  std::unique_ptr<EVP_CIPHER_CTX, Free> context_;
};

#ifdef SLUICE_IPSEC_MB
IMB_MGR* manager() {
  static IMB_MGR* const made = [] {
    IMB_MGR* const fresh = alloc_mb_mgr(0);
    if (fresh != nullptr) init_mb_mgr_auto(fresh, nullptr);
    return fresh;
  }();
  return made;
}

class IpsecMb final : public FloorCipher {
 public:
  explicit IpsecMb(const Key& key) { IMB_AES128_GCM_PRE(manager(), key.data(), &key_); }

  void write(std::uint64_t number, Bytes body, MutableBytes out) override {
    const Laid laid(number, body, out);
    const auto nonce = nonce_of(number);
    IMB_AES128_GCM_ENC(manager(), &key_, &context_, raw(laid.body), raw(body.data()), body.size(),
                       raw(nonce.data()), raw(laid.header), kFloorHeaderBytes, raw(laid.tag),
                       kFloorTagBytes);
  }

 private:
  alignas(64) gcm_key_data key_{};  // the header asks for it only where LINUX is defined
  gcm_context_data context_{};
};
#endif

}  // namespace

std::string_view cipher_name(CipherKind kind) {
  switch (kind) {
    case CipherKind::kCopy:
      return "copy";
    case CipherKind::kOpenSsl:
      return "openssl";
    case CipherKind::kIpsecMb:
      return "ipsec-mb";
  }
  return "";
}

std::optional<CipherKind> cipher_from(std::string_view name) {
  for (const CipherKind kind : {CipherKind::kCopy, CipherKind::kOpenSsl, CipherKind::kIpsecMb}) {
    if (name == cipher_name(kind)) return kind;
  }
  return std::nullopt;
}

bool cipher_available(CipherKind kind) {
  if (kind != CipherKind::kIpsecMb) return true;
#ifdef SLUICE_IPSEC_MB
  constexpr std::uint64_t kNeeded = IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ;
  return manager() != nullptr && (manager()->features & kNeeded) == kNeeded;
#else
  return false;
#endif
}

std::unique_ptr<FloorCipher> make_cipher(CipherKind kind, std::uint32_t sink) {
  CHECK(cipher_available(kind));
  switch (kind) {
    case CipherKind::kCopy:
      break;
    case CipherKind::kOpenSsl:
      return std::make_unique<OpenSsl>(key_of(sink));
    case CipherKind::kIpsecMb:
#ifdef SLUICE_IPSEC_MB
      return std::make_unique<IpsecMb>(key_of(sink));
#endif
      break;
  }
  return std::make_unique<Copy>();
}

}  // namespace sluice::bench
