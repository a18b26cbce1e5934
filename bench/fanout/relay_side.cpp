#include "bench/fanout/relay_side.h"

#include <algorithm>
#include <utility>

#include "bench/fanout/oldest_open.h"
#include "client/credentials.h"
#include "client/pusher.h"
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

/// A worker's number is in the low bits of a connection id's first byte (P-WIRE-04).
constexpr unsigned kWorkerMask = 0x1F;

constexpr TrackId kVideoTrack{1}, kAudioTrack{2};
constexpr std::byte kVideoByte{0x17}, kAudioByte{0xAF};

std::string stream_of(std::size_t pusher) { return "camera-" + std::to_string(pusher); }

client::Pusher::Config pusher_config(std::size_t number, bool audio) {
  client::Pusher::Config config;
  config.stream = *StreamName::parse(stream_of(number));
  config.tracks.push_back({.id = kVideoTrack, .kind = TrackKind::kVideo, .codec = FourCC::kAvc});
  if (audio) {
    config.tracks.push_back({.id = kAudioTrack, .kind = TrackKind::kAudio, .codec = FourCC::kAac});
  }
  return config;
}

std::vector<std::byte> subscribe_message() {
  wire::Subscribe subscribe;
  subscribe.request = wire::RequestId{9};  // not a pusher's
  subscribe.playout_delay_max_ms = kReportedMs;
  std::vector<std::byte> bytes;
  CHECK(wire::encode_room_message(subscribe, bytes).has_value());
  return bytes;
}

}  // namespace

class RelaySide::Member {
 public:
  /// `pusher`: its number among those who push; nothing of who only takes.
  Member(RelaySide& side, std::optional<std::size_t> pusher, bool takes, std::uint64_t seed)
      : side_(side),
        takes_(takes),
        first_flow_(pusher.value_or(0) * side.traffic_.flows_per_pusher()),
        link_(side.loop_, side.arena_,
              {net::Callback<const link::Event&, Instant>::to<&Member::handle_event>(this),
               net::Callback<const link::Transmit&>::to<&Member::handle_run>(this)},
              takes ? side.setup_.loss : 0, seed) {
    if (pusher) pusher_.emplace(pusher_config(*pusher, side.traffic_.is_call()));
  }

  std::vector<std::byte> first_commands() const {
    std::vector<std::byte> commands;
    if (pusher_) commands = pusher_->first_commands();
    if (takes_) {
      const auto subscribe = subscribe_message();
      commands.insert(commands.end(), subscribe.begin(), subscribe.end());
    }
    return commands;
  }

  LeanLink& link() { return link_; }

  /// Joined, and pushing if it is to; its pusher's answer wants the link to be there.
  bool ready() {
    if (!link_.joined()) return false;
    if (!pusher_) return true;
    pusher_->attach(link_.link());
    return pusher_->state() == client::Pusher::State::kPushing;
  }

  /// False: it had to be dropped.
  bool push(Instant now, const client::SourceFrame& frame) {
    const auto before = pusher_->stats().frames;
    pusher_->push(now, frame);
    return pusher_->stats().frames != before;
  }

 private:
  struct Taken {
    TrackId track{};
    std::size_t flow = 0;
    OldestOpen open;
  };

  void handle_event(const link::Event& event, Instant received_at) {
    if (const auto* media = std::get_if<link::MediaArrived>(&event)) {
      handle_media(*media, received_at);
      return;
    }
    if (const auto* message = std::get_if<link::MessageArrived>(&event)) handle_message(*message);
    if (!pusher_) return;
    if (link_.joined()) pusher_->attach(link_.link());
    pusher_->handle_event(event);
  }

