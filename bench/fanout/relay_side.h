// RelaySide: the members of a fan-out at a real relay: one pusher and its sinks, all of them
// authenticated links of this process, in one room. Every packet that arrives is entered into the
// ledger; the runs in which the pusher's packets left are the schedule that a floor is fed by.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/fanout/fanout.h"
#include "bench/fanout/lean_link.h"
#include "bench/fanout/window_ledger.h"
#include "client/pusher.h"
#include "net/fine_timer.h"
#include "net/loop.h"

namespace sluice::bench {

/// Packets that left the pusher together, and when, since the window began.
struct ScheduledRun {
  Duration at{};
  unsigned packets = 0;
};

class RelaySide {
 public:
  RelaySide(net::Loop& loop, WindowLedger& ledger, const FanoutOptions& options,
            std::string control_path);
  ~RelaySide();

  /// Joins the subscribers, some at a time. Blocks.
  Status<Failure> join_sinks();

  /// Joins the pusher and announces its stream. Blocks.
  Status<Failure> join_pusher();

  /// Everything sent from here on belongs to a new window.
  void begin_window(Instant now);

  /// Sends a frame of packets_per_frame() packets.
  void push_frame(Instant now);

  /// Does what is due on any link.
  void due(Instant now);

  Instant next_pusher_deadline() const { return pusher_link_->next_deadline(); }

  void due_pusher(Instant now) { pusher_link_->due(now); }

  const std::vector<ScheduledRun>& schedule() const { return schedule_; }

 private:
  class Sink;

  Result<client::ClientLink::Config, Failure> config_for(const std::string& user,
                                                         crypto::Rights rights);
  template <class Ready>
  bool run_until(Ready ready);

  void handle_pusher_event(const link::Event& event, Instant) { pusher_.handle_event(event); }

  void handle_pusher_run(const link::Transmit& run);
  Failure why_not_joined(const LeanLink& member) const;

  net::Loop& loop_;
  WindowLedger& ledger_;
  const FanoutOptions& options_;
  std::string control_path_;
  std::vector<std::byte> arena_memory_;
  link::SendArena arena_;
  net::FineTimer tick_;
  std::vector<std::unique_ptr<Sink>> sinks_;
  client::Pusher pusher_;
  std::unique_ptr<LeanLink> pusher_link_;
  std::vector<std::byte> body_;
  std::uint64_t frames_ = 0;
  std::size_t window_first_ = 0;  // part number at which the window began
  Instant began_, window_began_{};
  std::uint32_t last_ms_ = 0;
  std::vector<ScheduledRun> schedule_;
};

}  // namespace sluice::bench
