#include "proto/congestion/controller.h"

#include <algorithm>

namespace sluice::congestion {

namespace {

using std::chrono::milliseconds;

/// Windows of the delivery rate: half a second is 15 frames; 150 ms are used where a fall is sure.
constexpr Duration kLong = milliseconds{500};
constexpr Duration kShort = milliseconds{150};

/// Loss tells of the path alone below this queue, and so long after a fall.
constexpr Duration kNoQueue = milliseconds{10};
constexpr Duration kAfterFall = std::chrono::seconds{2};

/// Of so many times their jitter the least of seven delays is seldom.
constexpr std::int64_t kJitterTimes = 2;

/// A full packet; and a capacity below this was not measured well.
constexpr double kPacketBits = 9'600, kLeastCapacity = 100'000;

/// Against loss of our own: less than this of what was sent arrives.
constexpr double kArrives = 0.9;

/// The pacer's share of the capacity, and how far it may run ahead of media and target.
constexpr double kOfCapacity = 0.9, kAheadOfMedia = 10, kAheadOfTarget = 1.1;

/// A longer round trip is a lie, or no path for media.
constexpr Duration kRttMax = std::chrono::seconds{2};

/// Arrival times outside are lies; inside no sum of them overflows.
constexpr std::int64_t kTimeUsMax = std::int64_t{1} << 56;

Config consistent(Config config) {
  config.min_bits_per_s = std::max<std::uint64_t>(config.min_bits_per_s, 1'000);
  config.max_bits_per_s = std::max(config.max_bits_per_s, config.min_bits_per_s);
  config.start_bits_per_s =
      std::clamp(config.start_bits_per_s, config.min_bits_per_s, config.max_bits_per_s);
  return config;
}

std::uint64_t whole(double bits_per_s) {
  return static_cast<std::uint64_t>(std::clamp(bits_per_s, 0.0, 1e15));
}

}  // namespace

Controller::Controller(const Config& config, Instant now)
    : config_(consistent(config)),
      control_(static_cast<double>(config_.start_bits_per_s),
               static_cast<double>(config_.min_bits_per_s),
               static_cast<double>(config_.max_bits_per_s)),
      probing_(now) {}

void Controller::on_sent(Instant now, PacketNumber, std::uint32_t bytes, ProbeId probe) {
  if (probe != kNoProbe) probing_.on_sent(now, bytes, probe);
}

void Controller::on_feedback(Instant now, std::span<const PacketResult> results,
                             const FeedbackFigures& figures) {
  figures_ = figures;
  figures_.srtt = std::clamp(figures.srtt, Duration{0}, kRttMax);
  ce_packets_ += figures.ce_packets;
  lost_since_fall_ = false;
  for (const PacketResult& result : results) settle(now, result);
  if (figures.latest_rtt > Duration{0}) {
    queue_.add_round_trip(now, std::min(figures.latest_rtt, kRttMax));
  }
  measure_queue();
  heard_ = heard_ || !results.empty();
  losses_.update(now, queue_delay() < kNoQueue && now - control_.fell_at() > kAfterFall);
  const double capacity = std::max(trains_.bits_per_s(), trains_.recent_bits_per_s());
  const double delivered = rates_.delivered_bits_per_s(kLong);
  competition_.update(now, queue_.beyond_minute(), delivered, capacity);
  const PathState path = path_state(now, delivered);
  const Instant filled_at = control_.filled_at();
  if (control_.update(path)) {
    queue_.rebase();
    measure_queue();
  }
  if (control_.filled_at() != filled_at) trains_.begin_anew(now);
  answer_loss(path);
  recovering_ = now - control_.filled_at() < kAfterFall;
  probe_on(now);
}

void Controller::handle_timeout(Instant now) {
  if (control_.draining() && now >= control_.drain_deadline()) {
    control_.update(path_state(now, rates_.delivered_bits_per_s(kLong)));
  }
  probe_on(now);
}

Instant Controller::next_deadline() const {
  const Instant probing = heard_ ? probing_.next_deadline() : kNever;
  return std::min(control_.drain_deadline(), probing);
}

std::uint64_t Controller::target_bits_per_s() const { return whole(control_.target()); }

std::uint64_t Controller::capacity_bits_per_s() const {
  const double measured = trains_.bits_per_s();
  return measured > 0 ? whole(measured) : config_.initial_capacity_bits_per_s;
}

std::uint64_t Controller::pacing_bits_per_s(std::uint64_t media_bits_per_s,
                                            std::uint64_t needed_bits_per_s) const {
  const double target = control_.target();
  if (control_.draining_ours()) return whole(target);
  auto capacity = static_cast<double>(recent_capacity_bits_per_s());
  if (capacity <= 0 && !recovering_) capacity = static_cast<double>(capacity_bits_per_s());
  const double ceiling =
      std::min(kOfCapacity * capacity, kAheadOfMedia * static_cast<double>(media_bits_per_s));
  if (ceiling <= 0) return whole(kAheadOfTarget * target);
  const double mean = std::min(target, static_cast<double>(needed_bits_per_s));
  return whole(std::max(ceiling, kAheadOfTarget * mean));
}

std::optional<ProbeWish> Controller::probe() const { return probing_.wish(); }

void Controller::want_more(std::uint64_t bits_per_s) {
  probing_.want_more(static_cast<double>(bits_per_s));
}

void Controller::set_useful(std::uint64_t bits_per_s) { config_.useful_bits_per_s = bits_per_s; }

bool Controller::draining() const { return control_.draining(); }

bool Controller::draining_ours() const { return control_.draining_ours(); }

std::uint64_t Controller::recent_capacity_bits_per_s() const {
  // The largest of 30 s outlives a fall of the path.
  const double anew = recovering_ ? trains_.anew_bits_per_s() : 0;
  if (anew > 0) return whole(anew);
  const double recent = trains_.recent_bits_per_s();
  const double largest = trains_.bits_per_s();
  return whole(recent > 0 ? std::min(recent, largest) : largest);
}

Instant Controller::fell_at() const { return control_.fell_at(); }

double Controller::loss_floor() const { return losses_.floor(); }

double Controller::loss() const { return losses_.loss(); }

std::uint64_t Controller::delivered_bits_per_s() const {
  return whole(rates_.delivered_bits_per_s(kLong));
}

std::uint64_t Controller::delivered_now_bits_per_s() const {
  return whole(rates_.delivered_bits_per_s(kShort));
}

std::uint64_t Controller::ce_packets() const { return ce_packets_; }

bool Controller::competing() const { return competition_.active(); }

/// What the bottleneck takes for a full packet; zero while that is not known.
Duration Controller::packet_time() const {
  const double carries = trains_.recent_bits_per_s();
  return Duration{carries > kLeastCapacity ? static_cast<std::int64_t>(kPacketBits * 1e6 / carries)
                                           : 0};
}

void Controller::measure_queue() {
  queue_delay_ = queue_.now();
  const Duration jitter = queue_.jitter(packet_time());
  trains_.set_noise(jitter);
  queue_delay_ = std::max<Duration>(queue_delay_ - jitter * kJitterTimes, Duration{0});
}

void Controller::settle(Instant now, const PacketResult& result) {
  rates_.on_sent(result.sent_at, result.bytes);
  losses_.add(now, result.sent_at, result.lost);
  if (result.lost && result.sent_at > control_.fell_at()) lost_since_fall_ = true;
  const bool timed = result.arrival && *result.arrival <= Duration{kTimeUsMax} &&
                     *result.arrival >= Duration{-kTimeUsMax};
  if (result.probe != kNoProbe) probing_.add(result, timed);
  if (result.lost || !timed) return;
  const Duration arrival = *result.arrival;
  trend_.add(result.sent_at, arrival);
  queue_.add(result.sent_at, arrival);
  rates_.on_arrival(arrival, result.bytes);
  trains_.add(result.number, result.sent_at, arrival, result.bytes);
}

PathState Controller::path_state(Instant now, double delivered) const {
  PathState path;
  path.now = now;
  path.queue = queue_delay();
  path.srtt = figures_.srtt;
  const bool counts = trend_.sure() || (trend_.likely() && queue_delay() > Duration{0});
  path.growing = counts && trend_.signal() == DelayTrend::Signal::kGrowing;
  path.slope = counts ? trend_.slope() : 0;
  path.delivered = delivered;
  path.delivered_now = rates_.delivered_bits_per_s(kShort);
  path.sent = rates_.sent_bits_per_s(kLong);
  path.floor = losses_.floor();
  path.capacity = trains_.recent_bits_per_s();
  path.ceiling = 2 * static_cast<double>(config_.useful_bits_per_s);
  path.losing = losses_.excess();
  path.competing = competition_.active();
  path.loss_to_answer = lost_since_fall_ && (losses_.floor() < 0.01 || path.losing);
  return path;
}

// Loss counts when it is more than the floor and less arrives than is sent, or a queue stands; the
// trial then shows whether it was ours.
void Controller::answer_loss(const PathState& path) {
  switch (losses_.verdict(path.now)) {
    case LossFloor::Verdict::kFloor:
      control_.take_back();
      break;
    case LossFloor::Verdict::kOurs:
    case LossFloor::Verdict::kNone:
      break;
  }
  if (path.competing || control_.draining() || !path.losing) return;
  const double expected = path.sent * (1 - path.floor);
  if (path.queue < kNoQueue * 2 && path.delivered > kArrives * expected) return;
  if (!losses_.may_try(path.now)) return;
  losses_.begin_trial(path.now);
  control_.fall_by_loss(path);
}

bool Controller::calm(Instant now) const {
  return heard_ && queue_delay() < milliseconds{20} && !control_.draining() &&
         !competition_.active() && now - control_.fell_at() > milliseconds{500};
}

void Controller::probe_on(Instant now) {
  const ProbeConditions conditions{.now = now,
                                   .estimate = control_.estimate(),
                                   .useful = static_cast<double>(config_.useful_bits_per_s),
                                   .capacity = trains_.recent_bits_per_s(),
                                   .floor = losses_.floor(),
                                   .srtt = figures_.srtt,
                                   .fell_at = control_.fell_at(),
                                   .calm = calm(now)};
  if (const std::optional<double> rate = probing_.update(conditions)) control_.proved(*rate);
}

}  // namespace sluice::congestion