  void handle_message(const link::MessageArrived& message) {
    if (message.stream != link::ControlStreamId::kRoom) return;
    const auto decoded = wire::decode_room_message({message.type, message.body});
    const auto* stream = decoded ? std::get_if<wire::StreamEvent>(&*decoded) : nullptr;
    if (stream == nullptr) return;
    const std::string name{stream->stream.view()};
    const std::size_t pusher = std::stoul(name.substr(name.rfind('-') + 1));
    for (const wire::TrackDescription& track : stream->tracks) {
      const std::size_t flow =
          pusher * side_.traffic_.flows_per_pusher() + (track.kind == TrackKind::kAudio ? 1U : 0U);
      std::erase_if(taken_, [&](const Taken& known) { return known.track == track.id; });
      taken_.push_back({track.id, flow, OldestOpen{std::chrono::milliseconds{kReportedMs}}});
    }
  }

  void handle_media(const link::MediaArrived& media, Instant received_at) {
    const auto known = std::find_if(taken_.begin(), taken_.end(),
                                    [&](const Taken& each) { return each.track == media.track; });
    if (known == taken_.end()) return;
    known->open.arrived(media.seq, side_.loop_.now());
    link_.link()->set_report(media.track, known->open.value(), kReportedMs, kReportedMs);
    // Numbers of an earlier window wrap to far beyond this one's and are not taken.
    const std::size_t first = side_.flows_[known->flow].window_first;
    const auto packet = static_cast<std::size_t>(media.seq.value()) - first;
    if (side_.ledger_.arrived(known->flow, packet, received_at) && worker_) {
      ++side_.copies_by_worker_[*worker_];
    }
  }

  void handle_run(const link::Transmit& run) {
    const bool data = (to_u8(run.bytes[0]) & 0xC0U) == 0x40U;
    if (data) worker_ = to_u8(run.bytes[1]) & kWorkerMask;
    if (pusher_) side_.note_run(first_flow_, run);
    if (data && this == side_.members_.front().get()) {
      const Bytes first =
          run.bytes.first(std::min<std::size_t>(run.bytes.size(), run.segment_bytes));
      side_.datagram_of_sink_.assign(first.begin(), first.end());
    }
  }

  RelaySide& side_;
  bool takes_;
  std::size_t first_flow_;
  std::optional<client::Pusher> pusher_;
  std::vector<Taken> taken_;
  std::optional<unsigned> worker_;
  LeanLink link_;
};

RelaySide::RelaySide(net::Loop& loop, WindowLedger& ledger, const Traffic& traffic,
                     RelaySideSetup setup)
    : loop_(loop),
      ledger_(ledger),
      traffic_(traffic),
      setup_(std::move(setup)),
      arena_memory_(2 * kRunPacketsMax * kDatagramBytesMax),
      arena_(arena_memory_),
      tick_(loop, {}),
      flows_(traffic.flows()),
      began_(loop.refresh_now()),
      copies_by_worker_(kWorkerMask + 1) {
  for (std::size_t flow = 0; flow < flows_.size(); ++flow) {
    flows_[flow].body.assign(traffic.body_bytes(flow), std::byte{0x5A});
    flows_[flow].body[0] = traffic.is_audio(flow) ? kAudioByte : kVideoByte;
  }
}

RelaySide::~RelaySide() = default;

Result<client::ClientLink::Config, Failure> RelaySide::config_for(const std::string& room,
                                                                  const std::string& user,
                                                                  crypto::Rights rights) {
  const auto issued = client::ask_for_ticket(
      loop_, setup_.control_path, {*RoomName::parse(room), *UserName::parse(user), rights, 60});
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
    tick_.arm(now + kTick);
    loop_.run_once();
  }
  tick_.cancel();
  return true;
}

Status<Failure> RelaySide::join(std::unique_ptr<Member> member, std::size_t number,
                                crypto::Rights rights) {
  const std::size_t room = traffic_.is_call() ? number / Traffic::kCallMembers : 0;
  auto config =
      config_for("room-" + std::to_string(room), "user-" + std::to_string(number), rights);
  if (!config) return Unexpected{config.error()};
  config->first_commands = member->first_commands();
  if (!setup_.paced) config->pacer_bits_per_s = 0;
  members_.push_back(std::move(member));
  if (auto opened = members_.back()->link().open(std::move(*config)); !opened) {
    return Unexpected{Failure{opened.error().message}};
  }
  return Done{};
}

