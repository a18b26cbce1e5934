#include "proto/wire/packet.h"

#include <algorithm>
#include <optional>

#include "proto/base/check.h"

namespace sluice::wire {
namespace {

struct Gate {
  PacketType type;
  std::size_t bytes_min, bytes_max;
};

/// P-WIRE-02 as a table: what may travel this way, and how long it is. The clear messages of the
/// handshake go one way each.
std::optional<Gate> gate_of(std::uint8_t first, Direction direction) {
  const bool to_relay = direction == Direction::kToRelay;
  switch (first) {
    case 0x01:
      if (!to_relay) return std::nullopt;
      return Gate{PacketType::kInit, kInitBytes, kInitBytes};
    case 0x02:
      if (to_relay) return std::nullopt;
      return Gate{PacketType::kCookie, kCookieBytes, kCookieBytes};
    case 0x03:
      if (to_relay) return std::nullopt;
      return Gate{PacketType::kAccept, kAcceptBytesMin, kAcceptBytesMax};
    case 0x04:
      if (to_relay) return std::nullopt;
      return Gate{PacketType::kReset, kResetBytes, kResetBytes};
    case 0x40:
    case 0x41:
      return Gate{PacketType::kData, data_overhead_bytes(direction) + 1, kDatagramBytesMax};
    default:
      return std::nullopt;
  }
}

}  // namespace

Result<PacketType> classify(Bytes datagram, Direction direction) noexcept {
  if (datagram.empty()) return Unexpected{DropReason::kRunt};
  const std::optional<Gate> gate = gate_of(to_u8(datagram[0]), direction);
  if (!gate) return Unexpected{DropReason::kUnknownType};
  if (datagram.size() < gate->bytes_min) return Unexpected{DropReason::kRunt};
  if (datagram.size() > gate->bytes_max) return Unexpected{DropReason::kOversize};
  return gate->type;
}

DataHeader read_data_header(Bytes datagram, Direction direction) noexcept {
  DCHECK(datagram.size() > data_overhead_bytes(direction));
  Reader reader(datagram);
  DataHeader header;
  header.key_phase = reader.u8() & 1U;
  if (direction == Direction::kToRelay) header.connection = ConnectionId{reader.u48()};
  header.number_low = reader.u24();
  return header;
}

void write_data_header(const DataHeader& header, Direction direction, MutableBytes out) noexcept {
  CHECK(out.size() >= data_header_bytes(direction));
  Writer writer(out);
  writer.u8(static_cast<std::uint8_t>(static_cast<unsigned>(PacketType::kData) |
                                      (header.key_phase & 1U)));
  if (direction == Direction::kToRelay) writer.u48(static_cast<std::uint64_t>(header.connection));
  writer.u24(header.number_low);
}

Reset read_reset(Bytes datagram) noexcept {
  DCHECK(datagram.size() == kResetBytes);
  Reader reader(datagram);
  reader.skip(1);
  Reset reset;
  reset.connection = ConnectionId{reader.u48()};
  const Bytes token = reader.bytes(reset.token.size());
  std::copy(token.begin(), token.end(), reset.token.begin());
  return reset;
}

std::array<std::byte, kResetBytes> write_reset(const Reset& reset) noexcept {
  std::array<std::byte, kResetBytes> out;
  Writer writer(out);
  writer.u8(static_cast<std::uint8_t>(PacketType::kReset));
  writer.u48(static_cast<std::uint64_t>(reset.connection));
  writer.bytes(reset.token);
  return out;
}

}  // namespace sluice::wire
