// LiveCall: a pusher, a relay and a live subscriber on the simulated network, and what a test asks
// of them while the paths between change.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sim/net.h"
#include "sim/relay/relay_node.h"
#include "sim/xoshiro.h"
#include "tests/unit/client/client_nodes.h"
#include "tests/unit/client/flv_file.h"

namespace sluice::sim {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// What is pushed: 25 pictures and 50 blocks of sound a second.
struct Feed {
  std::uint32_t seconds = 20;
  std::uint32_t key_every_ms = 2000;
  std::size_t picture_bytes = 8000;
  std::size_t key_bytes = 40'000;
};

inline std::vector<std::byte> recorded(const Feed& feed) {
  client::FlvFile file;
  file.headers();
  for (std::uint32_t ms = 0; ms < feed.seconds * 1000; ms += 20) {
    if (ms % 40 == 0) {
      const bool keyframe = ms % feed.key_every_ms == 0;
      std::vector<std::byte> body = client::avc_frame(keyframe, 0);
      body.resize(keyframe ? feed.key_bytes : feed.picture_bytes, std::byte{0x5A});
      file.add(RtmpType::kVideo, ms, body);
    }
    file.add(RtmpType::kAudio, ms, client::aac_frame(static_cast<int>(ms % 251)));
  }
  return file.bytes;
}

inline ImpairmentConfig way(Duration latency, double loss = 0, Duration jitter = Duration{0}) {
  ImpairmentConfig config;
  config.latency = latency;
  config.loss = loss;
  config.jitter = jitter;
  return config;
}

class LiveCall {
 public:
  LiveCall(std::uint64_t seed, const Feed& feed, const ImpairmentConfig& uplink,
           const ImpairmentConfig& downlink,
           client::JitterBuffer::Config buffer = {client::PlayMode::kPlayOut, client::kPatience,
                                                  client::PlayOutDelay::Bounds{}})
      : net(seed), relay(config_of(seed)), random_(seed) {
    net.add(kRelay, relay);
    subscriber.emplace(client::Subscriber::Config{kStream, buffer, net.now()});
    join(kSubscriber, *subscriber, "bert", subscriber->subscriber.first_commands(), downlink);
    auto source = client::MediaSource::of_bytes("in.flv", recorded(feed), false);
    pusher.emplace(std::move(*source),
                   client::Pusher::Config{kStream, (*source)->tracks(), true, true});
    join(kPusher, *pusher, "anna", pusher->pusher.first_commands(), uplink);
  }

  void set_downlink(const ImpairmentConfig& path) { net.connect(kSubscriber, kRelay, path, path); }

  void set_uplink(const ImpairmentConfig& path) { net.connect(kPusher, kRelay, path, path); }

  void run_for(Duration time) { net.run_for(time); }

  const client::Stats& stats() const { return subscriber->subscriber.stats(); }

  Duration delay() const { return *subscriber->subscriber.play_out_delay(); }

  /// Frames that were skipped while `time` passed.
  std::uint64_t skipped_in(Duration time) {
    const std::uint64_t before = stats().skipped_frames;
    run_for(time);
    return stats().skipped_frames - before;
  }

  SimNet net;
  RelayNode relay;
  std::optional<client::PusherNode> pusher;
  std::optional<client::SubscriberNode> subscriber;

 private:
  static RelayNodeConfig config_of(std::uint64_t seed) {
    RelayNodeConfig config;
    config.seed = seed;
    return config;
  }

  void join(const Address& at, client::ClientNode& node, const char* user,
            std::vector<std::byte> first_commands, const ImpairmentConfig& path) {
    net.add(at, node);
    // A NAT stands in front of the client, not of the relay.
    ImpairmentConfig back = path;
    back.address_changes.clear();
    net.connect(at, kRelay, path, back);
    auto issued = relay.issue("room", user, net.now());
    client::ClientLink::Config config;
    config.credentials = {relay.key().public_key, issued.ticket, std::move(issued.psk)};
    config.relay = kRelay;
    config.first_commands = std::move(first_commands);
    config.random = random_.source();
    node.open(std::move(config), net.now());
  }

  inline static const Address kRelay = Address::v4(10, 0, 0, 1, 443);
  inline static const Address kPusher = Address::v4(10, 0, 0, 2, 5000);
  inline static const Address kSubscriber = Address::v4(10, 0, 0, 3, 5000);
  inline static const StreamName kStream = *StreamName::parse("camera");

  Xoshiro random_;
};

}  // namespace sluice::sim
