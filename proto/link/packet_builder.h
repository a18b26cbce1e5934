// PacketBuilder: one DATA packet under construction in a send arena: room for the header, frames,
// room for the tag (P-DATA-01). The link fills in frames, then finishes it into a job for seal_run.
#pragma once

#include <cstddef>

#include "proto/base/bytes.h"
#include "proto/base/seq.h"
#include "proto/crypto/aead.h"
#include "proto/wire/frame.h"
#include "proto/wire/packet.h"

namespace sluice::link {

class PacketBuilder {
 public:
  /// `memory`: kDatagramBytesMax bytes at least.
  PacketBuilder(MutableBytes memory, wire::Direction direction)
      : memory_(memory),
        direction_(direction),
        frames_(memory.subspan(wire::data_header_bytes(direction),
                               wire::plaintext_bytes_max(direction))) {}

  wire::FrameWriter& frames() { return frames_; }

  /// Writes the header; the packet's bytes are what the job names. Sealing sets the key phase.
  crypto::SealJob finish(PacketNumber number, ConnectionId connection) {
    const std::size_t header = wire::data_header_bytes(direction_);
    wire::write_data_header({.connection = connection, .number_low = number.low24()}, direction_,
                            memory_);
    return {.packet_number = number,
            .packet = memory_.first(header + frames_.size() + kTagBytes),
            .header_bytes = static_cast<std::uint16_t>(header)};
  }

 private:
  MutableBytes memory_;
  wire::Direction direction_;
  wire::FrameWriter frames_;
};

}  // namespace sluice::link
