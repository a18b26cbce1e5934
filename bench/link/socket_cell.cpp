#include "bench/link/socket_cell.h"

#include <unistd.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <sys/eventfd.h>

#include "bench/link/relay_process.h"
#include "bench/link/socket_member.h"
#include "client/credentials.h"
#include "net/address.h"
#include "net/loop.h"
#include "net/socket.h"
#include "proto/base/check.h"
#include "proto/crypto/secret.h"
#include "sim/proxy/impairing_proxy.h"

namespace sluice::bench {
namespace {

using sim::ImpairingProxy;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// For the members to join in, also over a bad path.
constexpr Duration kJoining = seconds{4};

/// A window of counting begins and ends this much before a frame: between two frames.
constexpr Duration kBeforeFrame = milliseconds{5};

constexpr Duration kAfterwards = seconds{1};

/// A proxy and the thread that runs it.
class ProxyThread {
 public:
  ProxyThread(const LegPaths& paths, const std::string& relay, std::uint64_t seed)
      : stop_(::eventfd(0, EFD_CLOEXEC)), proxy_(options(paths, relay, seed)) {
    proxy_.keep_traffic(kStall);
    thread_ = std::thread{[this] { proxy_.run(stop_.get()); }};
  }

  ~ProxyThread() { stop(); }

  ProxyThread(const ProxyThread&) = delete;
  ProxyThread& operator=(const ProxyThread&) = delete;

  std::string address() const { return proxy_.listening(); }

  void stop() {
    if (!thread_.joinable()) return;
    CHECK(::eventfd_write(stop_.get(), 1) == 0);
    thread_.join();
  }

  /// After stop().
  const ImpairingProxy& proxy() const { return proxy_; }

 private:
  static sim::ProxyOptions options(const LegPaths& paths, const std::string& relay,
                                   std::uint64_t seed) {
    sim::ProxyOptions options;
    options.to = relay;
    options.to_relay = paths.to_relay;
    options.from_relay = paths.from_relay;
    options.seed = seed;
    return options;
  }

  net::Fd stop_;
  ImpairingProxy proxy_;
  std::thread thread_;
};

class SocketCell {
 public:
  explicit SocketCell(const CellOptions& options) : options_(options) {}

  Result<CellReport, Failure> run(const std::string& relay_program) {
    auto relay = RelayProcess::start({.program = relay_program});
    if (!relay) return Unexpected{relay.error()};
    auto for_pusher = config_for((*relay)->control_path(), "pusher", crypto::kPushRights);
    if (!for_pusher) return Unexpected{for_pusher.error()};
    auto for_subscriber = config_for((*relay)->control_path(), "subscriber",
                                     crypto::Rights{}.with(crypto::Right::kSubscribe));
    if (!for_subscriber) return Unexpected{for_subscriber.error()};
    const std::string address = for_pusher->relay.to_string();
    ProxyThread up{paths_of(options_, Leg::kUp, Instant{kJoining}), address, 2 * options_.seed};
    ProxyThread down{paths_of(options_, Leg::kDown, Instant{kJoining}), address,
                     2 * options_.seed + 1};
    set_times(up.proxy().start());
    for_pusher->relay = net::resolve_first(up.address()).value();
    for_subscriber->relay = net::resolve_first(down.address()).value();
    SocketPusher pusher{options_, std::move(*for_pusher), times_};
    SocketSubscriber subscriber{options_, std::move(*for_subscriber), times_};
    {
      std::thread pushing{[&pusher] { pusher.run(); }};
      subscriber.run();
      pushing.join();
    }
    up.stop();
    down.stop();
    for (const auto* notes : {&pusher.notes(), &subscriber.notes()}) {
      if (notes->error) return Unexpected{Failure{notes->error->message}};
    }
    return judge(pusher, subscriber, up.proxy(), down.proxy());
  }

 private:
  Result<client::ClientLink::Config, Failure> config_for(const std::string& control,
                                                         const std::string& user,
                                                         crypto::Rights rights) {
    const auto issued = client::ask_for_ticket(
        loop_, control, {*RoomName::parse("cell"), *UserName::parse(user), rights, 60});
    if (!issued) return Unexpected{Failure{issued.error().message}};
    auto credentials = client::credentials_of(*issued);
    if (!credentials) return Unexpected{Failure{credentials.error().message}};
    const auto relay = client::relay_address(*credentials, "", 0, issued->address);
    if (!relay) return Unexpected{Failure{relay.error().message}};
    client::ClientLink::Config config;
    config.credentials = std::move(credentials->secrets);
    config.relay = *relay;
    config.random = crypto::system_random();
    return config;
  }

  void set_times(Instant start) {
    const Duration length = milliseconds{static_cast<std::int64_t>(options_.seconds * 1000)};
    times_.began = start + kJoining;
    times_.counted_from = times_.began + kNotCounted - kBeforeFrame;
    times_.counted_until = times_.began + length - kBeforeFrame;
    times_.over =
        times_.began + length + options_.budget.value_or(seconds{1}) + options_.rtt + kAfterwards;
  }

