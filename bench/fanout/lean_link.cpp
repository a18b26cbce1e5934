#include "bench/fanout/lean_link.h"

#include <utility>

namespace sluice::bench {

LeanLink::LeanLink(net::Loop& loop, link::SendArena& arena, const Handlers& handlers, double loss,
                   std::uint64_t seed)
    : loop_(loop),
      arena_(arena),
      handlers_(handlers),
      loss_(loss),
      random_(seed),
      socket_(loop, net::Callback<const net::ReceivedBatch&>::to<&LeanLink::handle_batch>(this)) {}

Status<client::Error> LeanLink::open(client::ClientLink::Config config) {
  net::UdpConfig udp;
  udp.kernel_stamps = true;
  if (const auto opened = socket_.open(Address::v4(127, 0, 0, 1, 0), udp); !opened) {
    return client::fail(client::ExitCode::kEnvironment, opened.error().message);
  }
  auto started = client::ClientLink::start(std::move(config), loop_.refresh_now());
  if (!started) return Unexpected{started.error()};
  client_link_ = std::move(*started);
  transmit(loop_.now());
  return Done{};
}

void LeanLink::handle_batch(const net::ReceivedBatch& batch) {
  if (!client_link_) return;
  for (net::ReceivedDatagram& datagram : batch.datagrams) {
    if (loss_ > 0 && random_.chance(loss_)) continue;
    // What is dropped is missed in the count of copies.
    static_cast<void>(
        client_link_->handle_datagram(batch.now, datagram.bytes, datagram.from, datagram.ecn));
    drain(datagram.received_at.value_or(batch.now));
  }
  if (client_link_->next_deadline() <= batch.now) transmit(batch.now);
}

void LeanLink::drain(Instant received_at) {
  while (const auto event = client_link_->poll_event()) handlers_.on_event(*event, received_at);
}

void LeanLink::due(Instant now) {
  if (!client_link_ || client_link_->next_deadline() > now) return;
  socket_.receive_arrived();
  client_link_->handle_timeout(now);
  drain(now);
  transmit(now);
}

void LeanLink::transmit(Instant now) {
  while (const auto run = client_link_->poll_transmit(now, arena_, kRunPacketsMax)) {
    handlers_.on_run(*run);
    socket_.send({run->to, run->bytes, run->count == 1 ? std::uint16_t{0} : run->segment_bytes});
    if (arena_.has_room_for(kRunPacketsMax)) continue;
    socket_.flush();
    arena_.clear();
  }
  socket_.flush();
  arena_.clear();
}

std::optional<client::Error> LeanLink::error() const {
  if (!client_link_ || client_link_->state() != client::ClientLink::State::kFailed) {
    return std::nullopt;
  }
  return client_link_->error();
}

}  // namespace sluice::bench
