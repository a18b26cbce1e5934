// relay/worker: one media frame of 8 full parts through a whole worker to N subscribers, without
// sockets: the pusher's datagrams in, room, stream, subscriptions and verdicts, sealed runs out.
// Steady state: one room, everyone present and subscribed since the first key frame, a GOP of two
// seconds cached, no loss, feedback from everyone between the frames.
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/micro/link_peer.h"
#include "bench/micro/samples.h"
#include "proto/base/check.h"
#include "proto/wire/fragment.h"
#include "proto/wire/packet.h"
#include "proto/wire/room_message.h"
#include "relay/worker/worker.h"

namespace sluice::bench {
namespace {

using relay::WorkerIndex;

constexpr std::size_t kParts = 8;
constexpr std::uint32_t kFrameMs = 33;
constexpr Duration kFrameInterval = std::chrono::milliseconds{kFrameMs};
constexpr std::uint64_t kFramesPerGop = 60;
constexpr std::size_t kConfigBytes = 40;

/// The pusher is number 0; the port of its address tells a peer's number.
Address address_of(std::size_t number) {
  return Address::v4(10, 0, 0, 1, static_cast<std::uint16_t>(1000 + number));
}

std::vector<std::byte> encoded(const wire::RoomMessage& message) {
  std::vector<std::byte> bytes;
  CHECK(wire::encode_room_message(message, bytes).has_value());
  return bytes;
}

std::vector<std::byte> push_message() {
  wire::Push push;
  push.stream = *StreamName::parse("camera");
  push.tracks.push_back({.id = TrackId{1}, .kind = TrackKind::kVideo, .codec = FourCC::kAvc});
  return encoded(push);
}

std::vector<std::byte> subscribe_message() {
  wire::Subscribe subscribe;
  subscribe.playout_delay_max_ms = 2000;
  return encoded(subscribe);
}

/// A worker with one room: a pusher and `subscribers` who subscribed to all streams.
class BusyWorker {
 public:
  explicit BusyWorker(std::size_t subscribers)
      : worker_(options(), switchboard_, metrics_, kLinkStart),
        body_(sample_bytes(kParts * kPartBytesMax)) {
    for (std::size_t number = 0; number <= subscribers; ++number) join(number);
    // Announcements, answers, and who else is here: control messages, each in its packet.
    for (int turn = 0; turn < 50; ++turn) settle();
    CHECK(metrics_.streams.value() == 1 && metrics_.links.value() == subscribers + 1);
  }

  /// The pusher's next frame as it lies in a receive buffer: kParts datagrams of equal size.
  void seal_frame() {
    const bool key = frames_++ % kFramesPerGop == 0;
    const std::size_t header = wire::kUnitBytesMin + (key ? 2 + kConfigBytes : 0);
    wire::MediaFrame frame;
    frame.timestamp_ms = timestamp_ms_ += kFrameMs;
    frame.keyframe = key;
    if (key) frame.config = Bytes{body_}.first(kConfigBytes);
    frame.body = Bytes{body_}.first(kParts * kPartBytesMax - header);
    datagrams_.clear();
    const auto seal = [&](const wire::MediaHeader&, Bytes part) {
      peers_[0]->seal_part(part, datagrams_);
    };
    CHECK(fragmenter_.write(frame, seal)->count == kParts);
  }

  /// A turn of the loop with the frame: all of it in, all that follows from it out.
  void forward_frame() {
    now_ += kFrameInterval;
    const std::size_t bytes = datagrams_.size() / kParts;
    for (std::size_t at = 0; at < datagrams_.size(); at += bytes) {
      worker_.handle_datagram(now_, MutableBytes{datagrams_}.subspan(at, bytes), address_of(0), 0);
    }
    worker_.end_turn(now_);
    flush();
  }

  /// Everyone acknowledges; deadlines pass.
  void settle() {
    now_ += kAcknowledgedAfter;
    for (std::size_t number = 0; number < peers_.size(); ++number) {
      if (!peers_[number]->received_any()) continue;
      scratch_.clear();
      peers_[number]->seal_feedback(scratch_);
      worker_.handle_datagram(now_, scratch_, address_of(number), 0);
    }
    worker_.handle_timeout(now_);
    worker_.end_turn(now_);
    flush();
    while (switchboard_.take(relay::kDoorParty) != nullptr) continue;
    while (switchboard_.take(switchboard_.main_party()) != nullptr) continue;
  }