  /// Bytes and queueing of a leg, in the time in which the counted frames passed it. Returns the
  /// share of the media's direction that was not lost.
  double count(LegFigures& leg, const ImpairingProxy& proxy, ImpairingProxy::Direction media,
               Duration shift) const {
    std::uint64_t delivered = 0;
    for (const ImpairingProxy::Passed& passed : proxy.traffic()) {
      const Instant at = proxy.start() + passed.at.time_since_epoch();
      if (at < times_.counted_from + shift || at >= times_.counted_until + shift) continue;
      if (passed.direction != media) {
        leg.back_bytes += passed.bytes;
        continue;
      }
      leg.wire_bytes += passed.bytes;
      delivered += passed.lost ? 0 : passed.bytes;
      leg.queue_us.add(to_us(passed.queued));
      leg.queue_us_sum += static_cast<double>(to_us(passed.queued));
    }
    if (leg.wire_bytes == 0) return 1;
    return static_cast<double>(delivered) / static_cast<double>(leg.wire_bytes);
  }

  /// What happened on both sides, in the order of time.
  static LedgerFigures replay(CellLedger& ledger, TrackKind kind, const SocketPusher& pusher,
                              const SocketSubscriber& subscriber) {
    auto sent = pusher.sent().begin();
    const auto send_until = [&](Instant until) {
      for (; sent != pusher.sent().end() && sent->at <= until; ++sent) {
        if (sent->frame.kind == kind) ledger.on_sent(sent->at, sent->frame);
      }
    };
    for (const SocketSubscriber::Note& note : subscriber.happened()) {
      send_until(note.at);
      if (note.play_out) ledger.set_budget(*note.play_out);
      if (note.kind != kind) continue;
      if (note.part) ledger.on_part(note.at, *note.part);
      if (note.played_ms) ledger.on_played(*note.played_ms);
    }
    send_until(kNever);
    ledger.finish();
    return ledger.figures();
  }

  CellReport judge(const SocketPusher& pusher, const SocketSubscriber& subscriber,
                   const ImpairingProxy& up, const ImpairingProxy& down) {
    CellReport report;
    report.options = options_;
    report.simulated = false;
    report.subscribers.resize(1);
    SubscriberFigures& figures = report.subscribers.front();
    const Duration budget = options_.budget.value_or(client::kPlayOutMin);
    const Instant counted = times_.began + kNotCounted - kBeforeFrame;
    CellLedger video{budget, counted};
    CellLedger audio{budget, counted};
    video.keep_lives();
    figures.loss = options_.loss;
    figures.video = replay(video, TrackKind::kVideo, pusher, subscriber);
    figures.audio = replay(audio, TrackKind::kAudio, pusher, subscriber);
    figures.play_out_ms = to_us(subscriber.play_out_delay()) / 1000;
    figures.parts_revived = subscriber.notes().after.parts_revived;
    figures.leg.media_bytes = figures.video.media_bytes + figures.audio.media_bytes;
    report.uplink.media_bytes = figures.leg.media_bytes;
    count(report.uplink, up, ImpairingProxy::Direction::kToRelay, Duration{0});
    split_by_sender(report.uplink, pusher.notes().before, pusher.notes().after);
    report.uplink.estimate_bps = pusher.notes().estimate_bps;
    report.uplink.target_bps = pusher.notes().target_bps;
    const Duration shift = paths_of(options_, Leg::kUp, Instant{}).to_relay.latency;
    const double arrived = count(figures.leg, down, ImpairingProxy::Direction::kFromRelay, shift);
    split_by_receiver(figures.leg, subscriber.notes().before, subscriber.notes().after, arrived);
    report.harness_late_frames = late_frames(pusher, subscriber, up, down, video.lives());
    return report;
  }

  /// Frames that were pushed late, or in whose life a thread of the harness was.
  static std::uint64_t late_frames(const SocketPusher& pusher, const SocketSubscriber& subscriber,
                                   const ImpairingProxy& up, const ImpairingProxy& down,
                                   const std::vector<CellLedger::Life>& lives) {
    std::vector<std::pair<Instant, Instant>> stalls = subscriber.notes().stalls;
    for (const ImpairingProxy* proxy : {&up, &down}) {
      for (const ImpairingProxy::Stall& stall : proxy->stalls()) {
        const auto absolute = [&](Instant at) { return proxy->start() + at.time_since_epoch(); };
        stalls.emplace_back(absolute(stall.due), absolute(stall.at));
      }
    }
    for (const SocketPusher::Sent& sent : pusher.sent()) {
      if (sent.at - sent.due > kStall) stalls.emplace_back(sent.due, sent.at);
    }
    std::uint64_t late = 0;
    for (const CellLedger::Life& life : lives) {
      late += std::any_of(stalls.begin(), stalls.end(), [&](const auto& stall) {
        return stall.first <= life.ended && life.sent <= stall.second;
      });
    }
    return late;
  }

  const CellOptions& options_;
  CellTimes times_;
  net::Loop loop_;
};

}  // namespace

Result<CellReport, Failure> run_socket_cell(const CellOptions& options, const std::string& relay) {
  crypto::init_crypto();
  if (options.subscribers() > 1) return Unexpected{Failure{"several subscribers: only with --sim"}};
  try {
    return SocketCell{options}.run(relay);
  } catch (const std::exception& failure) {  // of the proxies' sockets
    return Unexpected{Failure{failure.what()}};
  }
}

}  // namespace sluice::bench
