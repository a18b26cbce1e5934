#include "client/moving_socket.h"

#include <utility>

namespace sluice::client {

struct MovingSocket::Side {
  Side(MovingSocket& of, net::Loop& loop)
      : owner(of),
        socket(loop, net::Callback<const net::ReceivedBatch&>::to<&Side::handle_batch>(this)) {}

  void handle_batch(const net::ReceivedBatch& batch) { owner.take(*this, batch); }

  std::uint64_t unreachable() const {
    return socket.counters()
        .send_errors[static_cast<std::size_t>(net::SendError::kUnreachable)]
        .value();
  }

  MovingSocket& owner;
  net::UdpSocket socket;
};

MovingSocket::MovingSocket(net::Loop& loop, net::Callback<const net::ReceivedBatch&> on_batch)
    : loop_(loop), on_batch_(on_batch), present_(std::make_unique<Side>(*this, loop)) {}

MovingSocket::~MovingSocket() = default;

Status<Failure> MovingSocket::open(const Address& bind_to) {
  bind_to_ = bind_to;
  return present_->socket.open(bind_to, {});
}

Status<Failure> MovingSocket::move() {
  auto next = std::make_unique<Side>(*this, loop_);
  if (const auto opened = next->socket.open(bind_to_, {}); !opened) return opened;
  // One that was never heard is no better than the one before it, which may come to life again.
  if (!old_ || heard()) old_ = std::move(present_);
  present_ = std::move(next);
  heard_at_ = kNever;
  unreachable_ = 0;
  return Done{};
}

void MovingSocket::send(const net::UdpRun& run) { present_->socket.send(run); }

void MovingSocket::flush() { present_->socket.flush(); }

void MovingSocket::receive_arrived() {
  present_->socket.receive_arrived();
  if (old_) old_->socket.receive_arrived();
}

void MovingSocket::close_old(Instant now, Duration linger) {
  if (close_due(linger) <= now) old_.reset();
}

Instant MovingSocket::close_due(Duration linger) const {
  return old_ && heard() ? heard_at_ + linger : kNever;
}

bool MovingSocket::take_unreachable() {
  const std::uint64_t before = std::exchange(unreachable_, present_->unreachable());
  return unreachable_ != before;
}

Address MovingSocket::address() const { return present_->socket.address(); }

void MovingSocket::take(const Side& side, const net::ReceivedBatch& batch) {
  if (&side == present_.get() && !heard()) heard_at_ = batch.now;
  on_batch_(batch);
}

}  // namespace sluice::client
