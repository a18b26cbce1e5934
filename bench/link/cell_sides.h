// The two sides of a cell, without what carries them: the client library's pusher fed by a
// CellFeed, and its subscriber with everything told to an observer that the ledger needs. The
// simulated members and those on sockets are both made of these.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/link/cell_feed.h"
#include "client/pusher.h"
#include "client/subscriber.h"
#include "net/callback.h"
#include "proto/wire/media_header.h"

namespace sluice::bench {

/// Under which everything of a cell is found.
StreamName cell_stream();

class FeedPusher {
 public:
  /// `on_sent` is told of each frame, before it is pushed: when it was due, and what it is.
  FeedPusher(const CellOptions& options, Instant began,
             net::Callback<Instant, const FeedFrame&> on_sent);

  std::vector<std::byte> first_commands() const { return pusher_.first_commands(); }

  bool ready() const { return pusher_.state() == client::Pusher::State::kPushing; }

  void attach(link::Link* link) { pusher_.attach(link); }

  void handle_event(const link::Event& event) { pusher_.handle_event(event); }

  /// Pushes what is due; returns when it wants another turn.
  Instant turn(Instant now);

 private:
  CellFeed feed_;
  Instant began_;
  std::uint32_t length_ms_;
  net::Callback<Instant, const FeedFrame&> on_sent_;
  client::Pusher pusher_;
};

/// What happened at a subscriber, in the order of time.
struct SubscriberObserver {
  net::Callback<Instant, TrackKind, const wire::MediaHeader&> on_part;
  net::Callback<Instant, TrackKind, std::uint32_t> on_played;  // handed on: its timestamp
  net::Callback<Instant, Duration> on_play_out;                // B, after each turn
};

class WatchedSubscriber {
 public:
  WatchedSubscriber(const CellOptions& options, const SubscriberObserver& observer);

  std::vector<std::byte> first_commands() const { return subscriber_.first_commands(); }

  /// The stream's tracks are known.
  bool ready() const { return subscriber_.state() == client::Subscriber::State::kReceiving; }

  Duration play_out_delay() const { return *subscriber_.play_out_delay(); }  // always plays out

  void attach(link::Link* link) { subscriber_.attach(link); }

  void handle_event(Instant now, const link::Event& event);

  /// Returns when it wants another turn.
  Instant turn(Instant now);

 private:
  void handle_tracks(const std::vector<wire::TrackDescription>& tracks) { tracks_ = tracks; }

  void handle_frame(const client::ReceivedFrame& frame);

  SubscriberObserver observer_;
  Instant now_{};  // of the turn under way
  std::vector<wire::TrackDescription> tracks_;
  client::Subscriber subscriber_;
};

}  // namespace sluice::bench
