#include "proto/crypto/aead_ipsec_mb.h"

#include <intel-ipsec-mb.h>

#include "proto/base/check.h"
#include "proto/base/prefetch.h"

namespace sluice::crypto {
namespace {

/// The library's table of functions for this processor, made once: nothing but the jobs that we do
/// not use would change it later. Null where AES-GCM would run without its instructions.
const IMB_MGR* manager() {
  static const IMB_MGR* const made = []() -> const IMB_MGR* {
    IMB_MGR* const fresh = alloc_mb_mgr(0);
    if (fresh == nullptr) return nullptr;
    IMB_ARCH arch = IMB_ARCH_NONE;
    init_mb_mgr_auto(fresh, &arch);
    constexpr std::uint64_t kNeeded = IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ;
    const bool usable = imb_get_errno(fresh) == 0 && (fresh->features & kNeeded) == kNeeded;
    if (usable) return fresh;
    free_mb_mgr(fresh);
    return nullptr;
  }();
  return made;
}

struct Functions {
  aes_gcm_pre_t expand = nullptr;
  aes_gcm_enc_dec_t seal = nullptr, open = nullptr;
};

Functions functions_of(Suite suite) {
  const IMB_MGR* const table = manager();
  if (table == nullptr) return {};
  switch (suite) {
    case Suite::kAes128Gcm:
      return {table->gcm128_pre, table->gcm128_enc, table->gcm128_dec};
    case Suite::kAes256Gcm:
      return {table->gcm256_pre, table->gcm256_enc, table->gcm256_dec};
    case Suite::kChaCha20Poly1305:
      break;
  }
  return {};
}

}  // namespace

struct IpsecMbAead::Keyed {
  alignas(64) gcm_key_data key;  // the header asks for it only where LINUX is defined
  gcm_context_data context;      // of the packet at hand
  Functions functions;
};

bool IpsecMbAead::available(Suite suite) { return functions_of(suite).seal != nullptr; }

void IpsecMbAead::prefetch_key() const { prefetch(keyed_.get(), sizeof(Keyed)); }

void IpsecMbAead::Free::operator()(Keyed* keyed) const {
  wipe({reinterpret_cast<std::byte*>(keyed), sizeof(Keyed)});
  delete keyed;
}

IpsecMbAead::IpsecMbAead(Suite suite, const PacketKeys& keys)
    : keyed_(std::make_unique<Keyed>().release()), iv_(keys.iv.copy()) {
  keyed_->functions = functions_of(suite);
  CHECK(keyed_->functions.seal != nullptr);
  keyed_->functions.expand(keys.key.bytes().data(), &keyed_->key);
}

void IpsecMbAead::seal(const SealJob& job) {
  const auto [header, body, tag] = pieces_of(job);
  const Nonce nonce = nonce_for(iv_, job.packet_number);
  keyed_->functions.seal(&keyed_->key, &keyed_->context, raw(body), raw(body), body.size(),
                         raw_const(nonce), raw(header), header.size(), raw(tag), kTagBytes);
}

Result<MutableBytes> IpsecMbAead::open(const OpenJob& job) {
  const auto pieces = pieces_of(job);
  if (!pieces) return Unexpected{pieces.error()};
  const auto [header, body, tag] = *pieces;
  const Nonce nonce = nonce_for(iv_, job.packet_number);
  std::array<std::byte, kTagBytes> expected;
  keyed_->functions.open(&keyed_->key, &keyed_->context, raw(body), raw(body), body.size(),
                         raw_const(nonce), raw(header), header.size(), raw(expected), kTagBytes);
  if (!equal_constant_time(tag, expected)) return Unexpected{DropReason::kAuthenticationFailed};
  return body;
}

}  // namespace sluice::crypto
