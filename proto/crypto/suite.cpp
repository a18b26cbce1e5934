#include "proto/crypto/suite.h"

#include <sodium.h>

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace sluice::crypto {

namespace {

bool has_aes_instructions() {
#if defined(__aarch64__) && defined(__linux__)
  // libsodium 1.0.18 does not look for AES on ARM. Bits 3 and 4: AES and PMULL.
  constexpr unsigned long kAesAndPmull = (1UL << 3U) | (1UL << 4U);
  return (getauxval(AT_HWCAP) & kAesAndPmull) == kAesAndPmull;
#else
  return sodium_runtime_has_aesni() != 0 && sodium_runtime_has_pclmul() != 0;
#endif
}

}  // namespace

std::string_view suite_name(Suite suite) noexcept {
  switch (suite) {
    case Suite::kAes128Gcm:
      return "AES-128-GCM";
    case Suite::kChaCha20Poly1305:
      return "ChaCha20-Poly1305";
    case Suite::kAes256Gcm:
      return "AES-256-GCM";
  }
  return "unknown";
}

SuiteSet preferred_suites() {
  return has_aes_instructions() ? kAllSuites : SuiteSet{}.with(Suite::kChaCha20Poly1305);
}

std::optional<Suite> choose_suite(SuiteSet offered, SuiteSet ours) {
  for (const Suite suite : {Suite::kAes128Gcm, Suite::kAes256Gcm, Suite::kChaCha20Poly1305}) {
    if (offered.has(suite) && ours.has(suite)) return suite;
  }
  return std::nullopt;
}

}  // namespace sluice::crypto
