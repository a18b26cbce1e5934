#include "relay/worker/worker_thread.h"

#include <algorithm>
#include <utility>

namespace sluice::relay {

WorkerThread::WorkerThread(const WorkerOptions& options, Switchboard& switchboard,
                           WorkerMetrics& metrics)
    : metrics_(metrics),
      self_(options.self),
      worker_(options, switchboard, metrics, loop_.now()),
      socket_(loop_, net::Callback<const net::ReceivedBatch&>::to<&WorkerThread::on_batch>(this)),
      wake_(loop_, net::Callback<>::to<&WorkerThread::on_wake>(this)),
      timer_(loop_, net::Callback<>::to<&WorkerThread::on_deadline>(this)),
      before_poll_(loop_, net::Callback<>::to<&WorkerThread::finish_turn>(this)),
      after_poll_(loop_, net::Callback<>::to<&WorkerThread::finish_turn>(this)) {
  switchboard.set_wake(party_of(self_), net::Callback<>::to<&net::Async::wake>(&wake_));
}

WorkerThread::~WorkerThread() { stop(); }

Status<Failure> WorkerThread::bind(const Address& address, const net::UdpConfig& config) {
  if (Status<Failure> opened = timer_.open(); !opened) return opened;
  return socket_.bind(address, config);
}

Status<Failure> WorkerThread::start() {
  if (Status<Failure> started = socket_.start(); !started) return started;
  metrics_.segmentation.set(socket_.segmentation() ? 1 : 0);
  metrics_.coalescing.set(socket_.coalescing() ? 1 : 0);
  thread_ = std::thread([this] { run(); });
  return Done{};
}

void WorkerThread::stop() {
  if (!thread_.joinable()) return;
  stop_wanted_.store(true, std::memory_order_release);
  wake_.wake();
  thread_.join();
}

void WorkerThread::run() { loop_.run(); }

void WorkerThread::on_batch(const net::ReceivedBatch& batch) {
  if (!std::exchange(turn_open_, true)) turn_began_ = batch.now;
  const std::span<net::ReceivedDatagram> datagrams = batch.datagrams;
  for (std::size_t i = 0; i < datagrams.size(); ++i) {
    if (i + 2 < datagrams.size()) worker_.prefetch(datagrams[i + 2].bytes, Ahead::kFar);
    if (i + 1 < datagrams.size()) worker_.prefetch(datagrams[i + 1].bytes, Ahead::kNear);
    const net::ReceivedDatagram& datagram = datagrams[i];
    oldest_received_ = std::min(oldest_received_, datagram.received_at.value_or(batch.now));
    worker_.handle_datagram(batch.now, datagram.bytes, datagram.from, datagram.ecn);
  }
}

void WorkerThread::on_wake() {
  const Instant now = loop_.now();
  if (!std::exchange(turn_open_, true)) turn_began_ = now;
  worker_.handle_mail(now);
  if (!stop_wanted_.load(std::memory_order_acquire)) return;
  worker_.close_all(now);
  finish_turn();
  loop_.stop();
}

void WorkerThread::on_deadline() {
  const Instant due = loop_.now();
  if (!std::exchange(turn_open_, true)) turn_began_ = due;
  if (armed_for_ != kNever && due > armed_for_) {
    metrics_.timer_lag_us_max.raise_to(static_cast<std::uint64_t>(to_us(due - armed_for_)));
  }
  armed_for_ = kNever;
  // A late timer is no sign of loss: what came meanwhile is read first.
  socket_.receive_arrived();
  const Instant now = loop_.now();
  worker_.handle_timeout(now);
  // What one turn had to leave over is due as a deadline, too.
  worker_.handle_mail(now);
}

void WorkerThread::finish_turn() {
  if (!std::exchange(turn_open_, false)) return;
  const Instant now = loop_.now();
  worker_.end_turn(now);
  worker_.flush(now, {net::Callback<const link::Transmit&>::to<&WorkerThread::send>(this),
                      net::Callback<>::to<&WorkerThread::flush>(this)});
  armed_for_ = worker_.next_deadline();
  timer_.arm(armed_for_);
  note_turn(turn_began_);
}

void WorkerThread::send(const link::Transmit& run) {
  socket_.send({run.to, run.bytes, run.count > 1 ? run.segment_bytes : std::uint16_t{0}});
}

void WorkerThread::flush() { socket_.flush(); }

void WorkerThread::note_turn(Instant began) {
  const Duration took = loop_.refresh_now() - began;
  const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(to_us(took), 0));
  metrics_.turns.add();
  metrics_.busy_us.add(us);
  metrics_.turn_us_max.raise_to(us);
  // What another worker handed over has no stamp: its turn counts from its beginning.
  const Instant received = std::min(std::exchange(oldest_received_, kNever), began);
  if (worker_.take_forwarded()) metrics_.forward_latency.record(began + took - received);
  socket_drops_.note(socket_.counters(), metrics_);
  metrics_.segmentation.set(socket_.segmentation() ? 1 : 0);  // refused with a send, it is off
}

}  // namespace sluice::relay
