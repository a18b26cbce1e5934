#include "tests/sim/congestion/world.h"

#include <algorithm>
#include <cstdio>

namespace sluice::sim {

namespace {

using End = MediaFlow::End;

constexpr std::size_t kAckBytes = 40;

double in_seconds(Instant at) { return static_cast<double>(to_us(at)) / 1e6; }

std::uint64_t rate_at(const std::vector<RateStep>& steps, Instant now) {
  std::uint64_t rate = 0;
  for (const RateStep& s : steps) {
    if (s.from <= now) rate = s.bits_per_s;
  }
  return rate;
}

ImpairmentConfig bottleneck(const PathConfig& path, const std::vector<RateStep>& steps) {
  ImpairmentConfig config;
  config.rate_bits_per_s = rate_at(steps, Instant{});
  config.queue = path.queue;
  config.loss = path.loss;
  return config;
}

}  // namespace

World::World(const PathConfig& path, std::uint64_t seed)
    : path_(path),
      forward_(bottleneck(path, path.forward), seed),
      back_(bottleneck(path, path.back), seed + 100),
      seed_(seed),
      blank_(2048) {}

std::size_t World::add_media(const MediaConfig& config, const Way& way) {
  Flow& flow = add(way);
  flow.media = std::make_unique<MediaFlow>(config, seed_ + 1000 * flows_.size());
  return flows_.size() - 1;
}

World::Flow& World::add(const Way& way) {
  const std::uint64_t seed = seed_ + 1000 * (flows_.size() + 1);
  Flow flow;
  flow.way = way;
  ImpairmentConfig own;
  own.latency = way.delay;
  own.jitter = way.jitter;
  flow.there = std::make_unique<Impairment>(own, seed + 1);
  flow.here = std::make_unique<Impairment>(own, seed + 100);
  flows_.push_back(std::move(flow));
  return flows_.back();
}

std::size_t World::add_tcp(Instant starts, std::uint64_t segments, const Way& way) {
  Flow& flow = add(way);
  flow.tcp = std::make_unique<TcpFlow>(starts, segments);
  return flows_.size() - 1;
}

void World::run_until(Instant end) {
  while (now_ < end) step(end);
}

void World::step(Instant end) {
  Instant next = std::min(end, next_tick_);
  if (!heap_.empty()) next = std::min(next, heap_.top().at);
  for (const Flow& flow : flows_) {
    next = std::min(next, flow.media ? flow.media->next_deadline() : flow.tcp->next_deadline());
  }
  now_ = std::max(now_, next);
  if (now_ >= next_tick_) {
    set_rates();
    for (std::size_t i = 0; i < flows_.size(); ++i) note(i);
    next_tick_ += kTick;
  }
  while (!heap_.empty() && heap_.top().at <= now_) {
    const Event event = heap_.top();
    heap_.pop();
    happen(event);
  }
  for (std::size_t i = 0; i < flows_.size(); ++i) poll(i);
}

void World::set_rates() {
  ImpairmentConfig forward = forward_.config();
  forward.rate_bits_per_s = rate_at(path_.forward, now_);
  forward_.set_config(forward);
  ImpairmentConfig back = back_.config();
  back.rate_bits_per_s = rate_at(path_.back, now_);
  back_.set_config(back);
  for (Flow& flow : flows_) set_delays(flow);
}

void World::set_delays(Flow& flow) {
  for (const auto& [at, delay] : flow.way.delays) {
    if (at > now_) continue;
    ImpairmentConfig own = flow.there->config();
    own.latency = delay;
    flow.there->set_config(own);
  }
}

void World::note(std::size_t index) {
  Flow& flow = flows_[index];
  flow.bytes.push_back(0);
  if (!flow.media) return;
  flow.targets.push_back(static_cast<double>(flow.media->sent().target_bps));
  flow.media_bytes.push_back(flow.media->media_bytes_arrived());
}

void World::happen(const Event& event) {
  Flow& flow = flows_[event.flow];
  const bool data = event.kind == Event::Kind::kData;
  if (data) flow.bytes.back() += static_cast<double>(event.size);
  if (flow.media) {
    flow.media->handle_datagram(now_, data ? End::kReceiver : End::kSender, event.bytes);
  } else if (data) {
    Event answer{.flow = event.flow, .kind = Event::Kind::kAnswer};
    answer.number = flow.tcp->handle_segment(event.number);
    send(kAckBytes, std::move(answer));
  } else {
    flow.tcp->handle_ack(now_, event.number);
  }
}

void World::poll(std::size_t index) {
  Flow& flow = flows_[index];
  if (flow.tcp) return poll_tcp(index);
  flow.media->handle_timeout(now_);
  for (const End from : {End::kSender, End::kReceiver}) {
    while (std::optional<link::Datagram> datagram = flow.media->poll_datagram(now_, from)) {
      Event event{.flow = index};
      event.kind = from == End::kSender ? Event::Kind::kData : Event::Kind::kAnswer;
      const std::size_t bytes = datagram->size();
      event.bytes = std::move(*datagram);
      send(bytes, std::move(event));
    }
  }
}

void World::poll_tcp(std::size_t index) {
  TcpFlow& tcp = *flows_[index].tcp;
  if (tcp.next_deadline() <= now_) tcp.handle_timeout(now_);
  while (const std::optional<std::uint64_t> number = tcp.poll_segment(now_)) {
    send(TcpFlow::kSegmentBytes, {.flow = index, .number = *number});
  }
}

// Through the shared bottleneck, then over the flow's own way. Neither changes bits: they are asked
// only when, with a datagram of that size.
void World::send(std::size_t bytes, Event event) {
  Flow& flow = flows_[event.flow];
  const bool data = event.kind == Event::Kind::kData;
  Impairment& shared = data == flow.way.forward ? forward_ : back_;
  const Bytes datagram{blank_.data(), bytes};
  event.size = bytes;
  for (const Delivery& behind : shared.offer(now_, datagram)) {
    if (data && flow.media && shared.config().rate_bits_per_s > 0) {
      const double own_ms =
          static_cast<double>(bytes) * 8e3 / static_cast<double>(shared.config().rate_bits_per_s);
      const double wait_ms = static_cast<double>(to_us(behind.at - now_)) / 1000 - own_ms;
      flow.waits.emplace_back(in_seconds(now_), std::max(wait_ms, 0.0));
    }
    Impairment& own = data ? *flow.there : *flow.here;
    for (const Delivery& delivery : own.offer(behind.at, datagram.first(1))) {
      event.at = delivery.at;
      event.id = next_id_++;
      heap_.push(event);
    }
  }
}

double World::media(std::size_t flow, double from, double to) const {
  const auto sum_at = [&](double second) {
    const auto tick = static_cast<std::size_t>(second * 10);
    return tick == 0 ? 0 : flows_[flow].media_bytes[tick - 1];
  };
  const std::uint64_t bytes = sum_at(to) - sum_at(from);
  return static_cast<double>(bytes) * 8 / (to - from);
}

double World::rate(std::size_t flow, double from, double to) const {
  double bytes = 0;
  for (std::size_t i = static_cast<std::size_t>(from * 10); i < static_cast<std::size_t>(to * 10);
       ++i) {
    bytes += flows_[flow].bytes[i];
  }
  return bytes * 8 / (to - from);
}

double World::target(std::size_t flow, double from, double to) const {
  double sum = 0;
  for (std::size_t i = static_cast<std::size_t>(from * 10); i < static_cast<std::size_t>(to * 10);
       ++i) {
    sum += flows_[flow].targets[i];
  }
  return sum / ((to - from) * 10);
}

double World::least_target(std::size_t flow, double from, double to) const {
  const auto& targets = flows_[flow].targets;
  return *std::min_element(targets.begin() + static_cast<std::ptrdiff_t>(from * 10),
                           targets.begin() + static_cast<std::ptrdiff_t>(to * 10));
}

World::QueueStats World::queue(std::size_t flow,
                               const std::vector<std::pair<double, double>>& spans) const {
  std::vector<double> waits;
  for (const auto& [second, ms] : flows_[flow].waits) {
    for (const auto& [from, to] : spans) {
      if (second >= from && second < to) waits.push_back(ms);
    }
  }
  QueueStats stats;
  if (waits.empty()) return stats;
  std::sort(waits.begin(), waits.end());
  for (const double w : waits) stats.mean_ms += w / static_cast<double>(waits.size());
  stats.p95_ms = waits[waits.size() * 95 / 100];
  stats.max_ms = waits.back();
  return stats;
}

void World::print(std::size_t flow) const {
  const Flow& f = flows_[flow];
  for (std::size_t s = 0; s + 10 <= f.bytes.size(); s += 10) {
    const double from = static_cast<double>(s) / 10;
    const QueueStats waits = queue(flow, {{from, from + 1}});
    std::printf("%4.0f s  rate %5.0f  media %5.0f  target %5.0f  queue %4.0f p95 %4.0f max %4.0f\n",
                from, rate(flow, from, from + 1) / 1000,
                f.media ? media(flow, from, from + 1) / 1000 : 0.0,
                f.media ? target(flow, from, from + 1) / 1000 : 0.0, waits.mean_ms, waits.p95_ms,
                waits.max_ms);
  }
}

}  // namespace sluice::sim
