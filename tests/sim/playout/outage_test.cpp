// What a call survives: a path that is gone for two seconds, and a client whose address changes.
#include <gtest/gtest.h>

#include "tests/sim/playout/live_call.h"

namespace sluice::sim {
namespace {

ImpairmentConfig with_outage(Duration latency, Duration from, Duration length) {
  ImpairmentConfig config = way(latency);
  config.outages = {{Instant{from}, Instant{from + length}}};
  return config;
}

TEST(PlayOutOutage, TwoSecondsAreSurvivedWithoutAnotherJoin) {
  for (const bool uplink : {false, true}) {
    const auto cut = with_outage(milliseconds{20}, seconds{6}, seconds{2});
    const auto clean = way(milliseconds{20});
    LiveCall call{8, {.seconds = 20}, uplink ? cut : clean, uplink ? clean : cut};
    call.run_for(milliseconds{5900});
    ASSERT_EQ(call.stats().skipped_frames, 0U);
    const std::size_t links = call.relay.links();
    call.run_for(milliseconds{2600});  // 500 ms after the path came back
    const std::uint64_t frames = call.stats().frames;
    call.run_for(seconds{3});
    EXPECT_GE(call.stats().frames - frames, 3U * 50);  // sound at the least
    EXPECT_EQ(call.relay.links(), links);
    EXPECT_EQ(call.subscriber->subscriber.state(), client::Subscriber::State::kReceiving);
    EXPECT_EQ(call.pusher->pusher.state(), client::Pusher::State::kPushing);
    // From the key frame behind the outage on, at 8 or 10 s, everything is there again.
    call.run_for(seconds{1});
    EXPECT_EQ(call.skipped_in(seconds{5}), 0U) << uplink;
    const std::uint64_t all = call.stats().frames;
    call.run_for(seconds{1});
    EXPECT_GE(call.stats().frames - all, 74U);
  }
}

// A NAT that gives the client another port. What was sent to the old one until the new one is
// proved (P-DATA-06) comes again in time for a play-out delay of 250 ms.
TEST(PlayOutOutage, AnotherAddressOfTheClientLeavesNoGap) {
  for (const bool pusher : {false, true}) {
    ImpairmentConfig moving = way(milliseconds{20});
    moving.address_changes = {Instant{seconds{6}}, Instant{seconds{9}}};
    const auto still = way(milliseconds{20});
    LiveCall call{9,
                  {.seconds = 16},
                  pusher ? moving : still,
                  pusher ? still : moving,
                  {client::PlayMode::kPlayOut, milliseconds{250}}};
    call.run_for(seconds{14});
    EXPECT_EQ(call.stats().skipped_frames, 0U) << pusher;
    EXPECT_GE(call.stats().frames, 13U * 75) << pusher;
    EXPECT_EQ(call.subscriber->subscriber.state(), client::Subscriber::State::kReceiving);
  }
}

}  // namespace
}  // namespace sluice::sim
