// The datagram's outside: its type and exact length before anything else is looked at (P-WIRE-02),
// the DATA header of both directions (P-DATA-01), RESET (P-RESET-01), and what a connection id is
// made of (P-WIRE-04). The worker's receive path and the link call it; no key is needed here,
// nothing allocates, and nothing is read that the length gate has not allowed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "proto/base/limits.h"
#include "proto/base/result.h"

namespace sluice::wire {

/// Which way a datagram travels. The DATA header differs: the relay needs no name from itself.
enum class Direction : std::uint8_t { kToRelay, kFromRelay };

enum class PacketType : std::uint8_t {
  kInit = 0x01,
  kCookie = 0x02,
  kAccept = 0x03,
  kReset = 0x04,
  kData = 0x40,
};

/// ACCEPT: type 1, suite 1, zeros 2, client nonce 16, ephemeral 32, tag 16 of an empty payload.
inline constexpr std::size_t kAcceptBytesMin = 1 + 1 + 2 + 16 + 32 + kTagBytes;

/// The type of a received datagram, when its length is one that the type may have and the type one
/// that travels this way. Errors: kRunt, kOversize, kUnknownType (P-WIRE-01, P-WIRE-02).
Result<PacketType> classify(Bytes datagram, Direction direction) noexcept;

constexpr std::size_t data_header_bytes(Direction direction) {
  return direction == Direction::kToRelay ? kDataHeaderToRelayBytes : kDataHeaderFromRelayBytes;
}

/// All of a DATA packet that is not plaintext.
constexpr std::size_t data_overhead_bytes(Direction direction) {
  return data_header_bytes(direction) + kTagBytes;
}

/// The longest plaintext of a packet this way: 1206 or 1212.
constexpr std::size_t plaintext_bytes_max(Direction direction) {
  return kDatagramBytesMax - data_overhead_bytes(direction);
}

struct DataHeader {
  std::uint8_t key_phase = 0;    // 0 or 1
  ConnectionId connection{};     // to the relay only; zero the other way
  std::uint32_t number_low = 0;  // low 24 bits of the packet number

  bool operator==(const DataHeader&) const = default;
};

/// Reads the header of a datagram that classify() called DATA.
DataHeader read_data_header(Bytes datagram, Direction direction) noexcept;

/// Writes data_header_bytes(direction) bytes to the front of `out`, which must hold them.
void write_data_header(const DataHeader& header, Direction direction, MutableBytes out) noexcept;

struct Reset {
  ConnectionId connection{};
  ResetToken token{};
};

/// Reads a datagram that classify() called RESET. The caller compares the token in constant time.
Reset read_reset(Bytes datagram) noexcept;

std::array<std::byte, kResetBytes> write_reset(const Reset& reset) noexcept;

/// What a connection id says to the relay that made it (P-WIRE-04). The first byte is clear,
/// because the kernel's filter steers by it; slot and random bits are hidden under the relay's
/// mask.
struct ConnectionFields {
  std::uint8_t generation = 0;  // 3 bits
  std::uint8_t worker = 0;      // 5 bits
  std::uint32_t slot = 0;       // 20 bits
  std::uint32_t random = 0;     // 20 bits

  bool operator==(const ConnectionFields&) const = default;
};

inline constexpr unsigned kConnectionWorkerBits = 5;
inline constexpr unsigned kConnectionSlotBits = 20;
inline constexpr std::uint64_t kConnectionMaskedBits = (1ULL << 40U) - 1;

static_assert(kWorkersMax <= 1U << kConnectionWorkerBits);
static_assert(kLinksPerWorkerMax <= 1U << kConnectionSlotBits);

/// `mask` is 40 random bits of the relay's own; higher ones are ignored. Fields beyond their width
/// are cut. The result may be zero for one choice of fields: draw another `random` then.
constexpr ConnectionId make_connection_id(const ConnectionFields& fields, std::uint64_t mask) {
  const std::uint64_t first =
      (fields.generation & 7ULL) << kConnectionWorkerBits | (fields.worker & 31ULL);
  const std::uint64_t low =
      (fields.slot & 0xFFFFFULL) << kConnectionSlotBits | (fields.random & 0xFFFFFULL);
  return ConnectionId{first << 40U | ((low ^ mask) & kConnectionMaskedBits)};
}

constexpr ConnectionFields connection_fields(ConnectionId id, std::uint64_t mask) {
  const auto value = static_cast<std::uint64_t>(id);
  const std::uint64_t low = (value ^ mask) & kConnectionMaskedBits;
  return {.generation = static_cast<std::uint8_t>(value >> 45U & 7U),
          .worker = static_cast<std::uint8_t>(value >> 40U & 31U),
          .slot = static_cast<std::uint32_t>(low >> kConnectionSlotBits),
          .random = static_cast<std::uint32_t>(low & 0xFFFFFU)};
}

}  // namespace sluice::wire
