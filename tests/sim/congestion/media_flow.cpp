#include "tests/sim/congestion/media_flow.h"

#include <algorithm>

namespace sluice::sim {

namespace {

constexpr Duration kFrame{33'333};
constexpr Duration kEncoderDelay = std::chrono::milliseconds{100};
constexpr std::uint32_t kPacketBytes = 1200;
constexpr double kFramesPerSecond = 30;

}  // namespace

MediaFlow::MediaFlow(const MediaConfig& config, std::uint64_t seed)
    : config_(config),
      random_(seed),
      controller_(config.congestion, config.starts),
      pacer_(config.congestion.start_bits_per_s),
      next_frame_(config.starts),
      rate_(static_cast<double>(config.congestion.start_bits_per_s)) {}

bool MediaFlow::active(Instant now) const {
  if (now < config_.starts || now >= config_.ends) return false;
  return std::none_of(config_.pauses.begin(), config_.pauses.end(),
                      [now](const Outage& o) { return o.begin <= now && now < o.end; });
}

Instant MediaFlow::next_deadline() const {
  const Instant send = queue_.empty() && !(on_ && controller_.probe()) ? kNever : pacer_.free_at();
  return std::min({next_frame_, send, controller_.next_deadline()});
}

void MediaFlow::handle_timeout(Instant now) {
  if (controller_.next_deadline() <= now) controller_.handle_timeout(now);
  while (next_frame_ <= now) {
    on_ = active(now);
    if (on_) make_frame(now);
    next_frame_ += kFrame;
  }
}

double MediaFlow::followed_target(Instant now) {
  targets_.emplace_back(now, static_cast<double>(controller_.target_bits_per_s()));
  while (!targets_.empty() && targets_.front().first + kEncoderDelay <= now) {
    rate_ = targets_.front().second;
    targets_.pop_front();
  }
  return std::clamp(rate_, config_.rate_min, config_.rate_max);
}

void MediaFlow::make_frame(Instant now) {
  const double size = followed_target(now) / kFramesPerSecond / 8 * (0.8 + 0.4 * random_.unit());
  const auto bytes = static_cast<std::uint32_t>(size);
  const std::uint32_t parts = (bytes + kPacketBytes - 1) / kPacketBytes;
  for (std::uint32_t i = 0; i < parts; ++i) queue_.push_back((bytes + parts - 1) / parts);
}

// As the link: a run of the pacer's quantum leaves at once, the next one when its time has passed.
std::optional<MediaPacket> MediaFlow::poll_packet(Instant now) {
  if (run_at_ != now || run_left_ == 0) {
    if (!pacer_.may_send(now)) return std::nullopt;
    const double media = std::clamp(rate_, config_.rate_min, config_.rate_max);
    pacer_.set_capacity(controller_.pacing_bits_per_s(static_cast<std::uint64_t>(media)));
    run_at_ = now;
    run_left_ = pacer_.quantum();
  }
  const std::optional<congestion::ProbeWish> wish = controller_.probe();
  std::uint32_t bytes = 0;
  if (!queue_.empty()) {
    bytes = queue_.front();
    queue_.pop_front();
  } else if (wish && on_) {
    bytes = kPacketBytes;
    probe_bytes_ += bytes;
  } else {
    return std::nullopt;
  }
  --run_left_;
  const congestion::ProbeId probe = wish ? wish->id : congestion::kNoProbe;
  const MediaPacket packet{next_number_++, bytes};
  sent_.emplace_back(packet.number, now);
  feed_.on_sent(now, {packet.number}, bytes, true, probe);
  controller_.on_sent(now, {packet.number}, bytes, probe);
  pacer_.on_sent(now, bytes);
  return packet;
}

void MediaFlow::handle_packet(Instant now, const MediaPacket& packet) {
  received_.record(now, {packet.number}, {.asks_feedback = true});
}

std::optional<wire::Feedback> MediaFlow::poll_feedback(Instant now) {
  if (received_.due() > now) return std::nullopt;
  wire::Feedback feedback;
  const Duration horizon = rtt_.srtt() * 3 / 2 + std::chrono::milliseconds{100};
  if (!received_.fill(now, horizon, feedback)) return std::nullopt;
  received_.on_feedback_sent(now);
  return feedback;
}

void MediaFlow::handle_feedback(Instant now, const wire::Feedback& feedback) {
  const std::uint64_t highest = feedback.highest().value;
  while (!sent_.empty() && sent_.front().first < highest) sent_.pop_front();
  if (!sent_.empty() && sent_.front().first == highest) {
    rtt_.sample(now, now - sent_.front().second - feedback.age);
    sent_.pop_front();
  }
  const auto results = feed_.settle(now, feedback);
  controller_.on_feedback(now, results,
                          {rtt_.srtt(), rtt_.min_rtt(), feed_.ce_packets(), rtt_.latest()});
}

}  // namespace sluice::sim
