// In place of aead_ipsec_mb.cpp where the library is missing: nothing is available.
#include "proto/crypto/aead_ipsec_mb.h"

namespace sluice::crypto {

struct IpsecMbAead::Keyed {};

bool IpsecMbAead::available(Suite) { return false; }

void IpsecMbAead::prefetch_key() const {}

void IpsecMbAead::Free::operator()(Keyed* keyed) const { delete keyed; }

IpsecMbAead::IpsecMbAead(Suite, const PacketKeys&) { CHECK(false); }

void IpsecMbAead::seal(const SealJob&) { CHECK(false); }

Result<MutableBytes> IpsecMbAead::open(const OpenJob&) {
  CHECK(false);
  return Unexpected{DropReason::kAuthenticationFailed};
}

}  // namespace sluice::crypto
