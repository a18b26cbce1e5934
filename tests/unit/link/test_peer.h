// TestPeer: an endpoint that holds the keys and obeys no rule: it seals whatever frames the test
// writes. What an authenticated adversary can do to a link.
#pragma once

#include <functional>
#include <initializer_list>

#include "proto/link/packet_builder.h"
#include "tests/unit/link/link_pair.h"

namespace sluice::link {

class TestPeer {
 public:
  /// Takes the place of the `role` end, from packet number `first` on.
  TestPeer(Role role, std::uint64_t first)
      : role_(role),
        next_{first},
        protection_(crypto::Suite::kAes128Gcm, test_secret(role == Role::kClient ? 1 : 2),
                    test_secret(role == Role::kClient ? 2 : 1), Instant{}) {}

  Datagram packet(const std::function<void(wire::FrameWriter&)>& write) {
    Datagram memory(kDatagramBytesMax);
    PacketBuilder builder{memory, direction()};
    write(builder.frames());
    return seal(std::move(memory), builder.finish(next_, kTestConnection));
  }

  /// A packet of any plaintext, which is cut at what fits.
  Datagram sealed(Bytes plaintext) {
    const std::size_t header = wire::data_header_bytes(direction());
    plaintext = plaintext.first(std::min(plaintext.size(), wire::plaintext_bytes_max(direction())));
    Datagram memory(header + plaintext.size() + kTagBytes);
    std::copy(plaintext.begin(), plaintext.end(),
              memory.begin() + static_cast<std::ptrdiff_t>(header));
    wire::write_data_header({.connection = kTestConnection, .number_low = next_.low24()},
                            direction(), memory);
    const crypto::SealJob job{next_, memory, static_cast<std::uint16_t>(header)};
    return seal(std::move(memory), job);
  }

 private:
  wire::Direction direction() const {
    return role_ == Role::kClient ? wire::Direction::kToRelay : wire::Direction::kFromRelay;
  }

  /// `job` points into `memory`, whose bytes stay where they are when it is moved.
  Datagram seal(Datagram memory, const crypto::SealJob& job) {
    ++next_.value;
    CHECK(protection_.seal_run({&job, 1}).has_value());
    memory.resize(job.packet.size());
    return memory;
  }

  Role role_;
  PacketNumber next_;
  crypto::PacketProtection protection_;
};

/// A frame of any type and body, which the writer has no function for: room is made by PINGs (3
/// bytes) and KEY_REQUESTs (4), which make up any size but 5, and written over.
inline void append_raw(wire::FrameWriter& writer, std::uint8_t type,
                       std::vector<std::uint8_t> body) {
  const std::size_t before = writer.size();
  const std::size_t size = kFrameHeaderBytes + body.size();
  while ((size - (writer.size() - before)) % 4 != 0) CHECK(writer.append(wire::Ping{}));
  while (writer.size() - before < size) CHECK(writer.append(wire::KeyRequest{}));
  const MutableBytes frame = writer.written().subspan(before);
  CHECK(frame.size() == size);
  frame[0] = std::byte{type};
  store_be<2>(&frame[1], body.size());
  for (std::size_t i = 0; i < body.size(); ++i) frame[3 + i] = std::byte{body[i]};
}

}  // namespace sluice::link
