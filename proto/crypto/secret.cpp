#include "proto/crypto/secret.h"

#include <sodium.h>

namespace sluice::crypto {

void init_crypto() { CHECK(sodium_init() >= 0); }

RandomSource system_random() {
  return {[](void*, MutableBytes out) { randombytes_buf(out.data(), out.size()); }, nullptr};
}

void wipe(MutableBytes bytes) { sodium_memzero(bytes.data(), bytes.size()); }

bool equal_constant_time(Bytes a, Bytes b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

namespace detail {

void* locked_allocate(std::size_t bytes) {
  // sodium_malloc puts the bytes at the end of a page and aligns nothing; whole multiples of the
  // largest alignment keep the start aligned.
  constexpr std::size_t kAlign = alignof(std::max_align_t);
  void* memory = sodium_malloc((bytes + kAlign - 1) / kAlign * kAlign);
  CHECK(memory != nullptr);
  return memory;
}

void locked_free(void* memory) { sodium_free(memory); }

}  // namespace detail

}  // namespace sluice::crypto
