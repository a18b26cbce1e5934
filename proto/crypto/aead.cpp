#include "proto/crypto/aead.h"

#include "proto/base/check.h"

namespace sluice::crypto {

AeadBackend best_aead_backend(Suite suite) {
  return IpsecMbAead::available(suite) ? AeadBackend::kIpsecMb : AeadBackend::kOpenSsl;
}

Aead::Backend Aead::make(Suite suite, const PacketKeys& keys, Direction direction,
                         AeadBackend backend) {
  switch (backend) {
    case AeadBackend::kIpsecMb:
      CHECK(IpsecMbAead::available(suite));
      return Backend{std::in_place_type<IpsecMbAead>, suite, keys};
    case AeadBackend::kOpenSsl:
      break;
  }
  return Backend{std::in_place_type<OpenSslAead>, suite, keys, direction};
}

Aead::Aead(Suite suite, const PacketKeys& keys, Direction direction, AeadBackend backend)
    : backend_(make(suite, keys, direction, backend)) {}

void Aead::seal_run(std::span<const SealJob> jobs) {
  std::visit(
      [jobs](auto& backend) {
        for (const SealJob& job : jobs) backend.seal(job);
      },
      backend_);
}

Result<MutableBytes> Aead::open(const OpenJob& job) {
  return std::visit([&job](auto& backend) { return backend.open(job); }, backend_);
}

std::string_view aead_backend() {
  switch (best_aead_backend(Suite::kAes128Gcm)) {
    case AeadBackend::kOpenSsl:
      break;
    case AeadBackend::kIpsecMb:
      return "ipsec-mb";
  }
  return "openssl";
}

}  // namespace sluice::crypto
