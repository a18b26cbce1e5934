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
    PacketBuilder builder{
        memory, role_ == Role::kClient ? wire::Direction::kToRelay : wire::Direction::kFromRelay};
    write(builder.frames());
    const crypto::SealJob job = builder.finish(next_, kTestConnection);
    ++next_.value;
    CHECK(protection_.seal_run({&job, 1}).has_value());
    memory.resize(job.packet.size());
    return memory;
  }

  /// The next packet's number.
  PacketNumber next() const { return next_; }

  void jump_to(PacketNumber number) { next_ = number; }

 private:
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