Status<Failure> RelaySide::join_sinks() {
  if (auto opened = tick_.open(); !opened) return opened;
  auto rights = crypto::Rights{}.with(crypto::Right::kSubscribe).with(crypto::Right::kHidden);
  if (traffic_.is_call()) rights = crypto::kPushRights.with(crypto::Right::kSubscribe);
  const auto joined = [](const auto& member) { return member->link().joined(); };
  for (std::size_t i = 0; i < traffic_.sinks(); ++i) {
    const auto pusher = traffic_.is_call() ? std::optional{i} : std::nullopt;
    auto member = std::make_unique<Member>(*this, pusher, true, i + 1);
    if (pusher) pushers_.push_back(member.get());
    if (auto started = join(std::move(member), i, rights); !started) return started;
    if ((i + 1) % kJoiningAtOnce != 0 && i + 1 != traffic_.sinks()) continue;
    if (!run_until([&] { return std::all_of(members_.begin(), members_.end(), joined); })) {
      return Unexpected{why_not_joined()};
    }
  }
  return Done{};
}

Status<Failure> RelaySide::join_pushers() {
  if (!traffic_.is_call()) {
    auto member = std::make_unique<Member>(*this, 0, false, 0);
    pushers_.push_back(member.get());
    if (auto started = join(std::move(member), members_.size(), crypto::kPushRights); !started) {
      return started;
    }
  }
  const auto ready = [](const auto& member) { return member->ready(); };
  if (run_until([&] { return std::all_of(members_.begin(), members_.end(), ready); }))
    return Done{};
  return Unexpected{why_not_joined()};
}

Failure RelaySide::why_not_joined() const {
  for (const auto& member : members_) {
    if (const auto error = member->link().error()) return {error->message};
  }
  return {"a link did not come about in time"};
}

void RelaySide::begin_window(Instant now) {
  ledger_.begin();
  schedule_.clear();
  window_began_ = now;
  for (Flow& flow : flows_) flow.window_first = flow.next_part;
  std::fill(copies_by_worker_.begin(), copies_by_worker_.end(), 0);
}

void RelaySide::push(std::size_t number, Instant now) {
  Flow& flow = flows_[number];
  client::SourceFrame frame;
  frame.type = traffic_.is_audio(number) ? RtmpType::kAudio : RtmpType::kVideo;
  frame.keyframe = traffic_.is_audio(number) || flow.frames % kFramesPerKey == 0;
  const auto ms = static_cast<std::uint32_t>(to_us(now - began_) / 1000);
  frame.timestamp_ms = flow.last_ms = std::max(flow.last_ms, ms);
  frame.body = flow.body;
  const unsigned packets = traffic_.packets(number);
  Member& pusher = *pushers_[number / traffic_.flows_per_pusher()];
  ++flow.frames;
  if (!pusher.push(now, frame)) return ledger_.dropped(packets);
  flow.next_part += packets;
  ledger_.sent(number, now, packets);
  // Links of calls send other things in the same runs: their media counts as sent here.
  if (traffic_.is_call()) schedule_.push_back({now - window_began_, number, packets});
  pusher.link().transmit(now);
}

void RelaySide::due(Instant now) {
  for (const auto& member : members_) member->link().due(now);
}

void RelaySide::due_pushers(Instant now) {
  for (Member* pusher : pushers_) pusher->link().due(now);
}

Instant RelaySide::next_pusher_deadline() const {
  Instant next = kNever;
  for (Member* pusher : pushers_) next = std::min(next, pusher->link().next_deadline());
  return next;
}

void RelaySide::note_run(std::size_t flow, const link::Transmit& run) {
  if (traffic_.is_call() || run.segment_bytes < kMediaDatagramBytesMin) return;
  schedule_.push_back({loop_.now() - window_began_, flow, static_cast<unsigned>(run.count)});
}

}  // namespace sluice::bench
