// FixedBytes<N>: up to N bytes by value, without the heap: a sealed ticket, an ACCEPT, the early
// room bytes of an INIT. What does not fit is a bug of the caller, who knows N.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "proto/base/bytes.h"
#include "proto/base/check.h"

namespace sluice::crypto {

template <std::size_t N>
class FixedBytes {
 public:
  static constexpr std::size_t kSizeMax = N;

  FixedBytes() = default;

  /// CHECKs that `bytes` fits: sizes that a peer chose are compared with kSizeMax before.
  explicit FixedBytes(Bytes bytes) {
    resize(bytes.size());
    if (!bytes.empty()) std::memcpy(bytes_.data(), bytes.data(), bytes.size());
  }

  void resize(std::size_t size) {
    CHECK(size <= N);
    size_ = static_cast<std::uint16_t>(size);
  }

  Bytes view() const { return Bytes{bytes_}.first(size_); }

  MutableBytes mutable_view() { return MutableBytes{bytes_}.first(size_); }

  std::size_t size() const { return size_; }

  bool empty() const { return size_ == 0; }

 private:
  static_assert(N <= UINT16_MAX);
  std::array<std::byte, N> bytes_{};
  std::uint16_t size_ = 0;
};

}  // namespace sluice::crypto
