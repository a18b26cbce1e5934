#include "relay/door/door_thread.h"

#include <algorithm>
#include <utility>

namespace sluice::relay {

DoorThread::DoorThread(const DoorOptions& options, Switchboard& switchboard, DoorMetrics& metrics)
    : metrics_(metrics),
      door_(options, switchboard, metrics, loop_.now()),
      socket_(loop_, net::Callback<const net::ReceivedBatch&>::to<&DoorThread::on_batch>(this)),
      wake_(loop_, net::Callback<>::to<&DoorThread::on_wake>(this)),
      timer_(loop_, net::Callback<>::to<&DoorThread::on_deadline>(this)),
      before_poll_(loop_, net::Callback<>::to<&DoorThread::finish_turn>(this)),
      after_poll_(loop_, net::Callback<>::to<&DoorThread::finish_turn>(this)),
      turn_began_(loop_.now()) {
  switchboard.set_wake(kDoorParty, net::Callback<>::to<&net::Async::wake>(&wake_));
}

DoorThread::~DoorThread() { stop(); }

Status<Failure> DoorThread::bind(const Address& address, const net::UdpConfig& config) {
  return socket_.bind(address, config);
}

Status<Failure> DoorThread::start() {
  if (Status<Failure> started = socket_.start(); !started) return started;
  metrics_.segmentation.set(socket_.segmentation() ? 1 : 0);
  metrics_.coalescing.set(socket_.coalescing() ? 1 : 0);
  thread_ = std::thread([this] { loop_.run(); });
  return Done{};
}

void DoorThread::stop() {
  if (!thread_.joinable()) return;
  stop_wanted_.store(true, std::memory_order_release);
  wake_.wake();
  thread_.join();
}

void DoorThread::on_batch(const net::ReceivedBatch& batch) {
  if (!std::exchange(turn_open_, true)) turn_began_ = batch.now;
  const UnixSeconds wall = net::Loop::wall_clock();
  for (const net::ReceivedDatagram& datagram : batch.datagrams) {
    const Bytes reply = door_.handle_datagram(batch.now, wall, datagram.bytes, datagram.from);
    if (reply.empty()) continue;
    // The worker's mail leaves before the ACCEPT, so that a link is known when its first DATA
    // comes.
    door_.end_turn(batch.now);
    // The reply's bytes are the next one's: it goes at once. Joins are rare next to media.
    socket_.send({datagram.from, reply, 0});
    socket_.flush();
  }
}

void DoorThread::on_wake() {
  const Instant now = loop_.now();
  if (!std::exchange(turn_open_, true)) turn_began_ = now;
  door_.handle_mail(now, net::Loop::wall_clock());
  if (stop_wanted_.load(std::memory_order_acquire)) loop_.stop();
}

void DoorThread::on_deadline() {
  const Instant now = loop_.now();
  if (!std::exchange(turn_open_, true)) turn_began_ = now;
  door_.handle_timeout(now);
}

void DoorThread::finish_turn() {
  if (!std::exchange(turn_open_, false)) return;
  door_.end_turn(loop_.now());
  timer_.arm(door_.next_deadline());
  note_turn();
}

void DoorThread::note_turn() {
  const Duration took = loop_.refresh_now() - turn_began_;
  const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(to_us(took), 0));
  metrics_.turns.add();
  metrics_.busy_us.add(us);
  metrics_.turn_us_max.raise_to(us);
  socket_drops_.note(socket_.counters(), metrics_);
}

}  // namespace sluice::relay
