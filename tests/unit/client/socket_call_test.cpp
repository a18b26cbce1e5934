// A call over real sockets: its members go on from other ones, and see what the path marks.
#include <algorithm>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "client/connection.h"
#include "client/moving_socket.h"
#include "client/pusher.h"
#include "client/subscriber.h"
#include "proto/crypto/secret.h"
#include "tests/unit/client/loopback_relay.h"

namespace sluice::client {
namespace {

using std::chrono::milliseconds;

constexpr Duration kFrameEvery = milliseconds{20};
constexpr std::size_t kFrameBytes = 3000;

/// Every byte of a frame tells its number.
std::vector<std::byte> body_of(std::uint32_t timestamp_ms) {
  return std::vector<std::byte>(kFrameBytes, static_cast<std::byte>(timestamp_ms / 20));
}

wire::TrackDescription video() {
  wire::TrackDescription track;
  track.id = TrackId{1};
  track.codec = FourCC::kAvc;
  return track;
}

const StreamName kStream = *StreamName::parse("camera");

/// Pushes `frames` frames in real time and ends the stream.
class PushingOwner {
 public:
  PushingOwner(net::Loop& loop, LoopbackRelay& relay, std::uint32_t frames)
      : frames_(frames),
        pusher_({.stream = kStream, .tracks = {video()}}),
        connection(loop, {net::Callback<>::to<&PushingOwner::joined>(this),
                          net::Callback<const link::Event&>::to<&PushingOwner::event>(this),
                          net::Callback<>::to<&PushingOwner::turn>(this),
                          {}}) {
    EXPECT_TRUE(connection.open(relay.config_for("anna", pusher_.first_commands())).has_value());
  }

 private:
  void joined() { pusher_.attach(connection.link()); }

  void event(const link::Event& e) { pusher_.handle_event(e); }

  void turn() {
    const Instant now = connection.now();
    if (pusher_.state() == Pusher::State::kPushing) {
      if (!began_) began_ = now;
      while (pushed_ < frames_ && *began_ + kFrameEvery * pushed_ <= now) push(now);
      if (pushed_ == frames_) pusher_.finish(now);
    }
    pusher_.handle_turn(now);
    const Instant next = began_ && pushed_ < frames_ ? *began_ + kFrameEvery * pushed_ : kNever;
    connection.wake_at(std::min(pusher_.next_deadline(), next));
  }

  void push(Instant now) {
    const std::uint32_t ms = pushed_ * 20;
    const std::vector<std::byte> body = body_of(ms);
    SourceFrame frame;
    frame.timestamp_ms = ms;
    frame.keyframe = pushed_ % 50 == 0;
    frame.body = body;
    pusher_.push(now, frame);
    ++pushed_;
  }

  std::uint32_t frames_, pushed_ = 0;
  std::optional<Instant> began_;
  Pusher pusher_;

 public:
  Connection connection;
};

/// Compares what comes with what was pushed, and stops the loop when the stream is over.
class PullingOwner {
 public:
  PullingOwner(net::Loop& loop, LoopbackRelay& relay)
      : loop_(loop),
        subscriber_({.stream = kStream, .buffer = {}},
                    {{}, net::Callback<const ReceivedFrame&>::to<&PullingOwner::frame>(this)}),
        connection(loop, {net::Callback<>::to<&PullingOwner::joined>(this),
                          net::Callback<const link::Event&>::to<&PullingOwner::event>(this),
                          net::Callback<>::to<&PullingOwner::turn>(this),
                          {}}) {
    EXPECT_TRUE(
        connection.open(relay.config_for("bert", subscriber_.first_commands())).has_value());
  }

  /// Called after each frame, with how many there were.
  net::Callback<std::uint32_t> on_frame;
  std::uint32_t frames = 0;

  const Stats& stats() const { return subscriber_.stats(); }

 private:
  void joined() { subscriber_.attach(connection.link()); }

  void event(const link::Event& e) { subscriber_.handle_event(connection.now(), e); }

  void frame(const ReceivedFrame& received) {
    EXPECT_EQ(received.media.header.dts, frames * 20);
    const std::vector<std::byte> body = body_of(frames * 20);
    EXPECT_TRUE(std::equal(body.begin(), body.end(), received.media.body.begin(),
                           received.media.body.end()));
    on_frame(++frames);
  }

  void turn() {
    subscriber_.handle_turn(connection.now());
    connection.wake_at(subscriber_.next_deadline(connection.now()));
    if (subscriber_.state() == Subscriber::State::kDone) loop_.stop();
  }

  net::Loop& loop_;
  Subscriber subscriber_;

 public:
  Connection connection;
};

/// A call of 2 s in which `at_frame` may do something to either.
template <class AtFrame>
void run_call(AtFrame&& at_frame) {
  crypto::init_crypto();
  net::Loop loop;
  LoopbackRelay relay{loop};
  relay.relay.starts_with_cached_gop = true;
  PullingOwner pulling{loop, relay};
  PushingOwner pushing{loop, relay, 100};
  auto act = [&](std::uint32_t frames) { at_frame(frames, relay, pulling, pushing); };
  pulling.on_frame = net::Callback<std::uint32_t>::ref(act);
  loop.run();
  EXPECT_EQ(pulling.frames, 100U);
  EXPECT_EQ(pulling.stats().skipped_frames, 0U);
}

TEST(MovingSocket, AMoveOfTheOwnersLosesNothing) {  // P-KEEP-02
  std::uint64_t moves = 0;
  std::size_t ports = 0;
  run_call([&](std::uint32_t frames, LoopbackRelay& relay, PullingOwner& pulling, PushingOwner&) {
    if (frames == 20) pulling.connection.move();
    moves = pulling.connection.moves();
    ports = relay.ports_seen();
  });
  EXPECT_EQ(moves, 1U);
  EXPECT_EQ(ports, 3U) << "two members, and one of them from a second port";
}

TEST(MovingSocket, AFlowThatIsForgottenOnTheWayIsReplacedByAnother) {  // P-KEEP-02
  std::uint64_t moves = 0;
  run_call([&](std::uint32_t frames, LoopbackRelay& relay, PullingOwner& pulling, PushingOwner& p) {
    if (frames == 30) relay.forget_ports();  // of both members
    moves = std::min(pulling.connection.moves(), p.connection.moves());
  });
  EXPECT_GE(moves, 1U);
}

TEST(Connection, TellsThePeerOfEachCongestionMark) {  // P-FEEDBACK-01
  std::uint64_t before = 0, after = 0;
  run_call([&](std::uint32_t frames, LoopbackRelay& relay, PullingOwner&, PushingOwner&) {
    if (frames == 20) relay.mark_congestion();
    (frames <= 20 ? before : after) = relay.relay.congestion_marks();
  });
  EXPECT_EQ(before, 0U);
  EXPECT_GT(after, 3U * 60) << "three parts a frame, and what was said last may be missing";
}

}  // namespace
}  // namespace sluice::client
