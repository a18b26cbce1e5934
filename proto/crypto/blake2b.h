// BLAKE2b over pieces, as this folder uses it: keyed or not, 16 to 64 bytes out. Inner header of
// proto/crypto: the only one that shows libsodium.
#pragma once

#include <sodium.h>

#include <array>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <type_traits>

#include "proto/base/bytes.h"
#include "proto/crypto/secret.h"

namespace sluice::crypto {

/// libsodium speaks unsigned char, which may alias std::byte. Takes spans and arrays of std::byte.
template <class Range>
auto raw(Range&& bytes) {
  using Element = std::remove_reference_t<decltype(*std::data(bytes))>;
  using Raw = std::conditional_t<std::is_const_v<Element>, const unsigned char, unsigned char>;
  static_assert(sizeof(Element) == 1);
  return reinterpret_cast<Raw*>(std::data(bytes));
}

/// `out` is 16 to 64 bytes long, `key` empty or 16 to 64.
inline void blake2b_into(MutableBytes out, Bytes key, std::initializer_list<Bytes> pieces) {
  crypto_generichash_state state;
  crypto_generichash_init(&state, key.empty() ? nullptr : raw(key), key.size(), out.size());
  for (const Bytes piece : pieces) crypto_generichash_update(&state, raw(piece), piece.size());
  crypto_generichash_final(&state, raw(out), out.size());
  sodium_memzero(&state, sizeof state);
}

template <std::size_t N>
std::array<std::byte, N> blake2b(Bytes key, std::initializer_list<Bytes> pieces) {
  static_assert(N >= 16 && N <= 64);
  std::array<std::byte, N> digest;
  blake2b_into(digest, key, pieces);
  return digest;
}

}  // namespace sluice::crypto
