// FanoutStage: what of a fan-out lives on this process's loop: the members of each relay, the
// floor's sinks, and the windows in which one after the other is fed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/fanout/fanout.h"
#include "bench/fanout/floor_process.h"
#include "bench/fanout/floor_sinks.h"
#include "bench/fanout/relay_side.h"
#include "bench/link/relay_process.h"
#include "net/fine_timer.h"
#include "net/loop.h"
#include "net/udp_socket.h"

namespace sluice::bench {

/// Older than the stage, and outliving it.
struct FanoutProcesses {
  std::unique_ptr<RelayProcess> relay;
  std::unique_ptr<RelayProcess> one_worker;  ///< beside a relay of several workers
  std::unique_ptr<FloorProcess> floor, floor_openssl;
};

/// What the floor gets: its header and tag are in the place of the relay's.
std::size_t floor_packet_bytes(const Traffic& traffic, std::size_t flow);

class FanoutStage {
 public:
  FanoutStage(FanoutProcesses& processes, FanoutReport& report);

  /// Everybody joins; then all windows, into the report.
  Status<Failure> run();

 private:
  double links() const { return static_cast<double>(traffic_.sinks()); }

  Status<Failure> open();
  Status<Failure> find_rate();
  Result<FanoutWindow, Failure> counted_relay_window(RelayCounts& counts);
  Status<Failure> cycle(bool counted);
  FanoutWindow relay_window(RelaySide& side, const RelayProcess& process, double seconds);
  FanoutWindow floor_window(const FloorProcess& floor, const FeedbackTraffic& feedback);
  void feed_floor(const Address& to, const ScheduledRun& run, std::uint32_t first);

  template <class Turn, class Fed>
  void run_window(Turn turn, Fed fed);

  FanoutWindow window_since(pid_t pid, std::optional<double> cpu_before) const;
  FeedbackTraffic feedback_of(const RelayCounts& counts, std::uint64_t copies) const;
  void due(Instant now);
  void idle(Duration time);
  void tell(unsigned window) const;

  FanoutProcesses& processes_;
  FanoutReport& report_;
  Traffic traffic_;
  net::Loop loop_;
  WindowLedger ledger_;
  RelaySide side_;
  std::unique_ptr<RelaySide> one_worker_side_;
  FloorSinks sinks_;
  net::UdpSocket feeder_;
  net::FineTimer tick_;
  std::vector<std::byte> feed_;
  std::optional<double> resident_empty_;
};

}  // namespace sluice::bench
