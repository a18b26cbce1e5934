// Handover: parts on their way from a stream's origin to a branch of its room on another worker. A
// part is copied into the ring between the two threads, and from there into the branch's own packet
// ring; 1.2 KiB a slot, 5 MB for a pair of workers that share a room.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "proto/base/bytes.h"
#include "proto/base/limits.h"
#include "proto/base/seq.h"
#include "proto/base/time.h"
#include "proto/wire/room_message.h"
#include "relay/worker/spsc_ring.h"

namespace sluice::relay {

enum class RoomId : std::uint64_t;

struct HandoverPart {
  RoomId room{};
  Instant arrival{};  // at the origin: both workers read the same clock
  wire::StreamHandle stream{};
  std::uint8_t track = 0;   // index in the stream
  std::uint16_t bytes = 0;  // 0: no part, the numbers first..last will not come
  Seq first, last;
  std::array<std::byte, kPartPlaintextBytesMax> storage;

  Bytes part() const { return Bytes{storage}.first(bytes); }

  void set_part(Bytes part) {
    bytes = static_cast<std::uint16_t>(part.size());
    std::memcpy(storage.data(), part.data(), part.size());
  }
};

using HandoverRing = SpscRing<HandoverPart>;

}  // namespace sluice::relay
