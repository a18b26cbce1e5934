#include "relay/room/member.h"

#include <algorithm>
#include <utility>

#include "relay/stream/stream.h"

namespace sluice::relay {

namespace {

constexpr double seconds(Duration d) { return static_cast<double>(d.count()) / 1e6; }

/// Bytes that a ticket's rate lets through at once: one second of it, and no less than two large
/// key frames' worth of parts, as a frame comes in a burst.
double rate_burst_bytes(std::uint32_t kbit) {
  return std::max(static_cast<double>(kbit) * 125.0, 512.0 * 1024.0);
}

}  // namespace

bool Member::Rule::wants(TrackKind kind) const {
  switch (kind) {
    case TrackKind::kAudio:
      return audio;
    case TrackKind::kVideo:
      return video;
    case TrackKind::kData:
      return data;
  }
  return false;
}

Member::Member(Room& room, Pass pass, link::LinkSetup setup, ActiveMembers& active, Instant now)
    : room_(room),
      pass_(std::move(pass)),
      endpoint_(std::in_place_type<UdpLink>, std::move(setup), now),
      active_members_(active),
      since_(now),
      message_tokens_at_(now),
      rate_tokens_(rate_burst_bytes(pass_.rate_kbit_max)),
      rate_tokens_at_(now) {
  timer.owner = this;
  ingress_at_.fill(0);
}

bool Member::send(const wire::RoomMessage& message) {
  std::vector<std::byte> bytes;
  // A message that does not encode is one the relay made too large itself: a stream with eight full
  // configurations. Its subscriber goes without that message.
  if (!wire::encode_room_message(message, bytes)) return true;
  return send(link::ControlStreamId::kRoom, to_u8(bytes[0]),
              Bytes{bytes}.subspan(wire::kMessageHeaderBytes));
}

bool Member::send(link::ControlStreamId stream, std::uint8_t type, Bytes body) {
  touch();
  Backlog& backlog = backlogs_[static_cast<std::size_t>(stream)];
  if (backlog.messages.empty() && link().send_message(stream, type, body)) return true;
  const std::size_t most = stream == link::ControlStreamId::kRoom ? kMessageBacklogBytesMax
                                                                  : kApplicationBacklogBytesMax;
  if (backlog.bytes + body.size() + kWaitingMessageBytes > most) return false;
  backlog.messages.push_back({type, {body.begin(), body.end()}});
  backlog.bytes += backlog.messages.back().cost();
  return true;
}

void Member::send_backlog() {
  for (std::size_t i = 0; i < backlogs_.size(); ++i) {
    const link::ControlStreamId stream{static_cast<std::uint8_t>(i)};
    Backlog& backlog = backlogs_[i];
    while (!backlog.messages.empty()) {
      const Waiting& next = backlog.messages.front();
      if (!link().send_message(stream, next.type, next.body)) break;
      backlog.bytes -= next.cost();
      backlog.messages.pop_front();
      touch();
    }
  }
}

bool Member::take_message_token(Instant now, std::size_t body_bytes) {
  const double grown = message_tokens_ + seconds(now - message_tokens_at_) * kMessagesPerSecond;
  message_tokens_ = std::min(grown, kMessagesBurst);
  message_tokens_at_ = now;
  const double cost = 1 + static_cast<double>(body_bytes) / kBytesPerMessageToken;
  if (message_tokens_ < cost) return false;
  message_tokens_ -= cost;
  return true;
}

bool Member::take_rate_tokens(Instant now, std::size_t bytes) {
  if (pass_.rate_kbit_max == 0) return true;
  const double rate = static_cast<double>(pass_.rate_kbit_max) * 125.0;
  rate_tokens_ = std::min(rate_tokens_ + seconds(now - rate_tokens_at_) * rate,
                          rate_burst_bytes(pass_.rate_kbit_max));
  rate_tokens_at_ = now;
  if (rate_tokens_ < static_cast<double>(bytes)) return false;
  rate_tokens_ -= static_cast<double>(bytes);
  return true;
}

void Member::count_drops(WorkerMetrics& metrics) {
  for (std::size_t i = 0; i < kDropReasonCount; ++i) {
    const auto reason = static_cast<DropReason>(i);
    const std::uint32_t sum = link().drops(reason);
    const std::uint32_t since = sum - std::exchange(drops_counted_[i], sum);
    if (since != 0) metrics.drop(reason, since);
  }
}

const Member::IngressTrack* Member::ingress(TrackId id) const {
  const std::uint8_t at = ingress_at_[static_cast<std::size_t>(id)];
  return at == 0 ? nullptr : &ingress_[at - 1U];
}

void Member::open_ingress(TrackId id, IngressTrack track) {
  link().open_ingress_track(id, &track.stream->track(track.index).ring());
  std::uint8_t& known = ingress_at_[static_cast<std::size_t>(id)];
  if (known != 0) {
    ingress_[known - 1U] = track;
    return;
  }
  const auto free = std::find_if(ingress_.begin(), ingress_.end(),
                                 [](const IngressTrack& t) { return t.stream == nullptr; });
  const auto at = static_cast<std::size_t>(free - ingress_.begin());
  if (free == ingress_.end()) ingress_.emplace_back();
  CHECK(at < UINT8_MAX);  // streams_per_member_max x kTracksPerStreamMax stays below
  ingress_[at] = track;
  known = static_cast<std::uint8_t>(at + 1);
}

void Member::close_ingress(const Stream& stream) {
  for (std::size_t id = 0; id < ingress_at_.size(); ++id) {
    std::uint8_t& at = ingress_at_[id];
    if (at == 0 || ingress_[at - 1U].stream != &stream) continue;
    link().close_ingress_track(TrackId{static_cast<std::uint8_t>(id)});
    ingress_[at - 1U] = {};
    at = 0;
  }
}

std::optional<TrackId> Member::open_egress(EgressTrack track) {
  if (egress_.empty()) egress_.resize(kSubscribedTracksMax);
  for (std::size_t tried = 0; tried < kSubscribedTracksMax; ++tried) {
    const std::size_t at = next_egress_;
    next_egress_ = (next_egress_ + 1) % kSubscribedTracksMax;
    if (egress_[at].subscription != nullptr) continue;
    egress_[at] = track;
    return TrackId{static_cast<std::uint8_t>(at)};
  }
  return std::nullopt;
}

void Member::close_egress(TrackId id) { egress_[static_cast<std::size_t>(id)] = {}; }

const Member::EgressTrack* Member::egress(TrackId id) const {
  const auto at = static_cast<std::size_t>(id);
  if (at >= egress_.size() || egress_[at].subscription == nullptr) return nullptr;
  return &egress_[at];
}

const Member::Rule* Member::rule_for(const StreamName& stream) const {
  const Rule* all = nullptr;
  for (const Rule& rule : rules_) {
    if (rule.stream == stream) return &rule;
    if (rule.stream.empty()) all = &rule;
  }
  return all;
}

bool Member::set_rule(const Rule& rule) {
  for (Rule& known : rules_) {
    if (known.stream != rule.stream) continue;
    known = rule;
    return true;
  }
  if (rules_.size() == kSubscribeRulesMax) return false;
  rules_.push_back(rule);
  return true;
}

void Member::erase_rule(const StreamName& stream) {
  std::erase_if(rules_, [&](const Rule& rule) { return rule.stream == stream; });
}

bool Member::has_rule_for_all() const {
  return std::any_of(rules_.begin(), rules_.end(), [](const Rule& r) { return r.stream.empty(); });
}

}  // namespace sluice::relay
