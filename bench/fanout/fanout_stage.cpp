#include "bench/fanout/fanout_stage.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "bench/fanout/relay_counters.h"
#include "bench/process/process_cost.h"
#include "proto/base/limits.h"

namespace sluice::bench {
namespace {

constexpr Duration kTick = std::chrono::milliseconds{1};
constexpr Duration kPause = std::chrono::milliseconds{30};
constexpr Duration kDrainMax = std::chrono::seconds{3};

/// The search for the highest rate: windows of this length, up to a millionth of a core's dreams.
constexpr double kSearchWindowS = 0.5, kSearchRateMax = 3e6;
constexpr int kSearchHalvings = 4;
constexpr Duration kRecovery = std::chrono::seconds{1};

/// A pusher's packet beside a sink's copy of it, on the wire.
constexpr std::size_t kPushedMore = kDataHeaderToRelayBytes - kDataHeaderFromRelayBytes;

Address address_of(const sockaddr_in& from) {
  return Address::v4(127, 0, 0, 1, ntohs(from.sin_port));
}

void say(const char* what) { std::fprintf(stderr, "fanout: %s\n", what); }

RelayCounts counts_between(const std::string& before, const std::string& after) {
  const auto grown = [&](const char* name, const char* label) {
    const std::string whole = std::string{"sluice_relay_"} + name;
    return metric_sum(after, whole, label) - metric_sum(before, whole, label);
  };
  RelayCounts counts;
  counts.packets_out = grown("packets_total", "direction=\"out\",kind=\"data\"");
  counts.packets_in = grown("packets_total", "direction=\"in\",kind=\"data\"");
  counts.bytes_in = grown("bytes_total", "direction=\"in\",kind=\"data\"");
  counts.messages_out = grown("socket_messages_total", "");
  counts.calls = grown("socket_calls_total", "") + grown("thread_turns_total", "worker");
  counts.repeated = grown("parts_total", "retransmitted");
  counts.lost = grown("packets_lost_total", "");
  counts.frames_dropped = grown("frames_total", "dropped");
  counts.receive_drops = grown("socket_receive_drops_total", "");
  return counts;
}

RelaySideSetup side_setup(const FanoutOptions& options, const RelayProcess& process) {
  return {process.control_path(), options.loss, options.ingress != Ingress::kBurst};
}

}  // namespace

std::size_t floor_packet_bytes(const Traffic& traffic, std::size_t flow) {
  return traffic.sealed_bytes(flow) - kFloorTagBytes;
}

FanoutStage::FanoutStage(FanoutProcesses& processes, FanoutReport& report)
    : processes_(processes),
      report_(report),
      traffic_(traffic_of(report.options)),
      ledger_(traffic_.flows(), traffic_.sinks_per_flow()),
      side_(loop_, ledger_, traffic_, side_setup(report.options, *processes.relay)),
      sinks_(loop_, ledger_),
      feeder_(loop_, {}),
      tick_(loop_, {}),
      feed_(kRunPacketsMax * kDatagramBytesMax, std::byte{0x5A}) {
  if (!processes.one_worker) return;
  one_worker_side_ = std::make_unique<RelaySide>(loop_, ledger_, traffic_,
                                                 side_setup(report.options, *processes.one_worker));
}

Status<Failure> FanoutStage::run() {
  if (auto opened = open(); !opened) return opened;
  say("warming up");
  if (auto warm = cycle(false); !warm) return warm;
  if (report_.options.half_rate) {
    if (auto found = find_rate(); !found) return found;
  }
  report_.offered_copies_per_s = traffic_.copies_per_s();
  for (unsigned i = 0; i < report_.options.windows; ++i) {
    if (auto done = cycle(true); !done) return done;
    tell(i);
  }
  const auto resident = resident_bytes_of(processes_.relay->pid());
  if (resident && resident_empty_) {
    report_.link_bytes_active = (*resident - *resident_empty_) / links();
  }
  return Done{};
}

Status<Failure> FanoutStage::open() {
  if (auto opened = tick_.open(); !opened) return opened;
  if (auto opened = sinks_.open(traffic_.sinks()); !opened) return opened;
  if (auto opened = feeder_.open(Address::v4(127, 0, 0, 1, 0), {}); !opened) return opened;
  const auto addresses = sinks_.addresses();
  for (FloorProcess* floor : {processes_.floor.get(), processes_.floor_openssl.get()}) {
    if (auto served = floor->serve(addresses); !served) return served;
  }
  say("joining");
  resident_empty_ = resident_bytes_of(processes_.relay->pid());
  if (auto joined = side_.join_sinks(); !joined) return joined;
  if (one_worker_side_) {
    if (auto joined = one_worker_side_->join_sinks(); !joined) return joined;
  }
  idle(kPause);
  const auto resident = resident_bytes_of(processes_.relay->pid());
  if (resident && resident_empty_) {
    report_.link_bytes_idle = (*resident - *resident_empty_) / links();
  }
  if (auto joined = side_.join_pushers(); !joined) return joined;
  return one_worker_side_ ? one_worker_side_->join_pushers() : Status<Failure>{Done{}};
}

/// Doubles what is offered until copies are missing, and halves the rest of the way.
Status<Failure> FanoutStage::find_rate() {
  double good = traffic_.copies_per_s(), bad = 0;
  const auto all_arrive = [&](double rate) {
    traffic_.set_copies_per_s(rate);
    const FanoutWindow window = relay_window(side_, *processes_.relay, kSearchWindowS);
    const bool all = window.copies == window.copies_expected;
    std::fprintf(stderr, "fanout: %.0f copies/s: %s\n", rate, all ? "all arrive" : "too much");
    idle(kRecovery);
    return all;
  };
  if (!all_arrive(good)) return Unexpected{Failure{"copies are missing at the lowest rate"}};
  for (double rate = 2 * good; bad == 0 && rate <= kSearchRateMax; rate *= 2) {
    (all_arrive(rate) ? good : bad) = rate;
  }
  for (int i = 0; i < kSearchHalvings && bad > 0; ++i) {
    const double rate = (good + bad) / 2;
    (all_arrive(rate) ? good : bad) = rate;
  }
  report_.highest_copies_per_s = good;
  traffic_.set_copies_per_s(good / 2);
  return Done{};
}

Result<FanoutWindow, Failure> FanoutStage::counted_relay_window(RelayCounts& counts) {
  idle(kPause);
  const auto before = fetch_metrics(processes_.relay->http_address());
  if (!before) return Unexpected{before.error()};
  idle(kPause);
  FanoutWindow window = relay_window(side_, *processes_.relay, report_.options.window_s);
  idle(kPause);
  const auto after = fetch_metrics(processes_.relay->http_address());
  if (!after) return Unexpected{after.error()};
  report_.aead = metric_label(*before, "sluice_relay_build_info", "aead_backend");
  counts = counts_between(*before, *after);
  return window;
}

/// A window of each forwarder, one after the other.
Status<Failure> FanoutStage::cycle(bool counted) {
  RelayCounts counts;
  auto relay = counted_relay_window(counts);
  if (!relay) return Unexpected{relay.error()};
  const FeedbackTraffic feedback = feedback_of(counts, relay->copies);
  FanoutWindow one;
  if (one_worker_side_) {
    idle(kPause);
    one = relay_window(*one_worker_side_, *processes_.one_worker, report_.options.window_s);
  }
  FanoutWindow floor = floor_window(*processes_.floor, feedback);
  FanoutWindow openssl = floor_window(*processes_.floor_openssl, feedback);
  if (!counted) return Done{};
  report_.relay.push_back(std::move(*relay));
  report_.counts.push_back(counts);
  report_.floor.push_back(std::move(floor));
  report_.floor_openssl.push_back(std::move(openssl));
  if (one_worker_side_) report_.one_worker.push_back(std::move(one));
  return Done{};
}

FanoutWindow FanoutStage::relay_window(RelaySide& side, const RelayProcess& process,
                                       double seconds) {
  const auto pushes = traffic_.window(seconds);
  const Instant began = loop_.refresh_now();
  const auto cpu = cpu_ns_of(process.pid());
  const auto allocations = process.allocations();
  side.begin_window(began);
  std::size_t next = 0;
  run_window(
      [&](Instant now) {
        for (; next < pushes.size() && began + pushes[next].at <= now; ++next) {
          side.push(pushes[next].flow, now);
        }
        side.due_pushers(now);
        const Instant push_at = next < pushes.size() ? began + pushes[next].at : kNever;
        return std::min(push_at, side.next_pusher_deadline());
      },
      [&] { return next == pushes.size(); });
  FanoutWindow window = window_since(process.pid(), cpu);
  if (const auto now = process.allocations(); now && allocations) {
    window.allocations = static_cast<double>(*now - *allocations);
  }
  window.copies_by_worker = side.copies_by_worker();
  return window;
}

FanoutWindow FanoutStage::floor_window(const FloorProcess& floor, const FeedbackTraffic& feedback) {
  idle(kPause);
  const Address to = address_of(floor.address());
  ledger_.begin();
  sinks_.begin(to, feedback);
  const RelaySide& fed = one_worker_side_ ? *one_worker_side_ : side_;
  const auto& schedule = fed.schedule();
  const Instant began = loop_.refresh_now();
  const auto cpu = cpu_ns_of(floor.pid());
  std::vector<std::uint32_t> numbers(traffic_.flows());
  std::size_t next = 0;
  run_window(
      [&](Instant now) {
        for (; next < schedule.size() && began + schedule[next].at <= now; ++next) {
          const ScheduledRun& run = schedule[next];
          ledger_.sent(run.flow, now, run.packets);
          feed_floor(to, run, numbers[run.flow]);
          numbers[run.flow] += run.packets;
        }
        return next < schedule.size() ? began + schedule[next].at : kNever;
      },
      [&] { return next == schedule.size(); });
  return window_since(floor.pid(), cpu);
}

void FanoutStage::feed_floor(const Address& to, const ScheduledRun& run, std::uint32_t first) {
  const std::size_t bytes = floor_packet_bytes(traffic_, run.flow);
  for (std::uint32_t i = 0; i < run.packets; ++i) {
    FloorTag{static_cast<std::uint32_t>(run.flow), first + i}.write(feed_.data() + i * bytes);
  }
  const Bytes packets = Bytes{feed_}.first(run.packets * bytes);
  feeder_.send(
      {to, packets, run.packets == 1 ? std::uint16_t{0} : static_cast<std::uint16_t>(bytes)});
  feeder_.flush();
}

/// Lets `turn` feed until `fed`, and then everything arrive. turn says when it wants to be called
/// next at the latest.
template <class Turn, class Fed>
void FanoutStage::run_window(Turn turn, Fed fed) {
  Instant until = kNever, links_due = loop_.refresh_now();
  for (;;) {
    const Instant now = loop_.refresh_now();
    const Instant wanted = turn(now);
    if (fed() && until == kNever) until = now + kDrainMax;
    if (fed() && (ledger_.complete() || now >= until)) return;
    if (now >= links_due) {
      due(now);
      links_due = now + kTick;
    }
    tick_.arm(std::min(wanted, links_due));
    loop_.run_once();
  }
}

FanoutWindow FanoutStage::window_since(pid_t pid, std::optional<double> cpu_before) const {
  FanoutWindow window;
  const auto cpu = cpu_ns_of(pid);
  if (cpu && cpu_before) window.cpu_ns = *cpu - *cpu_before;
  window.copies = ledger_.copies();
  window.copies_expected = ledger_.copies_expected();
  const auto latencies = ledger_.latencies_us();
  window.latency_us_p50 = quantile_of(latencies, 0.50);
  window.latency_us_p99 = quantile_of(latencies, 0.99);
  window.skew_us_p50 = quantile_of(ledger_.skews_us(), 0.50);
  for (int i = 1; i <= kCdfPoints; ++i) {
    window.latency_us_cdf.push_back(quantile_of(latencies, i / static_cast<double>(kCdfPoints)));
  }
  return window;
}

/// What came in besides the pushers' packets.
FeedbackTraffic FanoutStage::feedback_of(const RelayCounts& counts, std::uint64_t copies) const {
  double media = 0, media_bytes = 0;
  for (const ScheduledRun& run : side_.schedule()) {
    media += run.packets;
    media_bytes += run.packets * static_cast<double>(traffic_.sealed_bytes(run.flow) + kPushedMore);
  }
  const double feedbacks = std::max(counts.packets_in - media, 1.0);
  FeedbackTraffic traffic;
  traffic.copies_per_feedback = std::max(static_cast<double>(copies) / feedbacks, 1.0);
  traffic.bytes = static_cast<std::size_t>(
      std::clamp((counts.bytes_in - media_bytes) / feedbacks, 30.0, 1000.0));
  return traffic;
}

void FanoutStage::due(Instant now) {
  side_.due(now);
  if (one_worker_side_) one_worker_side_->due(now);
}

void FanoutStage::idle(Duration time) {
  const Instant end = loop_.refresh_now() + time;
  for (Instant now = loop_.now(); now < end; now = loop_.refresh_now()) {
    due(now);
    tick_.arm(std::min(now + kTick, end));
    loop_.run_once();
  }
}

void FanoutStage::tell(unsigned window) const {
  const double relay = report_.relay.back().ns_per_copy();
  const double floor = report_.floor.back().ns_per_copy();
  std::fprintf(stderr, "fanout: window %u of %u: relay %.0f ns, floor %.0f ns, ratio %.2f\n",
               window + 1, report_.options.windows, relay, floor, relay / floor);
}

}  // namespace sluice::bench
