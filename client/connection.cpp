#include "client/connection.h"

#include <algorithm>
#include <utility>

namespace sluice::client {

Connection::Connection(net::Loop& loop, const Handlers& handlers)
    : loop_(loop),
      handlers_(handlers),
      arena_memory_(std::make_unique<std::byte[]>(kArenaPackets * kDatagramBytesMax)),
      arena_({arena_memory_.get(), kArenaPackets * kDatagramBytesMax}),
      socket_(loop, net::Callback<const net::ReceivedBatch&>::to<&Connection::handle_batch>(this)),
      timer_(loop, net::Callback<>::to<&Connection::handle_due>(this)) {}

Status<Error> Connection::open(ClientLink::Config config) {
  const Address any = config.relay.is_v4() ? Address::v4(0, 0, 0, 0, 0) : Address{};
  if (const auto opened = timer_.open(); !opened) {
    return fail(ExitCode::kEnvironment, opened.error().message);
  }
  if (const auto opened = socket_.open(any); !opened) {
    return fail(ExitCode::kEnvironment, opened.error().message);
  }
  auto started = ClientLink::start(std::move(config), loop_.refresh_now());
  if (!started) return Unexpected{started.error()};
  client_link_ = std::move(*started);
  flush();
  return Done{};
}

void Connection::handle_batch(const net::ReceivedBatch& batch) {
  if (!client_link_) return;
  for (net::ReceivedDatagram& datagram : batch.datagrams) {
    const auto taken =
        client_link_->handle_datagram(batch.now, datagram.bytes, datagram.from, datagram.ecn);
    if (!taken) ++drops_[static_cast<std::size_t>(taken.error())];
    drain_events();
  }
  turn();
}

void Connection::handle_due() {
  if (!client_link_) return;
  // A late timer is no sign of loss: what came meanwhile is read first.
  socket_.receive_arrived();
  client_link_->handle_timeout(loop_.now());
  drain_events();
  care_for_path();
  turn();
}

void Connection::move() {
  move_wanted_ = loop_.now();
  flush();
}

/// When the path wants to be looked after; kNever while all is well. Of two reasons to move the
/// first counts, but not sooner after the last move than it is worth.
Instant Connection::path_due() const {
  const link::Link* const link = client_link_->link();
  if (link == nullptr || link->closed()) return kNever;
  const Instant doubt = std::min(move_wanted_, link->doubtful_at());
  const Instant move = doubt == kNever ? kNever : std::max(doubt, move_not_before_);
  return std::min(move, socket_.close_due(link->probe_timeout() * kLingerPtos));
}

// P-KEEP-02.
void Connection::care_for_path() {
  const Instant now = loop_.now();
  if (path_due() > now) return;
  link::Link& link = *client_link_->link();
  if (socket_.has_old() && socket_.heard()) move_again_in_ = kMoveAgainMin;
  socket_.close_old(now, link.probe_timeout() * kLingerPtos);
  if (std::max(std::min(move_wanted_, link.doubtful_at()), move_not_before_) > now) return;
  move_wanted_ = kNever;
  move_not_before_ = now + move_again_in_;
  move_again_in_ = std::min(move_again_in_ * 2, kMoveAgainMax);
  // Without a descriptor for another one it goes on as it is.
  if (!socket_.move()) return;
  ++moves_;
  link.address_changed();
}

void Connection::drain_events() {
  if (!told_joined_ && client_link_->state() == ClientLink::State::kJoined) {
    told_joined_ = true;
    handlers_.on_joined();
  }
  while (const auto event = client_link_->poll_event()) handlers_.on_event(*event);
}

void Connection::turn() {
  if (client_link_->state() == ClientLink::State::kFailed) {
    if (!std::exchange(told_failed_, true)) handlers_.on_failed(client_link_->error());
    return;
  }
  wake_at_ = kNever;
  handlers_.on_turn();
  flush();
}

void Connection::flush() {
  if (!client_link_) return;
  transmit();
  const Instant next = std::min({client_link_->next_deadline(), wake_at_, path_due()});
  timer_.arm(next);
}

void Connection::transmit() {
  const Instant now = loop_.now();
  while (const auto run = client_link_->poll_transmit(now, arena_, kRunPacketsMax)) {
    const bool single = run->count == 1;
    socket_.send({run->to, run->bytes, single ? std::uint16_t{0} : run->segment_bytes});
    if (arena_.has_room_for(kRunPacketsMax)) continue;
    socket_.flush();
    arena_.clear();
  }
  socket_.flush();
  arena_.clear();
  if (socket_.take_unreachable()) move_wanted_ = std::min(move_wanted_, now);
}

}  // namespace sluice::client
