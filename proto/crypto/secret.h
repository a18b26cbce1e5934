// Secrets: bytes that zero themselves, move (the source is wiped) or copy by name only, and cannot
// be printed or compared with ==. Everything that must not outlive its use or reach a log lives in
// one: keys, psks, ephemerals, traffic secrets. Locked<T> keeps the long-lived ones out of swap and
// core dumps. Also here: the start of the crypto library and its source of randomness.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <type_traits>

#include "proto/base/bytes.h"
#include "proto/base/check.h"
#include "proto/base/random.h"

namespace sluice::crypto {

/// Call once before anything else of this folder, from any thread; calling again is harmless.
/// CHECKs: a process without a source of randomness must not go on.
void init_crypto();

/// The kernel's randomness (through libsodium). For the programs; simulations bring their own.
RandomSource system_random();

/// Zeroes bytes in a way no optimiser removes.
void wipe(MutableBytes bytes);

/// Equality in time that depends on the sizes only (macs, tokens, cookies). Sizes that differ:
/// false.
[[nodiscard]] bool equal_constant_time(Bytes a, Bytes b);

template <std::size_t N>
class Secret {
 public:
  static constexpr std::size_t kSize = N;

  /// All zeros: a place to write a secret into.
  Secret() = default;

  explicit Secret(std::span<const std::byte, N> bytes) {
    std::memcpy(bytes_.data(), bytes.data(), N);
  }

  static Secret random(RandomSource random) {
    Secret secret;
    random(secret.mutable_bytes());
    return secret;
  }

  Secret(Secret&& other) noexcept : bytes_(other.bytes_) { wipe(other.bytes_); }

  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      wipe(other.bytes_);
    }
    return *this;
  }

  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  ~Secret() { wipe(bytes_); }

  Secret copy() const { return Secret{bytes()}; }

  std::span<const std::byte, N> bytes() const { return bytes_; }

  std::span<std::byte, N> mutable_bytes() { return bytes_; }

  [[nodiscard]] bool equals(const Secret& other) const {
    return equal_constant_time(bytes_, other.bytes_);
  }

 private:
  std::array<std::byte, N> bytes_{};
};

namespace detail {
/// Guarded memory, locked where the system's limit allows it; CHECKs that there is memory at all.
void* locked_allocate(std::size_t bytes);
void locked_free(void* memory);
}  // namespace detail

/// Owns one T in guarded, locked memory: the relay's identity and its ticket, cookie and reset
/// keys. Costs three pages each, so it is for a handful of objects, never for something per link.
template <class T>
class Locked {
 public:
  explicit Locked(T value)
      : value_(std::construct_at(static_cast<T*>(detail::locked_allocate(sizeof(T))),
                                 std::move(value))) {
    static_assert(std::is_nothrow_move_constructible_v<T> &&
                  alignof(T) <= alignof(std::max_align_t));
  }

  T& operator*() { return *value_; }

  const T& operator*() const { return *value_; }

  T* operator->() { return value_.get(); }

  const T* operator->() const { return value_.get(); }

 private:
  struct Free {
    void operator()(T* value) const {
      std::destroy_at(value);
      detail::locked_free(value);
    }
  };

  std::unique_ptr<T, Free> value_;
};

}  // namespace sluice::crypto
