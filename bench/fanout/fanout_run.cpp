#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <thread>
#include <utility>

#include <sys/resource.h>

#include "bench/fanout/fanout.h"
#include "bench/fanout/floor_process.h"
#include "bench/fanout/floor_sinks.h"
#include "bench/fanout/process_cost.h"
#include "bench/fanout/relay_counters.h"
#include "bench/fanout/relay_side.h"
#include "bench/link/relay_process.h"
#include "proto/crypto/aead.h"
#include "proto/crypto/secret.h"

namespace sluice::bench {
namespace {

constexpr unsigned kSubscribersMax = 10'000;
constexpr unsigned kPacedPackets = 7;
constexpr double kPacedFramesPerSecond = 30;

/// Messages a second that a small machine forwards and reads with ease, busy with other things too.
constexpr double kMessagesPerSecond = 5'000;

/// Descriptors besides two for each subscriber.
constexpr rlim_t kOtherDescriptors = 64;

constexpr Duration kTick = std::chrono::milliseconds{1};
constexpr Duration kPause = std::chrono::milliseconds{30};
constexpr Duration kDrainMax = std::chrono::seconds{3};

/// The processor of what is measured, and the one of what feeds and reads it.
constexpr int kForwarding = 0, kFeeding = 1;

/// On the wire from the relay, and to it; the floor's packets are as long.
constexpr std::size_t kSealedBytes = kDataHeaderFromRelayBytes + kTagBytes + kPartPlaintextBytesMax;
constexpr std::size_t kPushedBytes = kDataHeaderToRelayBytes + kTagBytes + kPartPlaintextBytesMax;
constexpr std::size_t kFloorPacketBytes = kSealedBytes - kFloorHeaderBytes - kFloorTagBytes;

Address address_of(const sockaddr_in& from) {
  return Address::v4(127, 0, 0, 1, ntohs(from.sin_port));
}

class FanoutRun {
 public:
  explicit FanoutRun(const FanoutOptions& options)
      : options_(options),
        pinned_(options.workers == 1 && std::thread::hardware_concurrency() > 1) {}

  Result<FanoutReport, Failure> run() {
    report_.options = options_;
    report_.offered_copies_per_s = offered_rate(options_);
    report_.floor_cipher = cipher_name(best_cipher());
    if (auto started = start_processes(); !started) return Unexpected{started.error()};
    crypto::init_crypto();
    Stage stage{*this};
    if (auto done = stage.run(); !done) return Unexpected{done.error()};
    report_.load_average = load_average();
    return std::move(report_);
  }

 private:
  /// What lives on the loop; the processes are older than it and outlive it.
  class Stage {
   public:
    explicit Stage(FanoutRun& run)
        : run_(run),
          ledger_(run.options_.subscribers),
          side_(loop_, ledger_, run.options_, run.relay_->control_path()),
          sinks_(loop_, ledger_),
          feeder_(loop_, {}),
          tick_(loop_, {}),
          feed_(kRunPacketsMax * kFloorPacketBytes, std::byte{0x5A}) {}

    Status<Failure> run() {
      if (auto opened = open(); !opened) return opened;
      say("warming up");
      if (auto warm = cycle(false); !warm) return warm;
      for (unsigned i = 0; i < run_.options_.windows; ++i) {
        if (auto done = cycle(true); !done) return done;
        tell(i);
      }
      const auto resident = resident_bytes_of(run_.relay_->pid());
      if (resident && resident_empty_) {
        run_.report_.link_bytes_active = (*resident - *resident_empty_) / links();
      }
      return Done{};
    }

   private:
    double links() const { return static_cast<double>(run_.options_.subscribers); }

    Status<Failure> open() {
      if (auto opened = tick_.open(); !opened) return opened;
      if (auto opened = sinks_.open(run_.options_.subscribers, kSealedBytes); !opened)
        return opened;
      if (auto opened = feeder_.open(Address::v4(127, 0, 0, 1, 0), {}); !opened) return opened;
      const auto addresses = sinks_.addresses();
      for (FloorProcess* floor : {run_.floor_.get(), run_.floor_openssl_.get()}) {
        if (auto served = floor->serve(addresses); !served) return served;
      }
      say("joining");
      resident_empty_ = resident_bytes_of(run_.relay_->pid());
      if (auto joined = side_.join_sinks(); !joined) return joined;
      idle(kPause);
      const auto resident = resident_bytes_of(run_.relay_->pid());
      if (resident && resident_empty_) {
        run_.report_.link_bytes_idle = (*resident - *resident_empty_) / links();
      }
      return side_.join_pusher();
    }

