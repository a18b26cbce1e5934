// World: a dumbbell in virtual time. Media flows and TCPs share one bottleneck in each direction
// (Impairment: rate, drop-tail queue, loss); each flow has its own way there, with delay and
// jitter. It runs the flows and keeps what the acceptance limits ask: what arrived and what was the
// target in each tenth of a second, and how long each packet of it waited in the bottleneck's
// queue.
#pragma once

#include <cstdint>
#include <memory>
#include <queue>
#include <utility>
#include <vector>

#include "proto/base/time.h"
#include "sim/impairment.h"
#include "tests/sim/congestion/media_flow.h"
#include "tests/sim/congestion/tcp_flow.h"

namespace sluice::sim {

struct PathConfig {
  std::vector<RateStep> forward, back;  // empty: no bottleneck
  Duration queue = std::chrono::milliseconds{300};
  double loss = 0;  // both ways
};

struct Way {
  Duration delay = std::chrono::milliseconds{50};  // one way
  Duration jitter{0};
  std::vector<std::pair<Instant, Duration>> delays{};  // changes of it
  bool forward = true;                                 // media goes in the bottleneck's direction
};

class World {
 public:
  static constexpr Duration kTick = std::chrono::milliseconds{100};

  World(const PathConfig& path, std::uint64_t seed);

  std::size_t add_media(const MediaConfig& config, const Way& way);
  std::size_t add_tcp(Instant starts, std::uint64_t segments, const Way& way);

  void run_until(Instant end);

  // Of a flow, over [from, to) in seconds.
  double rate(std::size_t flow, double from, double to) const;   // of UDP payload that arrived
  double media(std::size_t flow, double from, double to) const;  // of bodies, each once
  double target(std::size_t flow, double from, double to) const;
  double least_target(std::size_t flow, double from, double to) const;

  struct QueueStats {
    double mean_ms = 0, p95_ms = 0, max_ms = 0;
  };

  /// Waits of media packets that entered in one of the spans (seconds).
  QueueStats queue(std::size_t flow, const std::vector<std::pair<double, double>>& spans) const;

  link::LinkStats sent(std::size_t flow) const { return flows_[flow].media->sent(); }

  /// Prints a line a second to standard output, for looking at a run.
  void print(std::size_t flow) const;

 private:
  struct Flow {
    std::unique_ptr<MediaFlow> media;
    std::unique_ptr<TcpFlow> tcp;
    Way way;
    std::unique_ptr<Impairment> there, here;       // own ways of data and of feedback
    std::vector<double> bytes, targets;            // by tick
    std::vector<std::uint64_t> media_bytes;        // bodies that arrived by then
    std::vector<std::pair<double, double>> waits;  // (second, ms)
  };

  struct Event {
    Instant at{};
    std::uint64_t id = 0;
    std::size_t flow = 0;
    enum class Kind : std::uint8_t { kData, kAnswer } kind = Kind::kData;
    std::size_t size = 0;
    std::vector<std::byte> bytes{};  // of a link
    std::uint64_t number = 0;        // of a TCP: segment, or what it acknowledges
  };

  struct Later {
    bool operator()(const Event& a, const Event& b) const {
      return std::pair{a.at, a.id} > std::pair{b.at, b.id};
    }
  };

  Flow& add(const Way& way);
  void step(Instant end);
  void set_rates();
  void set_delays(Flow& flow);
  void happen(const Event& event);
  void poll(std::size_t index);
  void poll_tcp(std::size_t index);
  void send(std::size_t bytes, Event event);
  void note(std::size_t index);

  PathConfig path_;
  Impairment forward_, back_;
  std::uint64_t seed_;
  std::vector<Flow> flows_;
  std::priority_queue<Event, std::vector<Event>, Later> heap_;
  std::uint64_t next_id_ = 0;
  Instant now_{};
  Instant next_tick_{};
  std::vector<std::byte> blank_;
};

}  // namespace sluice::sim
