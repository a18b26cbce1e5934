// Coded symbols (P-REPAIR-01): what of a part is coded, which parts a repair names, and the sums of
// parts that a repair is made of. Shared by encoder and solver.
//
// A part lies in its ring in ring form, the MEDIA frame with the length flag clear. Its symbol is
// `body length u16 | type u8 | index and count, dts, dep 7 | body`: all of the ring form but the
// track, which is link-local, and the number, which the window tells. As the last two stretches are
// one in the ring form too, sums read them where they lie.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "proto/base/bytes.h"
#include "proto/base/limits.h"
#include "proto/base/seq.h"
#include "proto/fec/gf256.h"

namespace sluice::fec {

// Places in the ring form; proto/wire/media_header.h has them all, and a test holds the two
// together.
inline constexpr std::size_t kRingTypeOffset = 0;
inline constexpr std::size_t kRingTrackOffset = 1;
inline constexpr std::size_t kRingSeqOffset = 2;
inline constexpr std::size_t kRingIndexOffset = 5;

// Places in the symbol.
inline constexpr std::size_t kSymbolLengthBytes = 2;
inline constexpr std::size_t kSymbolTypeOffset = 2;
inline constexpr std::size_t kSymbolIndexOffset = 3;
static_assert(kSymbolIndexOffset + kMediaHeaderBytes - kRingIndexOffset == kCodedFieldsBytes);

/// The parts that a repair names: `span` numbers from `first`, or those of them whose bit is set.
struct RepairWindow {
  Seq first{};
  std::uint16_t span = 0;  // 1..kRepairSpanMax
  Bytes bitmap{};          // empty: all of the span

  /// Bit (index mod 8), counted from the lowest, of byte (index / 8).
  bool names(std::size_t index) const {
    return bitmap.empty() || (unsigned{to_u8(bitmap[index / 8])} >> index % 8 & 1U) != 0;
  }

  Seq last() const { return first + (span - 1U); }
};

/// The span is in its range, the bitmap has its length, names a part and none beyond the span.
bool is_well_formed(const RepairWindow& window) noexcept;

/// One coded packet, as P-REPAIR-01 carries it.
struct Repair {
  RepairWindow window{};
  std::uint16_t seed = 0;
  Bytes coded{};
};

/// Bytes of the symbol of a part in ring form.
constexpr std::size_t symbol_bytes(Bytes ring_part) {
  return ring_part.size() - kMediaHeaderBytes + kCodedFieldsBytes;
}

/// Adds symbols of parts, times their factors, to a sum. Nothing is complete before finish().
class SymbolSum {
 public:
  /// `sum` has room for the longest symbol that will be added.
  explicit SymbolSum(MutableBytes sum) : sum_(sum) {}

  /// `ring_part` must stay where it is until finish().
  void add(Bytes ring_part, std::uint8_t factor) noexcept;

  void finish() noexcept;

 private:
  /// The symbol's first three bytes. They are equal in nearly all parts of a media frame, so the
  /// factors of a row of equal ones are summed and the product is taken once.
  using Head = std::array<std::uint8_t, kSymbolIndexOffset>;

  void flush_head() noexcept;
  void flush_terms() noexcept;

  static constexpr std::size_t kTermsAtOnce = 16;

  MutableBytes sum_;
  Head head_{};
  std::uint8_t head_factor_ = 0;
  std::array<Term, kTermsAtOnce> terms_{};
  std::size_t count_ = 0;
};

/// A symbol that came out of equations is one of a part: its length is possible and followed by
/// zeros alone, its type is MEDIA's with the length flag clear, its index is below its count.
bool is_plausible_symbol(Bytes symbol) noexcept;

/// Bytes that a symbol needs in front of it to become a ring form where it lies.
inline constexpr std::size_t kSymbolHeadroom = kRingIndexOffset - kSymbolIndexOffset;

/// Turns a plausible symbol into the ring form of its part, in place: `symbol` lies behind
/// kSymbolHeadroom bytes of `memory` and is overwritten.
Bytes make_ring_form(MutableBytes memory, std::uint8_t track, Seq seq) noexcept;

}  // namespace sluice::fec
