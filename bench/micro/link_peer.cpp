#include "bench/micro/link_peer.h"

#include <variant>

#include "proto/base/check.h"

namespace sluice::bench {
namespace {

constexpr ConnectionId kConnection{0x010203040506};
constexpr wire::Direction kToRelay = wire::Direction::kToRelay;

const Address kClient = Address::v4(10, 0, 0, 1, 1000);

link::LinkSetup relay_setup(std::uint64_t seed, RandomSource random) {
  crypto::TrafficSecrets secrets = shared_secrets(seed);
  link::LinkSetup setup;
  setup.role = link::Role::kRelay;
  setup.suite = crypto::Suite::kAes128Gcm;
  setup.send_secret = std::move(secrets.relay_to_client);
  setup.receive_secret = std::move(secrets.client_to_relay);
  setup.connection_id = kConnection;
  setup.peer = kClient;
  setup.random = random;
  return setup;
}

}  // namespace

crypto::TrafficSecrets shared_secrets(std::uint64_t seed) {
  SeededRandom random{seed};
  crypto::TrafficSecrets secrets;
  secrets.client_to_relay = crypto::TrafficSecret::random(random.source());
  secrets.relay_to_client = crypto::TrafficSecret::random(random.source());
  return secrets;
}

ScriptedPeer::ScriptedPeer(std::uint64_t seed, ConnectionId connection)
    : connection_(connection),
      protection_(crypto::Suite::kAes128Gcm, shared_secrets(seed).client_to_relay,
                  shared_secrets(seed).relay_to_client, kLinkStart) {}

link::PacketBuilder ScriptedPeer::begin(std::vector<std::byte>& to, std::size_t at) const {
  to.resize(at + kDatagramBytesMax);
  return {MutableBytes{to}.subspan(at), kToRelay};
}

void ScriptedPeer::finish(link::PacketBuilder& packet, std::size_t at, std::vector<std::byte>& to) {
  const crypto::SealJob job = packet.finish(next_, connection_);
  next_.value += 1;
  CHECK(protection_.seal_run({&job, 1}).has_value());
  to.resize(at + job.packet.size());
}

void ScriptedPeer::seal_part(Bytes ring_part, std::vector<std::byte>& to) {
  const std::size_t at = to.size();
  link::PacketBuilder packet = begin(to, at);
  CHECK(packet.frames().append_final_part(ring_part, TrackId{1}));
  finish(packet, at, to);
}

void ScriptedPeer::seal_ping(std::vector<std::byte>& to) {
  const std::size_t at = to.size();
  link::PacketBuilder packet = begin(to, at);
  CHECK(packet.frames().append(wire::Ping{}));
  finish(packet, at, to);
}

void ScriptedPeer::receive(const link::Transmit& run) {
  const wire::DataHeader header = wire::read_data_header(run.bytes, wire::Direction::kFromRelay);
  const PacketNumber newest =
      arrived_count_ == 0 ? PacketNumber{} : arrived_[arrived_count_ - 1].last;
  const PacketNumber first = expand_packet_number(header.number_low, newest + 1);
  const PacketNumber last = first + (run.count - 1U);
  if (arrived_count_ > 0 && first == newest + 1) {
    arrived_[arrived_count_ - 1].last = last;
  } else {
    CHECK(arrived_count_ < arrived_.size());
    arrived_[arrived_count_++] = {first, last};
  }
}

void ScriptedPeer::seal_feedback(std::vector<std::byte>& to) {
  CHECK(received_any());
  wire::Feedback feedback;
  feedback.number = feedback_number_++;
  for (std::size_t i = arrived_count_; i-- > 0;) CHECK(feedback.add_range(arrived_[i]));
  const wire::AckRange newest = arrived_[arrived_count_ - 1];
  for (std::uint64_t n = newest.first.value; n < newest.last.value; ++n) {
    if (!feedback.add_time(0)) break;
  }
  // The highest stays, so that the next number can be told from its low bits.
  arrived_[0] = {newest.last, newest.last};
  arrived_count_ = 1;
  const std::size_t at = to.size();
  link::PacketBuilder packet = begin(to, at);
  CHECK(packet.frames().append(feedback));
  finish(packet, at, to);
}

LinkPeer::LinkPeer(std::uint64_t seed)
    : random_(seed),
      peer_(seed, kConnection),
      link_(std::make_unique<link::Link>(relay_setup(seed, random_.source()), kLinkStart)) {
  peer_.seal_ping(scratch_);
  handle(kLinkStart, scratch_);
  CHECK(link_->established());
  drain(kLinkStart);
}

void LinkPeer::acknowledge(Instant now) {
  scratch_.clear();
  peer_.seal_feedback(scratch_);
  handle(now + kAcknowledgedAfter, scratch_);
  CHECK(link_->stats().packets_lost == 0);
}

std::size_t LinkPeer::handle(Instant now, MutableBytes datagram) {
  CHECK(link_->handle_datagram(now, datagram, kClient, 0).has_value());
  std::size_t parts = 0;
  while (const auto event = link_->poll_event()) {
    parts += std::holds_alternative<link::MediaArrived>(*event) ? 1U : 0U;
  }
  return parts;
}

std::size_t LinkPeer::drain(Instant now) {
  std::array<std::byte, kRunPacketsMax * kDatagramBytesMax> memory;
  std::size_t packets = 0;
  for (;;) {
    link::SendArena arena{memory};
    const auto run = link_->poll_transmit(now, arena, kRunPacketsMax);
    if (!run) return packets;
    peer_.receive(*run);
    packets += run->count;
  }
}

}  // namespace sluice::bench
