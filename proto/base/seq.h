// Sequence arithmetic, all of it. Seq is the 24-bit part number of a track and wraps; PacketNumber
// is the 64-bit packet number of one direction of a link, never wraps, and travels as its low 24
// bits.
#pragma once

#include <compare>
#include <cstdint>

namespace sluice {

class Seq {
 public:
  static constexpr std::uint32_t kModulus = 1U << 24U;

  constexpr Seq() = default;

  constexpr explicit Seq(std::uint32_t value) : value_(value % kModulus) {}

  constexpr std::uint32_t value() const { return value_; }

  constexpr Seq operator+(std::uint32_t n) const { return Seq{value_ + n % kModulus}; }

  constexpr Seq operator-(std::uint32_t n) const { return Seq{value_ + kModulus - n % kModulus}; }

  constexpr Seq& operator++() { return *this = *this + 1; }

  constexpr bool operator==(const Seq&) const = default;

  /// Signed steps from `other` to this on the shorter way round, in [-2^23, 2^23).
  constexpr std::int32_t distance_from(Seq other) const {
    const std::uint32_t d = (value_ - other.value_) % kModulus;
    return d < kModulus / 2 ? static_cast<std::int32_t>(d)
                            : static_cast<std::int32_t>(d) - static_cast<std::int32_t>(kModulus);
  }

  constexpr bool newer_than(Seq other) const { return distance_from(other) > 0; }

 private:
  std::uint32_t value_ = 0;
};

struct PacketNumber {
  std::uint64_t value = 0;
  constexpr auto operator<=>(const PacketNumber&) const = default;

  constexpr PacketNumber operator+(std::uint64_t n) const { return {value + n}; }

  constexpr std::uint32_t low24() const { return static_cast<std::uint32_t>(value & 0xFFFFFFU); }
};

/// The number nearest to `expected` whose low 24 bits are `low` (as RFC 9000 appendix A.3).
constexpr PacketNumber expand_packet_number(std::uint32_t low, PacketNumber expected) {
  constexpr std::uint64_t kWindow = 1ULL << 24U;
  const std::uint64_t candidate = (expected.value & ~(kWindow - 1)) | low;
  if (candidate + kWindow / 2 <= expected.value) return {candidate + kWindow};
  if (candidate > expected.value + kWindow / 2 && candidate >= kWindow)
    return {candidate - kWindow};
  return {candidate};
}

/// The 32-bit value nearest to `expected` whose low 24 bits are `low`: how a media frame's dts
/// (RTMP milliseconds, 32 bits, wrapping) comes back from the MEDIA header.
constexpr std::uint32_t expand_dts(std::uint32_t low, std::uint32_t expected) {
  const auto step = static_cast<std::int32_t>((low - expected) << 8U) >> 8;
  return expected + static_cast<std::uint32_t>(step);
}

}  // namespace sluice