    /// A window of each forwarder, one after the other.
    Status<Failure> cycle(bool counted) {
      FanoutReport& report = run_.report_;
      idle(kPause);
      const auto before = fetch_metrics(run_.relay_->http_address());
      if (!before) return Unexpected{before.error()};
      idle(kPause);
      const FanoutWindow relay = relay_window();
      idle(kPause);
      const auto after = fetch_metrics(run_.relay_->http_address());
      if (!after) return Unexpected{after.error()};
      note_aead(*before);
      const RelayCounts counts = counts_between(*before, *after);
      const FeedbackTraffic feedback = feedback_of(counts, relay.copies);
      const FanoutWindow floor = floor_window(*run_.floor_, feedback);
      const FanoutWindow openssl = floor_window(*run_.floor_openssl_, feedback);
      if (!counted) return Done{};
      report.relay.push_back(relay);
      report.counts.push_back(counts);
      report.floor.push_back(floor);
      report.floor_openssl.push_back(openssl);
      return Done{};
    }

    void note_aead(const std::string& page) {
      run_.report_.aead = metric_label(page, "sluice_relay_build_info", "aead_backend");
    }

    FanoutWindow relay_window() {
      const double frames_per_s =
          run_.report_.offered_copies_per_s / links() / packets_per_frame(run_.options_);
      const auto frames = static_cast<std::uint64_t>(
          std::max(1.0, std::round(frames_per_s * run_.options_.window_s)));
      const auto due = [&](std::uint64_t frame) {
        return Duration{static_cast<std::int64_t>(static_cast<double>(frame) * 1e6 / frames_per_s)};
      };
      const Instant began = loop_.refresh_now();
      const auto cpu = cpu_ns_of(run_.relay_->pid());
      side_.begin_window(began);
      std::uint64_t pushed = 0;
      run_window(
          [&](Instant now) {
            while (pushed < frames && began + due(pushed) <= now) {
              side_.push_frame(now);
              ++pushed;
            }
            side_.due_pusher(now);
            const Instant next = pushed < frames ? began + due(pushed) : kNever;
            return std::min(next, side_.next_pusher_deadline());
          },
          [&] { return pushed == frames; });
      return window_since(run_.relay_->pid(), cpu);
    }

    FanoutWindow floor_window(const FloorProcess& floor, const FeedbackTraffic& feedback) {
      idle(kPause);
      const Address to = address_of(floor.address());
      ledger_.begin();
      sinks_.begin(to, feedback);
      const auto& schedule = side_.schedule();
      const Instant began = loop_.refresh_now();
      const auto cpu = cpu_ns_of(floor.pid());
      std::size_t next = 0;
      run_window(
          [&](Instant now) {
            for (; next < schedule.size() && began + schedule[next].at <= now; ++next) {
              const Bytes run = Bytes{feed_}.first(schedule[next].packets * kFloorPacketBytes);
              ledger_.sent(now, schedule[next].packets);
              feeder_.send({to, run, static_cast<std::uint16_t>(kFloorPacketBytes)});
              feeder_.flush();
            }
            return next < schedule.size() ? began + schedule[next].at : kNever;
          },
          [&] { return next == schedule.size(); });
      return window_since(floor.pid(), cpu);
    }

    /// Lets `turn` feed until `fed`, and then everything arrive. turn says when it wants to be
    /// called next at the latest.
    template <class Turn, class Fed>
    void run_window(Turn turn, Fed fed) {
      Instant until = kNever, links_due = loop_.refresh_now();
      for (;;) {
        const Instant now = loop_.refresh_now();
        const Instant wanted = turn(now);
        if (fed() && until == kNever) until = now + kDrainMax;
        if (fed() && (ledger_.complete() || now >= until)) return;
        if (now >= links_due) {
          side_.due(now);
          links_due = now + kTick;
        }
        tick_.arm(std::min(wanted, links_due));
        loop_.run_once();
      }
    }

    FanoutWindow window_since(pid_t pid, std::optional<double> cpu_before) const {
      FanoutWindow window;
      const auto cpu = cpu_ns_of(pid);
      if (cpu && cpu_before) window.cpu_ns = *cpu - *cpu_before;
      window.copies = ledger_.copies();
      window.copies_expected = ledger_.copies_expected();
      const auto latencies = ledger_.latencies_us();
      window.latency_us_p50 = quantile_of(latencies, 0.50);
      window.latency_us_p99 = quantile_of(latencies, 0.99);
      return window;
    }

