#include "proto/fec/encoder.h"

#include <algorithm>

#include "proto/base/check.h"
#include "proto/fec/coefficients.h"

namespace sluice::fec {

Result<Bytes> encode_repair(const PacketRing& parts, const RepairWindow& window, std::uint16_t seed,
                            std::span<std::byte, kCodedBytesMax> coded) noexcept {
  DCHECK(is_well_formed(window));
  std::fill(coded.begin(), coded.end(), std::byte{0});
  SymbolSum sum{coded};
  std::size_t longest = 0;
  for (std::size_t i = 0; i < window.span; ++i) {
    if (!window.names(i)) continue;
    const Seq seq = window.first + static_cast<std::uint32_t>(i);
    const Bytes part = parts.find(seq);
    if (part.empty()) return Unexpected{DropReason::kOverwritten};
    sum.add(part, coefficient(seed, seq));
    longest = std::max(longest, symbol_bytes(part));
  }
  sum.finish();
  return Bytes{coded.first(longest)};
}

}  // namespace sluice::fec
