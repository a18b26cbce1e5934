// House: one relay and the members around it on the simulated network, and what tests ask of them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sim/relay/relay_node.h"
#include "tests/sim/relay/relay_client.h"

namespace sluice::sim {

using std::chrono::milliseconds;
using std::chrono::seconds;

inline const Address kRelay = Address::v4(10, 0, 0, 1, 443);

inline ImpairmentConfig path(double loss = 0, Duration latency = milliseconds{10}) {
  ImpairmentConfig config;
  config.latency = latency;
  config.loss = loss;
  return config;
}

/// One relay and the clients around it.
class House {
 public:
  explicit House(const RelayNodeConfig& config = {}) : net(config.seed), relay(config) {
    net.add(kRelay, relay);
  }

  RelayClient& join(std::string_view room, std::string_view user, RelayClientConfig config,
                    const ImpairmentConfig& to_relay = path()) {
    return join_with(relay.issue(room, user, net.now()), std::move(config), to_relay);
  }

  RelayClient& join_with(RelayNode::Credentials credentials, RelayClientConfig config,
                         const ImpairmentConfig& to_relay = path()) {
    config.seed = 1000 + clients.size();
    clients.push_back(std::make_unique<RelayClient>(std::move(config), kRelay, relay.key(),
                                                    std::move(credentials), net.now()));
    const auto number = static_cast<std::uint8_t>(clients.size() + 1);
    addresses.push_back(Address::v4(10, 0, number, 2, 5000));
    net.add(addresses.back(), *clients.back());
    net.connect(addresses.back(), kRelay, to_relay, to_relay);
    return *clients.back();
  }

  void stop_media() {
    for (auto& client : clients) client->stop_media();
  }

  // The net runs nodes until it dies, so it dies first.
  std::vector<Address> addresses;
  std::vector<std::unique_ptr<RelayClient>> clients;
  SimNet net;
  RelayNode relay;
};

inline RelayClientConfig pushing(std::vector<std::string> names, bool subscribe_all = true) {
  RelayClientConfig config;
  for (std::string& name : names) {
    PushPlan plan;
    plan.name = std::move(name);
    config.pushes.push_back(std::move(plan));
  }
  config.subscribe_all = subscribe_all;
  return config;
}

inline RelayClientConfig watching() { return pushing({}); }

/// Everything of the stream from the subscriber's first part on arrived as it was sent.
inline void expect_whole(const RelayClient& pusher, const RelayClient& subscriber,
                         const std::string& track) {
  ASSERT_TRUE(pusher.sent.contains(track)) << track;
  ASSERT_TRUE(subscriber.received.contains(track)) << track;
  const Parts& received = subscriber.received.at(track);
  const auto first = std::min_element(received.begin(), received.end(), [](auto& a, auto& b) {
    return Seq{a.first}.distance_from(Seq{b.first}) < 0;
  });
  const Difference difference = compare(pusher.sent.at(track), received, first->first);
  EXPECT_EQ(difference.missing, 0U) << track;
  EXPECT_EQ(difference.different, 0U) << track;
  const wire::MediaHeader header = header_of(first->second);
  EXPECT_EQ(header.index, 0U) << track;
  if (track.back() == 'v') {
    EXPECT_TRUE(header.keyframe) << track;
  }
}

}  // namespace sluice::sim
