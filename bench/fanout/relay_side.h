// RelaySide: the members of a fan-out at a real relay, all of them authenticated links of this
// process: one pusher and its sinks in one room, or the members of calls, who are both. Every
// packet that arrives is entered into the ledger; when the packets left is the schedule that a
// floor is fed by.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/fanout/lean_link.h"
#include "bench/fanout/traffic.h"
#include "bench/fanout/window_ledger.h"
#include "client/client_link.h"
#include "net/fine_timer.h"
#include "net/loop.h"
#include "proto/crypto/ticket.h"

namespace sluice::bench {

/// Packets of a flow that left together, and when, since the window began.
struct ScheduledRun {
  Duration at{};
  std::size_t flow = 0;
  unsigned packets = 0;
};

struct RelaySideSetup {
  std::string control_path;
  double loss = 0;    ///< share of what comes to the sinks that they lose
  bool paced = true;  ///< false: the pushers' packets leave at once
};

class RelaySide {
 public:
  RelaySide(net::Loop& loop, WindowLedger& ledger, const Traffic& traffic, RelaySideSetup setup);
  ~RelaySide();

  /// Joins who takes media, some at a time. Blocks.
  Status<Failure> join_sinks();

  /// Joins who pushes alone, and waits until all streams are there. Blocks.
  Status<Failure> join_pushers();

  /// Everything sent from here on belongs to a new window.
  void begin_window(Instant now);

  /// Sends a frame of a flow.
  void push(std::size_t flow, Instant now);

  /// Does what is due on any link.
  void due(Instant now);

  /// The same for those that push, and when that is.
  void due_pushers(Instant now);
  Instant next_pusher_deadline() const;

  const std::vector<ScheduledRun>& schedule() const { return schedule_; }

  /// Copies of this window that came from each worker.
  const std::vector<std::uint64_t>& copies_by_worker() const { return copies_by_worker_; }

  /// What the next member of the room needs to join it, besides its first commands. Blocks for the
  /// relay's answer.
  Result<client::ClientLink::Config, Failure> config_for(const std::string& room,
                                                         const std::string& user,
                                                         crypto::Rights rights);

  /// A datagram that the first sink sent, as it left; empty as long as there was none.
  const std::vector<std::byte>& datagram_of_sink() const { return datagram_of_sink_; }

 private:
  class Member;

  struct Flow {
    std::size_t next_part = 0, window_first = 0;
    std::uint64_t frames = 0;
    std::uint32_t last_ms = 0;
    std::vector<std::byte> body;
  };

  template <class Ready>
  bool run_until(Ready ready);

  Status<Failure> join(std::unique_ptr<Member> member, std::size_t number, crypto::Rights rights);
  void note_run(std::size_t flow, const link::Transmit& run);
  Failure why_not_joined() const;

  net::Loop& loop_;
  WindowLedger& ledger_;
  const Traffic& traffic_;
  RelaySideSetup setup_;
  std::vector<std::byte> arena_memory_;
  link::SendArena arena_;
  net::FineTimer tick_;
  std::vector<std::unique_ptr<Member>> members_;  // sinks, then who pushes alone
  std::vector<Member*> pushers_;                  // by flow / flows_per_pusher()
  std::vector<Flow> flows_;
  Instant began_, window_began_{};
  std::vector<ScheduledRun> schedule_;
  std::vector<std::uint64_t> copies_by_worker_;
  std::vector<std::byte> datagram_of_sink_;
};

}  // namespace sluice::bench
