#include "bench/link/sim_cell.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/link/sim_member.h"
#include "sim/net.h"
#include "sim/relay/relay_node.h"
#include "sim/xoshiro.h"

namespace sluice::bench {
namespace {

using net::Callback;
using std::chrono::milliseconds;
using std::chrono::seconds;

const Address kRelay = Address::v4(10, 0, 0, 1, 443);
const Address kPusher = Address::v4(10, 0, 1, 2, 5000);

/// Everybody has joined by then, also when a third of the packets is lost.
constexpr Instant kBegan{seconds{10}};

/// A window of counting begins and ends this much before a frame: between two frames.
constexpr Duration kBeforeFrame = milliseconds{5};

/// After the last frame, beyond its play-out: what is late may still come.
constexpr Duration kAfterwards = seconds{1};

constexpr Duration kQueueSample = milliseconds{5};

Duration length_of(const CellOptions& options) {
  return milliseconds{static_cast<std::int64_t>(options.seconds * 1000)};
}

/// One direction of a leg, and the link that sends into it.
struct Watched {
  Address from, to;
  LegFigures* figures = nullptr;
  std::uint64_t wire_before = 0, back_before = 0;
  link::LinkStats before;
};

class SimCell {
 public:
  explicit SimCell(const CellOptions& options)
      : options_(options),
        random_(options.seed * 7919),
        pusher_(options, kBegan,
                Callback<Instant, const FeedFrame&>::to<&SimCell::handle_sent>(this)),
        relay_(relay_config(options)),
        net_(options.seed) {
    report_.options = options;
    report_.subscribers.resize(options.subscribers());
    net_.add(kRelay, relay_);
  }

  Result<CellReport, Failure> run(Callback<Duration> on_progress) {
    open();
    net_.run_until(kBegan - milliseconds{100});
    if (!pusher_.side().ready()) return Unexpected{Failure{"the pusher could not join in 10 s"}};
    for (const auto& subscriber : subscribers_) {
      if (!subscriber->side().ready())
        return Unexpected{Failure{"a subscriber could not join in 10 s"}};
    }
    watch();
    const Duration length = length_of(options_);
    for (Duration at{0}; at < length; at += seconds{1}) {
      net_.run_until(kBegan + std::min<Duration>(at + seconds{1}, length));
      on_progress(std::min<Duration>(at + seconds{1}, length));
    }
    net_.run_for(options_.budget.value_or(seconds{2}) + kAfterwards);
    return finished();
  }

 private:
  static sim::RelayNodeConfig relay_config(const CellOptions& options) {
    sim::RelayNodeConfig config;
    config.seed = options.seed;
    return config;
  }

  client::ClientLink::Config config_for(const std::string& user,
                                        std::vector<std::byte> first_commands) {
    auto issued = relay_.issue("cell", user, net_.now());
    client::ClientLink::Config config;
    config.credentials = {relay_.key().public_key, issued.ticket, std::move(issued.psk)};
    config.relay = kRelay;
    config.first_commands = std::move(first_commands);
    config.random = random_.source();
    return config;
  }

  void open() {
    for (std::size_t i = 0; i < options_.subscribers(); ++i) {
      subscribers_.push_back(std::make_unique<SimSubscriber>(options_, kBegan + kNotCounted));
      SimSubscriber& subscriber = *subscribers_.back();
      const Address address = Address::v4(10, 0, 2, static_cast<std::uint8_t>(i + 2), 5000);
      addresses_.push_back(address);
      subscriber.open(
          config_for("subscriber-" + std::to_string(i), subscriber.side().first_commands()),
          net_.now());
      net_.add(address, subscriber);
      connect(address, Leg::kDown, i);
    }
    pusher_.open(config_for("pusher", pusher_.side().first_commands()), net_.now());
    net_.add(kPusher, pusher_);
    connect(kPusher, Leg::kUp, 0);
  }

  void connect(const Address& member, Leg leg, std::size_t subscriber) {
    const LegPaths paths = paths_of(options_, leg, kBegan, subscriber);
    net_.connect(member, kRelay, paths.to_relay, paths.from_relay);
  }

