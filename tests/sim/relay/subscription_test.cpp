// How subscriptions begin, keep up and end, seen from the subscriber.
#include "relay/stream/subscription.h"

#include "tests/sim/relay/house.h"

namespace sluice::sim {
namespace {

TEST(Subscription, AJoinerInTheMiddleOfAGopStartsAtOnceWithItsKeyFrame) {
  RelayNodeConfig config;
  config.workers = 2;
  config.placement = relay::Placement::kRoundRobin;
  House house{config};
  RelayClientConfig push = pushing({"cam"});
  push.pushes[0].gop_frames = 60;
  RelayClient& ann = house.join("room", "ann", push);
  house.net.run_for(milliseconds{3200});
  for (int i = 0; i < 4; ++i) {
    const Instant begin = house.net.now();
    RelayClient& late = house.join("room", "late" + std::to_string(i), watching());
    house.net.run_for(milliseconds{230});
    ASSERT_TRUE(late.first_media_at.has_value());
    // INIT and ACCEPT, then the first DATA and the first media: two round trips of 20 ms.
    EXPECT_LE(*late.first_media_at - begin, milliseconds{60});
  }
  house.stop_media();
  house.net.run_for(seconds{1});
  for (std::size_t i = 1; i < house.clients.size(); ++i) {
    expect_whole(ann, *house.clients[i], "cam/v");
    // Sound begins with the picture, not with the room.
    const Parts& audio = house.clients[i]->received.at("cam/a");
    const Parts& video = house.clients[i]->received.at("cam/v");
    const auto dts = [](const Parts& parts) {
      std::uint32_t first = UINT32_MAX;
      for (const auto& [seq, part] : parts) first = std::min(first, header_of(part).dts);
      return first;
    };
    EXPECT_GE(dts(audio), dts(video));
    EXPECT_LE(dts(audio), dts(video) + 25);
  }
}

TEST(Subscription, ASlowSubscriberDropsWholeFramesByDependencyAndOthersDoNotNotice) {
  RelayNodeConfig config;
  config.pacer_bits_per_s = 2'500'000;
  House house{config};
  RelayClientConfig push = pushing({"one", "two", "three"}, false);
  for (PushPlan& plan : push.pushes) plan.key_on_request = true;
  RelayClient& ann = house.join("room", "ann", push);
  RelayClient& slow = house.join("room", "slow", watching());  // three streams of 1 Mbit/s
  RelayClientConfig one = watching();
  one.subscribe_all = false;
  one.subscribe = {"one"};
  RelayClient& quick = house.join("room", "quick", one);
  house.net.run_for(seconds{15});
  house.stop_media();
  house.net.run_for(seconds{3});
  expect_whole(ann, quick, "one/v");
  EXPECT_GT(house.relay.drops(DropReason::kQueueFull), 0U);
  EXPECT_GT(house.relay.drops(DropReason::kBrokenUntilKey), 0U);
  EXPECT_EQ(house.relay.drops(DropReason::kOverwritten), 0U);
  std::size_t skips = 0;
  for (const auto& [track, parts] : slow.received) {
    // What came at all came whole.
    for (const auto& [seq, part] : parts) {
      const wire::MediaHeader header = header_of(part);
      for (std::uint32_t i = 0; i < header.count; ++i) {
        ASSERT_TRUE(parts.contains((header.first_seq() + i).value())) << track;
      }
    }
    EXPECT_EQ(compare(ann.sent.at(track), parts, 0).different, 0U);
    skips += slow.skipped[track].size();
  }
  EXPECT_GT(skips, 0U);
  EXPECT_GT(ann.key_requests, 0U);
  EXPECT_LE(ann.key_requests, 3U * 2U * 18U);  // two a second for each track
}

TEST(Subscription, AStreamThatEndsIsDeliveredToTheLastPartThoughPacketsWereLost) {
  for (const std::uint64_t seed : {11U, 12U, 13U}) {
    RelayNodeConfig config;
    config.seed = seed;
    House house{config};
    RelayClient& ann = house.join("room", "ann", pushing({"cam"}));
    RelayClient& bob = house.join("room", "bob", watching(), path(0.2, milliseconds{40}));
    house.net.run_for(seconds{2});
    ann.stop_media();
    house.net.run_for(milliseconds{60});  // ann's own path is clean: the relay has everything
    ann.leave(house.net.now());
    house.net.run_for(seconds{3});
    expect_whole(ann, bob, "cam/v");
    expect_whole(ann, bob, "cam/a");
    EXPECT_EQ(bob.messages_of<wire::StreamEvent>().back().change, wire::StreamEvent::Change::kDown);
  }
}

}  // namespace
}  // namespace sluice::sim
