// The packet cipher suites (P-HS-01) and sets of them, as INIT offers them in one byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::crypto {

/// The value is the suite's bit in INIT's suites and its number in ACCEPT and in the key
/// derivation.
enum class Suite : std::uint8_t { kAes128Gcm = 1, kChaCha20Poly1305 = 2, kAes256Gcm = 4 };

/// Bits of unknown suites may be set: a newer peer offers what we do not speak.
struct SuiteSet {
  std::uint8_t bits = 0;

  constexpr bool has(Suite suite) const { return (bits & static_cast<std::uint8_t>(suite)) != 0; }

  constexpr SuiteSet with(Suite suite) const {
    return {static_cast<std::uint8_t>(bits | static_cast<std::uint8_t>(suite))};
  }

  constexpr bool operator==(const SuiteSet&) const = default;
};

inline constexpr SuiteSet kAllSuites{7};

/// Nothing for a byte that is not exactly one known suite.
constexpr std::optional<Suite> parse_suite(std::uint8_t value) {
  switch (static_cast<Suite>(value)) {
    case Suite::kAes128Gcm:
    case Suite::kChaCha20Poly1305:
    case Suite::kAes256Gcm:
      return static_cast<Suite>(value);
  }
  return std::nullopt;
}

constexpr std::size_t suite_key_bytes(Suite suite) { return suite == Suite::kAes128Gcm ? 16 : 32; }

/// "AES-128-GCM" and so on: what statistics and logs show.
std::string_view suite_name(Suite suite) noexcept;

/// The suites this machine should offer: all with AES instructions, ChaCha20-Poly1305 alone
/// without, because AES in software is slow and leaks timing.
SuiteSet preferred_suites();

/// The relay's choice: AES-128-GCM, else AES-256-GCM (offered without the former it is a wish for
/// the longer key), else ChaCha20-Poly1305. Nothing when the sets do not meet.
std::optional<Suite> choose_suite(SuiteSet offered, SuiteSet ours);

}  // namespace sluice::crypto
