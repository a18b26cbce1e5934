#include "tests/sim/congestion/media_flow.h"

#include <algorithm>

namespace sluice::sim {

namespace {

constexpr Duration kFrame{33'333};
constexpr Duration kEncoderDelay = std::chrono::milliseconds{100};
constexpr double kFramesPerSecond = 30;
constexpr TrackId kTrack{0};

link::LinkSetup setup_of(link::Role role, Xoshiro& random) {
  crypto::init_crypto();
  return link::test_setup(role, random.source());
}

}  // namespace

MediaFlow::MediaFlow(const MediaConfig& config, std::uint64_t seed)
    : config_(config),
      random_(seed),
      sender_(setup_of(link::Role::kRelay, random_), config.starts),
      receiver_(setup_of(link::Role::kClient, random_), config.starts),
      memory_(kRunPacketsMax * kDatagramBytesMax),
      next_frame_(config.starts),
      rate_(config.rate_max) {
  sender_.open_egress_track(kTrack, &source_.ring, link::Priority::kBase);
  sender_.set_useful(static_cast<std::uint64_t>(config.rate_max));
  receiver_.open_ingress_track(kTrack, &arrived_);
}

bool MediaFlow::active(Instant now) const {
  if (!sender_.established()) return false;
  return std::none_of(config_.pauses.begin(), config_.pauses.end(),
                      [now](const Outage& o) { return o.begin <= now && now < o.end; });
}

Instant MediaFlow::next_deadline() const {
  const Instant due = std::min({next_frame_, sender_.next_deadline(), receiver_.next_deadline()});
  return std::max(due, config_.starts);
}

void MediaFlow::handle_timeout(Instant now) {
  if (now < config_.starts) return;
  sender_.handle_timeout(now);
  receiver_.handle_timeout(now);
  drain(now);
  while (next_frame_ <= now) {
    if (active(now)) make_frame(now);
    next_frame_ += kFrame;
  }
}

void MediaFlow::handle_datagram(Instant now, End at, Bytes datagram) {
  inbox_.assign(datagram.begin(), datagram.end());
  const Address& from = at == End::kSender ? link::kClientAddress : link::kRelayAddress;
  static_cast<void>(link(at).handle_datagram(now, inbox_, from, 0));
  drain(now);
}

std::optional<link::Datagram> MediaFlow::poll_datagram(Instant now, End from) {
  if (now < config_.starts) return std::nullopt;
  std::deque<link::Datagram>& out = out_[static_cast<std::size_t>(from)];
  if (out.empty()) {
    link::SendArena arena{memory_};
    const auto transmit = link(from).poll_transmit(now, arena, kRunPacketsMax);
    if (!transmit) return std::nullopt;
    std::vector<link::Datagram> run;
    link::cut(*transmit, run);
    out.assign(run.begin(), run.end());
  }
  link::Datagram datagram = std::move(out.front());
  out.pop_front();
  return datagram;
}

double MediaFlow::followed_target(Instant now) {
  if (!config_.follows) return config_.rate_max;
  targets_.emplace_back(now, static_cast<double>(sender_.stats().media_target_bps));
  if (targets_.size() == 1) rate_ = targets_.front().second;
  while (!targets_.empty() && targets_.front().first + kEncoderDelay <= now) {
    rate_ = targets_.front().second;
    targets_.pop_front();
  }
  return std::clamp(rate_, config_.rate_min, config_.rate_max);
}

void MediaFlow::make_frame(Instant now) {
  const double size = followed_target(now) / kFramesPerSecond / 8 * (0.8 + 0.4 * random_.unit());
  const auto ms = static_cast<std::uint32_t>(to_us(now) / 1'000);
  const auto made = source_.add(static_cast<std::size_t>(size), ms, false);
  static_cast<void>(sender_.queue_media(kTrack, made.first, made.count, now + kBudget));
  frames_.push_back({made.first + made.count, now + kBudget * 2});
}

void MediaFlow::drain(Instant now) {
  while (sender_.poll_event()) {
  }
  while (const std::optional<link::Event> event = receiver_.poll_event()) {
    const auto* media = std::get_if<link::MediaArrived>(&*event);
    if (media == nullptr) continue;
    if (arrived_.insert(media->seq, media->part, oldest_open_) == PacketRing::Insert::kStored) {
      media_bytes_arrived_ += media->part.size() - kMediaHeaderBytes;
    }
  }
  report(now);
}

/// What play-out would say: open is what has not come and can still be shown.
void MediaFlow::report(Instant now) {
  for (; !frames_.empty() && frames_.front().deadline < now; frames_.pop_front()) {
    if (frames_.front().behind.newer_than(oldest_open_)) oldest_open_ = frames_.front().behind;
  }
  while (oldest_open_.distance_from(source_.fragmenter.next_seq()) < 0 &&
         !arrived_.find(oldest_open_).empty()) {
    ++oldest_open_;
  }
  constexpr auto kDelayMs = static_cast<std::uint16_t>(kBudget / std::chrono::milliseconds{1});
  receiver_.set_report(kTrack, oldest_open_, kDelayMs, kDelayMs);
}

}  // namespace sluice::sim
