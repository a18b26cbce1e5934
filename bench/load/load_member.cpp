#include "bench/load/load_member.h"

#include <algorithm>
#include <utility>

namespace sluice::bench {
namespace {

using net::Callback;

template <class Member, auto kJoined, auto kEvent, auto kTurn, auto kFailed>
client::Connection::Handlers handlers_of(Member* member) {
  return {Callback<>::to<kJoined>(member), Callback<const link::Event&>::to<kEvent>(member),
          Callback<>::to<kTurn>(member), Callback<const client::Error&>::to<kFailed>(member)};
}

}  // namespace

LoadPusher::LoadPusher(net::Loop& loop, StreamName stream, std::uint64_t bits_per_s,
                       std::uint64_t seed)
    : loop_(loop),
      source_(bits_per_s, seed),
      pusher_({stream, source_.tracks(), true, true}),
      connection_(loop,
                  handlers_of<LoadPusher, &LoadPusher::handle_joined, &LoadPusher::handle_event,
                              &LoadPusher::handle_turn, &LoadPusher::handle_failed>(this)) {}

Status<client::Error> LoadPusher::open(client::ClientLink::Config config) {
  config.first_commands = pusher_.first_commands();
  return connection_.open(std::move(config));
}

void LoadPusher::handle_joined() { pusher_.attach(connection_.link()); }

void LoadPusher::handle_turn() {
  if (connection_.link() == nullptr) return;
  const Instant now = loop_.now();
  Instant next = kNever;
  if (pushing()) {
    if (!began_at_) began_at_ = now;
    const auto due = [this] { return *began_at_ + std::chrono::milliseconds{source_.next_ms()}; };
    while (due() <= now) pusher_.push(now, source_.next());
    next = due();
  }
  pusher_.handle_turn(now);
  if (pusher_.state() == client::Pusher::State::kRefused) error_ = pusher_.error();
  connection_.wake_at(std::min(next, pusher_.next_deadline()));
}

void LoadPusher::finish() {
  if (connection_.link() == nullptr) return;
  pusher_.finish(loop_.now());
  handle_turn();
  connection_.flush();
}

LoadSubscriber::LoadSubscriber(net::Loop& loop, StreamName stream)
    : loop_(loop),
      subscriber_({stream, {}, loop.now()}, {}),
      connection_(
          loop,
          handlers_of<LoadSubscriber, &LoadSubscriber::handle_joined, &LoadSubscriber::handle_event,
                      &LoadSubscriber::handle_turn, &LoadSubscriber::handle_failed>(this)) {}

Status<client::Error> LoadSubscriber::open(client::ClientLink::Config config) {
  config.first_commands = subscriber_.first_commands();
  return connection_.open(std::move(config));
}

void LoadSubscriber::handle_joined() {
  subscriber_.attach(connection_.link());
  subscriber_.stats().join_us = to_us(*connection_.client_link()->join_time());
}

void LoadSubscriber::handle_turn() {
  if (connection_.link() == nullptr) return;
  const Instant now = loop_.now();
  subscriber_.handle_turn(now);
  if (!error_ && subscriber_.error().code != client::ExitCode::kOk) error_ = subscriber_.error();
  connection_.wake_at(subscriber_.next_deadline(now));
}

void LoadSubscriber::close() {
  if (connection_.link() == nullptr || connection_.link()->closed()) return;
  connection_.link()->close(loop_.now(), link::CloseCode::kDone, "");
  connection_.flush();
}

}  // namespace sluice::bench
