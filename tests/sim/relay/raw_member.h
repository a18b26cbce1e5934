// RawMember: a member of a simulated room that joined as everybody does and then obeys no rule: it
// seals whatever frames the test writes. What somebody with a good ticket can do to a relay.
#pragma once

#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "proto/crypto/client_handshake.h"
#include "proto/crypto/packet_protection.h"
#include "proto/link/packet_builder.h"
#include "sim/net.h"
#include "sim/relay/relay_node.h"
#include "sim/xoshiro.h"

namespace sluice::sim {

class RawMember : public SimNode {
 public:
  RawMember(std::uint64_t seed, const Address& relay, const crypto::RelayKey& key,
            RelayNode::Credentials credentials, const std::vector<wire::RoomMessage>& requests,
            Instant now)
      : relay_(relay), random_(seed) {
    std::vector<std::byte> early;
    for (const wire::RoomMessage& request : requests) {
      CHECK(wire::encode_room_message(request, early).has_value());
    }
    control_offset_ = static_cast<std::uint32_t>(early.size());
    auto started = crypto::ClientHandshake::start(
        {key.public_key, credentials.ticket, std::move(credentials.psk)},
        {crypto::preferred_suites(), early}, now, random_.source());
    CHECK(started.has_value());
    handshake_.emplace(std::move(*started));
  }

  bool joined() const { return protection_.has_value(); }

  /// One packet of the frames that `write` appends. The net sends it with the next event.
  template <class Write>
  void send(Write&& write) {
    std::vector<std::byte> memory(kDatagramBytesMax);
    link::PacketBuilder builder{memory, wire::Direction::kToRelay};
    write(builder.frames());
    const crypto::SealJob job = builder.finish(next_, connection_);
    ++next_.value;
    CHECK(protection_->seal_run({&job, 1}).has_value());
    outbox_.push_back({relay_, {job.packet.begin(), job.packet.end()}});
  }

  /// The next datagram, to be delivered by the test as if from elsewhere.
  std::vector<std::byte> take(Instant now) {
    std::optional<SimDatagram> datagram = poll_datagram(now);
    CHECK(datagram.has_value());
    return std::move(datagram->bytes);
  }

  /// Leaves packet numbers out.
  void jump(std::uint64_t numbers) { next_.value += numbers; }

  /// Bytes of the room stream, right or wrong.
  void send_room_bytes(Bytes bytes) {
    send([&](wire::FrameWriter& frames) {
      CHECK(frames.append(wire::ControlView{wire::ControlStream::kRoom, control_offset_, bytes}));
    });
    control_offset_ += static_cast<std::uint32_t>(bytes.size());
  }

  void handle_datagram(Instant now, Bytes bytes, const Address&) override {
    if (!protection_) return handle_handshake(now, bytes);
    std::vector<std::byte> packet{bytes.begin(), bytes.end()};
    constexpr auto kDirection = wire::Direction::kFromRelay;
    const auto type = wire::classify(packet, kDirection);
    if (!type || *type != wire::PacketType::kData) return;
    const PacketNumber number =
        expand_packet_number(wire::read_data_header(packet, kDirection).number_low,
                             highest_ ? *highest_ + 1 : PacketNumber{0});
    const auto plaintext = protection_->open(
        now, {number, packet, static_cast<std::uint16_t>(wire::data_header_bytes(kDirection))});
    if (!plaintext) return;
    highest_ = std::max(highest_.value_or(number), number);
    ++packets_received;
    bytes_received += bytes.size();
    wire::FrameReader reader{*plaintext};
    while (const auto frame = reader.next()) {
      if (const auto* close = std::get_if<wire::Close>(&**frame)) closed = close->code;
    }
  }

  void handle_timeout(Instant now) override {
    if (!protection_) handshake_->handle_timeout(now);
  }

  Instant next_deadline() const override {
    return protection_ ? kNever : handshake_->next_deadline();
  }

  std::optional<SimDatagram> poll_datagram(Instant now) override {
    if (!protection_) {
      const Bytes init = handshake_->poll_transmit(now);
      if (init.empty()) return std::nullopt;
      return SimDatagram{relay_, {init.begin(), init.end()}};
    }
    if (outbox_.empty()) return std::nullopt;
    SimDatagram datagram = std::move(outbox_.front());
    outbox_.pop_front();
    return datagram;
  }

  std::optional<PacketNumber> highest() const { return highest_; }

  std::size_t packets_received = 0, bytes_received = 0;
  std::optional<wire::CloseCode> closed;

 private:
  void handle_handshake(Instant now, Bytes bytes) {
    auto progress = handshake_->handle_datagram(now, bytes);
    if (!progress) return;
    auto* accepted = std::get_if<crypto::Accepted>(&*progress);
    if (accepted == nullptr) return;
    connection_ = accepted->link.connection_id;
    protection_.emplace(accepted->suite, std::move(accepted->secrets.client_to_relay),
                        std::move(accepted->secrets.relay_to_client), now);
    send([](wire::FrameWriter& frames) { CHECK(frames.append(wire::Ping{})); });
  }

  Address relay_;
  Xoshiro random_;
  std::optional<crypto::ClientHandshake> handshake_;
  std::optional<crypto::PacketProtection> protection_;
  ConnectionId connection_{};
  PacketNumber next_{};
  std::optional<PacketNumber> highest_;
  std::uint32_t control_offset_ = 0;
  std::deque<SimDatagram> outbox_;
};

}  // namespace sluice::sim
