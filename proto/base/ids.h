// Strong types for what the wire names by number. A scoped enum costs nothing and does not convert.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice {

/// Link-local number of a track in one direction; the only byte of a MEDIA header a relay rewrites.
enum class TrackId : std::uint8_t {};

/// Names a link on the wire, 48 bits: [generation 3 | worker 5] [masked slot 20 | random 20].
enum class ConnectionId : std::uint64_t {};

/// Which of a member's programs this is; a second link of the same instance replaces the first.
enum class InstanceId : std::uint64_t {};

/// First 8 bytes of the hash of a relay's public key: which relay, which key.
enum class RelayKeyId : std::uint64_t {};

using ResetToken = std::array<std::byte, 16>;
using TicketId = std::array<std::byte, 16>;  // jti

}  // namespace sluice