    static RelayCounts counts_between(const std::string& before, const std::string& after) {
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

    /// What came in besides the pusher's packets.
    FeedbackTraffic feedback_of(const RelayCounts& counts, std::uint64_t copies) const {
      const double media = static_cast<double>(ledger_.copies_expected()) / links();
      const double feedbacks = std::max(counts.packets_in - media, 1.0);
      FeedbackTraffic traffic;
      traffic.copies_per_feedback = std::max(static_cast<double>(copies) / feedbacks, 1.0);
      const double bytes =
          (counts.bytes_in - media * static_cast<double>(kPushedBytes)) / feedbacks;
      traffic.bytes = static_cast<std::size_t>(std::clamp(bytes, 30.0, 1000.0));
      return traffic;
    }

    void idle(Duration time) {
      const Instant end = loop_.refresh_now() + time;
      for (Instant now = loop_.now(); now < end; now = loop_.refresh_now()) {
        side_.due(now);
        tick_.arm(std::min(now + kTick, end));
        loop_.run_once();
      }
    }

    static void say(const char* what) { std::fprintf(stderr, "fanout: %s\n", what); }

    void tell(unsigned window) const {
      const FanoutReport& report = run_.report_;
      const double relay = report.relay.back().ns_per_copy();
      const double floor = report.floor.back().ns_per_copy();
      std::fprintf(stderr, "fanout: window %u of %u: relay %.0f ns, floor %.0f ns, ratio %.2f\n",
                   window + 1, run_.options_.windows, relay, floor, relay / floor);
    }

    FanoutRun& run_;
    net::Loop loop_;
    WindowLedger ledger_;
    RelaySide side_;
    FloorSinks sinks_;
    net::UdpSocket feeder_;
    net::FineTimer tick_;
    std::vector<std::byte> feed_;
    std::optional<double> resident_empty_;
  };

  static CipherKind best_cipher() {
    return crypto::aead_backend() == cipher_name(CipherKind::kIpsecMb) ? CipherKind::kIpsecMb
                                                                       : CipherKind::kOpenSsl;
  }

  Status<Failure> start_processes() {
    const int processor = pinned_ ? kForwarding : -1;
    const ForwarderSetup setup{best_cipher(), kFloorPacketBytes, kRunPacketsMax};
    ForwarderSetup openssl = setup;
    openssl.cipher = CipherKind::kOpenSsl;
    auto floor = FloorProcess::start(setup, processor);
    if (!floor) return Unexpected{floor.error()};
    auto second = FloorProcess::start(openssl, processor);
    if (!second) return Unexpected{second.error()};
    run_on_processor(processor);
    auto relay =
        RelayProcess::start({.program = options_.relay, .workers = options_.workers, .http = true});
    run_on_processor(pinned_ ? kFeeding : -1);
    if (!relay) return Unexpected{relay.error()};
    floor_ = std::move(*floor);
    floor_openssl_ = std::move(*second);
    relay_ = std::move(*relay);
    return Done{};
  }

  FanoutOptions options_;
  bool pinned_;
  FanoutReport report_;
  std::unique_ptr<FloorProcess> floor_, floor_openssl_;
  std::unique_ptr<RelayProcess> relay_;
};

/// Raises what this process may open as far as it may.
rlim_t descriptors_allowed() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(setrlimit(RLIMIT_NOFILE, &limit));
  return limit.rlim_cur;
}

}  // namespace

unsigned packets_per_frame(const FanoutOptions& options) {
  return options.ingress == Ingress::kPaced ? kPacedPackets : options.burst;
}

double offered_rate(const FanoutOptions& options) {
  if (options.ingress == Ingress::kPaced) {
    return kPacedPackets * kPacedFramesPerSecond * options.subscribers;
  }
  return options.copies_per_s > 0 ? options.copies_per_s : kMessagesPerSecond * options.burst;
}

Status<Failure> check_fanout(const FanoutOptions& options) {
  if (options.subscribers == 0 || options.subscribers > kSubscribersMax) {
    return Unexpected{Failure{"--subscribers: 1 to 10000"}};
  }
  if (options.burst == 0 || options.burst > kRunPacketsMax) {
    return Unexpected{Failure{"--burst: 1 to 16, what a relay sends as one run"}};
  }
  if (options.windows == 0) return Unexpected{Failure{"--windows: at least 1"}};
  const rlim_t wanted = 2 * rlim_t{options.subscribers} + kOtherDescriptors;
  if (const rlim_t allowed = descriptors_allowed(); allowed < wanted) {
    return Unexpected{Failure{"--subscribers: " + std::to_string(wanted) +
                              " descriptors are needed and " + std::to_string(allowed) +
                              " allowed (ulimit -n)"}};
  }
  return Done{};
}

Result<FanoutReport, Failure> run_fanout(const FanoutOptions& options) {
  if (auto checked = check_fanout(options); !checked) return Unexpected{checked.error()};
  return FanoutRun{options}.run();
}

}  // namespace sluice::bench
