// The members of a cell on sockets: the sides of cell_sides.h on a Connection and a loop each, run
// by a thread of their own. What happened is written down and judged afterwards, so that the
// threads share nothing. Used by socket_cell.cpp alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/link/cell_sides.h"
#include "client/connection.h"
#include "net/fine_timer.h"
#include "net/loop.h"

namespace sluice::bench {

/// A harness thread that is later than this is told of: half of the least play-out delay is 7 ms.
inline constexpr Duration kStall = std::chrono::milliseconds{5};

/// When a socket cell begins, what of it counts, and when it is over.
struct CellTimes {
  Instant began, counted_from, counted_until, over;
};

/// What a member wrote down beside its own: the link's counters around what is counted, one
/// estimate a second, and when its thread was late.
struct MemberNotes {
  link::LinkStats before, after;
  std::vector<std::uint64_t> estimate_bps, target_bps;
  std::vector<std::pair<Instant, Instant>> stalls;
  std::optional<client::Error> error;
};

class SocketMember {
 public:
  SocketMember(client::ClientLink::Config config, const CellTimes& times);
  virtual ~SocketMember() = default;
  SocketMember(const SocketMember&) = delete;
  SocketMember& operator=(const SocketMember&) = delete;

  /// The thread's body: joins, takes part until everything is over, leaves.
  void run();

  /// After run().
  const MemberNotes& notes() const { return notes_; }

 protected:
  virtual void joined(link::Link* link) = 0;
  virtual void event(Instant now, const link::Event& event) = 0;
  virtual Instant turn(Instant now) = 0;
  virtual bool ready() const = 0;

 private:
  void handle_joined() { joined(connection_.link()); }

  void handle_event(const link::Event& event_) { event(loop_.now(), event_); }

  void handle_turn();
  void handle_failed(const client::Error& error);
  void handle_tick();
  void note_stats(Instant now);

  client::ClientLink::Config config_;
  CellTimes times_;
  MemberNotes notes_;
  bool before_taken_ = false, after_taken_ = false;
  bool looked_ = false;  // whether everybody is there when it begins
  Instant tick_due_ = kNever;
  net::Loop loop_;
  client::Connection connection_;
  net::FineTimer tick_;
};

class SocketPusher : public SocketMember {
 public:
  SocketPusher(const CellOptions& options, client::ClientLink::Config config,
               const CellTimes& times);

  struct Sent {
    Instant due, at;
    FeedFrame frame;
  };

  const std::vector<Sent>& sent() const { return sent_; }

  std::vector<std::byte> first_commands() const { return side_.first_commands(); }

 private:
  void joined(link::Link* link) override { side_.attach(link); }

  void event(Instant, const link::Event& event) override { side_.handle_event(event); }

  Instant turn(Instant now) override;

  bool ready() const override { return side_.ready(); }

  void handle_sent(Instant due, const FeedFrame& frame) { sent_.push_back({due, now_, frame}); }

  FeedPusher side_;
  Instant now_{};
  std::vector<Sent> sent_;
};

class SocketSubscriber : public SocketMember {
 public:
  SocketSubscriber(const CellOptions& options, client::ClientLink::Config config,
                   const CellTimes& times);

  /// One thing that happened; which, tells the optional that is set.
  struct Note {
    Instant at;
    TrackKind kind{};
    std::optional<wire::MediaHeader> part;
    std::optional<std::uint32_t> played_ms;
    std::optional<Duration> play_out;
  };

  const std::vector<Note>& happened() const { return happened_; }

  Duration play_out_delay() const { return side_.play_out_delay(); }

 private:
  void joined(link::Link* link) override { side_.attach(link); }

  void event(Instant now, const link::Event& event) override { side_.handle_event(now, event); }

  Instant turn(Instant now) override { return side_.turn(now); }

  bool ready() const override { return side_.ready(); }

  void handle_part(Instant now, TrackKind kind, const wire::MediaHeader& part);
  void handle_played(Instant now, TrackKind kind, std::uint32_t timestamp_ms);
  void handle_play_out(Instant now, Duration delay);

  std::vector<Note> happened_;
  Duration told_play_out_{-1};
  WatchedSubscriber side_;
};

}  // namespace sluice::bench