  std::uint64_t parts_forwarded() const { return metrics_.parts_forwarded.value(); }

  std::uint64_t runs_sent() const { return runs_sent_; }

  const relay::WorkerMetrics& metrics() const { return metrics_; }

 private:
  relay::WorkerOptions options() {
    relay::WorkerOptions options;
    options.secrets = &secrets_;
    options.random = random_.source();
    return options;
  }

  void join(std::size_t number) {
    const ConnectionId connection = wire::make_connection_id(
        {.generation = 1, .slot = static_cast<std::uint32_t>(number), .random = 77}, 0);
    relay::NewLink link;
    link.room = relay::RoomId{1};
    link.room_name = *RoomName::parse("lobby");
    link.streams_max = 10;
    link.pass.connection = connection;
    link.pass.user = *UserName::parse("user" + std::to_string(number));
    link.pass.rights = crypto::kAllRights;
    link.peer = address_of(number);
    link.suite = crypto::Suite::kAes128Gcm;
    link.secrets = shared_secrets(number + 1);
    const auto early = number == 0 ? push_message() : subscribe_message();
    link.early_room_bytes = crypto::EarlyRoomBytes{early};
    switchboard_.post(relay::kDoorParty, relay::party_of(WorkerIndex{0}), std::move(link));
    CHECK(!switchboard_.flush(relay::kDoorParty));
    worker_.handle_mail(now_);
    peers_.push_back(std::make_unique<ScriptedPeer>(number + 1, connection));
    scratch_.clear();
    peers_[number]->seal_ping(scratch_);
    worker_.handle_datagram(now_, scratch_, address_of(number), 0);
    worker_.end_turn(now_);
    flush();
    settle();
  }

  void flush() {
    auto send = [this](const link::Transmit& run) {
      ++runs_sent_;
      peers_[run.to.port - 1000U]->receive(run);
    };
    worker_.flush(now_, {net::Callback<const link::Transmit&>::ref(send), {}});
  }

  SeededRandom random_{5};
  relay::SharedSecrets secrets_;
  relay::Switchboard switchboard_{1};
  relay::WorkerMetrics metrics_;
  relay::Worker worker_;
  std::vector<std::unique_ptr<ScriptedPeer>> peers_;
  std::vector<std::byte> body_, datagrams_, scratch_;
  wire::Fragmenter fragmenter_{TrackId{1}};
  std::uint32_t timestamp_ms_ = 0;
  std::uint64_t frames_ = 0;
  std::uint64_t runs_sent_ = 0;
  Instant now_ = kLinkStart;
};

void worker(benchmark::State& state) {
  const auto subscribers = static_cast<std::size_t>(state.range(0));
  BusyWorker busy{subscribers};
  for (std::uint64_t i = 0; i < 2 * kFramesPerGop; ++i) {
    busy.seal_frame();
    busy.forward_frame();
    busy.settle();
  }
  const std::uint64_t forwarded_before = busy.parts_forwarded();
  std::uint64_t runs = 0;
  Stopwatch watch;
  for (auto _ : state) {
    busy.seal_frame();
    const std::uint64_t runs_before = busy.runs_sent();
    watch.start();
    busy.forward_frame();
    watch.stop();
    watch.record(state);
    runs += busy.runs_sent() - runs_before;
    busy.settle();
  }
  const auto frames = static_cast<std::uint64_t>(state.iterations());
  CHECK(busy.parts_forwarded() - forwarded_before == frames * subscribers * kParts);
  CHECK(busy.metrics().frames_dropped.value() == 0);
  // A run for each subscriber, and what the pusher is told now and then.
  CHECK(runs >= frames * subscribers && runs <= frames * (subscribers + 2));
  count_packets(state, subscribers * kParts, subscribers * kParts * kPartBytesMax);
}

BENCHMARK(worker)->Name("fan_out/worker")->ArgName("N")->Arg(1)->Arg(10)->Arg(100)->UseManualTime();

}  // namespace
}  // namespace sluice::bench
