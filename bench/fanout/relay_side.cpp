#include "bench/fanout/relay_side.h"

#include <algorithm>
#include <utility>

#include "client/credentials.h"
#include "proto/base/check.h"
#include "proto/wire/room_message.h"

namespace sluice::bench {
namespace {

/// A GOP of two seconds at 30 frames/s; what a late joiner would be given.
constexpr std::uint64_t kFramesPerKey = 60;

/// Handshakes that are under way at a time: the door's socket holds them easily.
constexpr std::size_t kJoiningAtOnce = 32;

constexpr Duration kTick = std::chrono::milliseconds{1};
constexpr Duration kJoinedWithin = std::chrono::seconds{20};

/// Shorter datagrams bear no part of these frames.
constexpr std::uint16_t kMediaDatagramBytesMin = 1000;

/// What a sink says it waits for a part: a call's.
constexpr std::uint16_t kReportedMs = 120;

const char* const kRoom = "fanout";

client::Pusher::Config pusher_config() {
  client::Pusher::Config config;
  config.stream = *StreamName::parse("camera");
  config.tracks.push_back({.id = TrackId{1}, .kind = TrackKind::kVideo, .codec = FourCC::kAvc});
  return config;
}

std::vector<std::byte> subscribe_message() {
  wire::Subscribe subscribe;
  subscribe.playout_delay_max_ms = kReportedMs;
  std::vector<std::byte> bytes;
  CHECK(wire::encode_room_message(subscribe, bytes).has_value());
  return bytes;
}

}  // namespace

class RelaySide::Sink {
 public:
  explicit Sink(RelaySide& side)
      : side_(side),
        link_(side.loop_, side.arena_,
              {net::Callback<const link::Event&, Instant>::to<&Sink::handle_event>(this), {}},
              side.options_.loss, side.sinks_.size() + 1) {}

  LeanLink& link() { return link_; }

 private:
  void handle_event(const link::Event& event, Instant received_at) {
    const auto* media = std::get_if<link::MediaArrived>(&event);
    if (media == nullptr) return;
    // Numbers of an earlier window wrap to far beyond this one's and are not taken.
    side_.ledger_.arrived(static_cast<std::size_t>(media->seq.value()) - side_.window_first_,
                          received_at);
    link_.link()->set_report(media->track, media->seq + 1, kReportedMs, kReportedMs);
  }

  RelaySide& side_;
  LeanLink link_;
};

RelaySide::RelaySide(net::Loop& loop, WindowLedger& ledger, const FanoutOptions& options,
                     std::string control_path)
    : loop_(loop),
      ledger_(ledger),
      options_(options),
      control_path_(std::move(control_path)),
      arena_memory_(2 * kRunPacketsMax * kDatagramBytesMax),
      arena_(arena_memory_),
      tick_(loop, {}),
      pusher_(pusher_config()),
      body_(packets_per_frame(options) * kPartBytesMax - wire::kUnitBytesMin, std::byte{0x5A}),
      began_(loop.refresh_now()) {
  body_[0] = std::byte{0x17};
}

RelaySide::~RelaySide() = default;

Result<client::ClientLink::Config, Failure> RelaySide::config_for(const std::string& user,
                                                                  crypto::Rights rights) {
  const auto issued = client::ask_for_ticket(
      loop_, control_path_, {*RoomName::parse(kRoom), *UserName::parse(user), rights, 60});
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

template <class Ready>
bool RelaySide::run_until(Ready ready) {
  const Instant end = loop_.refresh_now() + kJoinedWithin;
  while (!ready()) {
    const Instant now = loop_.refresh_now();
    if (now >= end) return false;
    due(now);
    if (pusher_link_) pusher_link_->due(now);
    tick_.arm(now + kTick);
    loop_.run_once();
  }
  tick_.cancel();
  return true;
}

Status<Failure> RelaySide::join_sinks() {
  if (auto opened = tick_.open(); !opened) return opened;
  const auto rights = crypto::Rights{}.with(crypto::Right::kSubscribe).with(crypto::Right::kHidden);
  const auto joined = [](const auto& sink) { return sink->link().joined(); };
  while (sinks_.size() < options_.subscribers) {
    auto config = config_for("sink-" + std::to_string(sinks_.size()), rights);
    if (!config) return Unexpected{config.error()};
    config->first_commands = subscribe_message();
    sinks_.push_back(std::make_unique<Sink>(*this));
    if (auto opened = sinks_.back()->link().open(std::move(*config)); !opened) {
      return Unexpected{Failure{opened.error().message}};
    }
    const bool last = sinks_.size() == options_.subscribers;
    if (sinks_.size() % kJoiningAtOnce != 0 && !last) continue;
    if (run_until([&] { return std::all_of(sinks_.begin(), sinks_.end(), joined); })) continue;
    const auto missing = std::find_if_not(sinks_.begin(), sinks_.end(), joined);
    return Unexpected{why_not_joined((*missing)->link())};
  }
  return Done{};
}

Failure RelaySide::why_not_joined(const LeanLink& member) const {
  const auto error = member.error();
  return {error ? error->message : "a link did not come about in time"};
}

Status<Failure> RelaySide::join_pusher() {
  auto config = config_for("pusher", crypto::kPushRights);
  if (!config) return Unexpected{config.error()};
  config->first_commands = pusher_.first_commands();
  if (options_.ingress == Ingress::kBurst) config->pacer_bits_per_s = 0;
  pusher_link_ = std::make_unique<LeanLink>(
      loop_, arena_,
      LeanLink::Handlers{
          net::Callback<const link::Event&, Instant>::to<&RelaySide::handle_pusher_event>(this),
          net::Callback<const link::Transmit&>::to<&RelaySide::handle_pusher_run>(this)});
  if (auto opened = pusher_link_->open(std::move(*config)); !opened) {
    return Unexpected{Failure{opened.error().message}};
  }
  // Its answer is an event that wants the link to be there.
  const auto pushing = [&] {
    if (pusher_link_->joined()) pusher_.attach(pusher_link_->link());
    return pusher_.state() == client::Pusher::State::kPushing;
  };
  return run_until(pushing) ? Status<Failure>{Done{}} : Unexpected{why_not_joined(*pusher_link_)};
}

void RelaySide::begin_window(Instant now) {
  ledger_.begin();
  schedule_.clear();
  window_began_ = now;
  window_first_ = static_cast<std::size_t>(frames_) * packets_per_frame(options_);
}

void RelaySide::push_frame(Instant now) {
  client::SourceFrame frame;
  frame.keyframe = frames_ % kFramesPerKey == 0;
  const auto ms = static_cast<std::uint32_t>(to_us(now - began_) / 1000);
  frame.timestamp_ms = last_ms_ = std::max(last_ms_, ms);
  frame.body = body_;
  ++frames_;
  ledger_.sent(now, packets_per_frame(options_));
  pusher_.push(now, frame);
  pusher_link_->transmit(now);
}

void RelaySide::due(Instant now) {
  for (const auto& sink : sinks_) sink->link().due(now);
}

void RelaySide::handle_pusher_run(const link::Transmit& run) {
  if (run.segment_bytes < kMediaDatagramBytesMin) return;
  schedule_.push_back({loop_.now() - window_began_, run.count});
}

}  // namespace sluice::bench
