// The two kinds of member of a load run: a connection with a pusher fed from a synthetic source,
// and one with a subscriber that counts. Used by load_run.cpp alone.
#pragma once

#include <optional>

#include "bench/load/synthetic_source.h"
#include "client/connection.h"
#include "client/pusher.h"
#include "client/subscriber.h"
#include "net/loop.h"

namespace sluice::bench {

class LoadPusher {
 public:
  LoadPusher(net::Loop& loop, StreamName stream, std::uint64_t bits_per_s, std::uint64_t seed);

  /// `config` without its first commands.
  Status<client::Error> open(client::ClientLink::Config config);

  /// No more frames; what is under way is sent.
  void finish();

  bool done() const {
    return error_.has_value() || pusher_.state() == client::Pusher::State::kDone;
  }

  bool pushing() const { return pusher_.state() == client::Pusher::State::kPushing; }

  const std::optional<client::Error>& error() const { return error_; }

  const client::Stats& stats() const { return pusher_.stats(); }

 private:
  void handle_joined();

  void handle_event(const link::Event& event) { pusher_.handle_event(event); }

  void handle_turn();

  void handle_failed(const client::Error& error) { error_ = error; }

  net::Loop& loop_;
  SyntheticSource source_;
  client::Pusher pusher_;
  client::Connection connection_;
  std::optional<Instant> began_at_;
  std::optional<client::Error> error_;
};

class LoadSubscriber {
 public:
  LoadSubscriber(net::Loop& loop, StreamName stream);

  Status<client::Error> open(client::ClientLink::Config config);

  /// Leaves the room.
  void close();

  bool joined() const { return subscriber_.stats().join_us.has_value() || error_.has_value(); }

  bool done() const {
    return error_.has_value() || subscriber_.state() == client::Subscriber::State::kDone;
  }

  const std::optional<client::Error>& error() const { return error_; }

  const client::Stats& stats() const { return subscriber_.stats(); }

 private:
  void handle_joined();

  void handle_event(const link::Event& event) { subscriber_.handle_event(loop_.now(), event); }

  void handle_turn();

  void handle_failed(const client::Error& error) { error_ = error; }

  net::Loop& loop_;
  client::Subscriber subscriber_;
  client::Connection connection_;
  std::optional<client::Error> error_;
};

}  // namespace sluice::bench
