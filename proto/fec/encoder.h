// Makes the coded bytes of a repair (P-REPAIR-01) from the parts in a track's ring. A relay's link
// calls it for each repair it sends, a pusher's too; links that need the same window with the same
// seed may share the bytes, as nothing in them is of one link.
#pragma once

#include <cstdint>
#include <span>

#include "proto/base/limits.h"
#include "proto/base/packet_ring.h"
#include "proto/base/result.h"
#include "proto/fec/coded_symbol.h"

namespace sluice::fec {

/// Codes the parts of `window`, which is well formed, into `coded`. Gives the bytes to send: as
/// many as the longest symbol has. kOverwritten: the ring lacks a part that the window names.
/// 1 us for 40 full parts (docs/PERFORMANCE.md).
Result<Bytes> encode_repair(const PacketRing& parts, const RepairWindow& window, std::uint16_t seed,
                            std::span<std::byte, kCodedBytesMax> coded) noexcept;

}  // namespace sluice::fec