  /// Each leg is counted from when the first frame that counts reaches it to when the last has.
  void watch() {
    watched_.push_back({kPusher, kRelay, &report_.uplink, 0, 0, {}});
    for (std::size_t i = 0; i < addresses_.size(); ++i) {
      watched_.push_back({kRelay, addresses_[i], &report_.subscribers[i].leg, 0, 0, {}});
    }
    const Duration to_relay = paths_of(options_, Leg::kUp, kBegan).to_relay.latency;
    for (std::size_t i = 0; i < watched_.size(); ++i) {
      const Instant base = kBegan - kBeforeFrame + (i == 0 ? Duration{0} : to_relay);
      const Instant end = base + length_of(options_);
      net_.at(base + kNotCounted, [this, i](Instant) { begin_counting(watched_[i], i); });
      net_.at(end, [this, i](Instant) { end_counting(watched_[i], i); });
      sample_queue(base + kNotCounted, end, i);
      sample_estimate(kBegan + seconds{1}, end, i);
    }
  }

  link::LinkStats stats_of(std::size_t leg) {
    if (leg == 0) return pusher_.link()->stats();
    const auto connection = subscribers_[leg - 1]->link()->connection_id();
    return relay_.link_stats(connection).value_or(link::LinkStats{});
  }

  void begin_counting(Watched& watched, std::size_t leg) {
    watched.wire_before = net_.counters(watched.from, watched.to).bytes_offered;
    watched.back_before = net_.counters(watched.to, watched.from).bytes_offered;
    watched.before = stats_of(leg);
  }

  void end_counting(Watched& watched, std::size_t leg) {
    LegFigures& figures = *watched.figures;
    figures.wire_bytes =
        net_.counters(watched.from, watched.to).bytes_offered - watched.wire_before;
    figures.back_bytes =
        net_.counters(watched.to, watched.from).bytes_offered - watched.back_before;
    split_by_sender(figures, watched.before, stats_of(leg));
  }

  void sample_queue(Instant at, Instant end, std::size_t leg) {
    if (at >= end) return;
    net_.at(at, [this, end, leg](Instant now) {
      const Watched& watched = watched_[leg];
      const Duration waits = net_.queue_delay(watched.from, watched.to);
      watched.figures->queue_us.add(to_us(waits));
      watched.figures->queue_us_sum += static_cast<double>(to_us(waits));
      sample_queue(now + kQueueSample, end, leg);
    });
  }

  void sample_estimate(Instant at, Instant end, std::size_t leg) {
    if (at >= end) return;
    net_.at(at, [this, end, leg](Instant now) {
      const link::LinkStats stats = stats_of(leg);
      watched_[leg].figures->estimate_bps.push_back(stats.estimate_bps);
      watched_[leg].figures->target_bps.push_back(stats.target_bps);
      sample_estimate(now + seconds{1}, end, leg);
    });
  }

  void handle_sent(Instant at, const FeedFrame& frame) {
    for (const auto& subscriber : subscribers_)
      subscriber->ledgers().of(frame.kind).on_sent(at, frame);
  }

  CellReport finished() {
    for (std::size_t i = 0; i < subscribers_.size(); ++i) {
      SimSubscriber& subscriber = *subscribers_[i];
      SubscriberFigures& figures = report_.subscribers[i];
      subscriber.ledgers().finish();
      figures.loss =
          options_.subscribers_loss.empty() ? options_.loss : options_.subscribers_loss[i];
      figures.video = subscriber.ledgers().of(TrackKind::kVideo).figures();
      figures.audio = subscriber.ledgers().of(TrackKind::kAudio).figures();
      figures.play_out_ms = to_us(subscriber.side().play_out_delay()) / 1000;
      figures.parts_revived = subscriber.link()->stats().parts_revived;
      figures.leg.media_bytes = figures.video.media_bytes + figures.audio.media_bytes;
    }
    report_.uplink.media_bytes = report_.subscribers.front().leg.media_bytes;
    return std::move(report_);
  }

  const CellOptions& options_;
  CellReport report_;
  sim::Xoshiro random_;
  // The net runs nodes until it dies, so it dies first.
  SimPusher pusher_;
  std::vector<std::unique_ptr<SimSubscriber>> subscribers_;
  std::vector<Address> addresses_;
  std::vector<Watched> watched_;
  sim::RelayNode relay_;
  sim::SimNet net_;
};

}  // namespace

Result<CellReport, Failure> run_sim_cell(const CellOptions& options,
                                         Callback<Duration> on_progress) {
  return std::make_unique<SimCell>(options)->run(on_progress);
}

}  // namespace sluice::bench
