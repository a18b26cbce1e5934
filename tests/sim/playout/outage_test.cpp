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

/// Ten changes of the client's address, each at another moment of the media's rhythm.
std::vector<Instant> ten_changes() {
  std::vector<Instant> changes;
  for (int i = 0; i < 10; ++i) changes.push_back(Instant{seconds{4} + milliseconds{1037} * i});
  return changes;
}

/// Frames that a call misses in which a client's address changes ten times: of the pusher, or of
/// the subscriber. What is on its way to an old address is lost.
std::uint64_t missed_with_changes(bool of_pusher, Duration owd,
                                  const client::JitterBuffer::Config& buffer) {
  const auto still = way(owd);
  ImpairmentConfig moving = still;
  moving.address_changes = ten_changes();
  LiveCall call{9, {.seconds = 18}, of_pusher ? moving : still, of_pusher ? still : moving, buffer};
  call.run_for(seconds{17});
  EXPECT_EQ(call.subscriber->subscriber.state(), client::Subscriber::State::kReceiving);
  EXPECT_GE(call.stats().frames, 16U * 75);
  return call.stats().skipped_frames;
}

// A NAT that gives the client another port. What was sent to the old one until the new one is
// proved (P-DATA-06) comes again two round trips after it should have come the first time, and what
// the client needs to say something: at most 40 ms with the media of this call.
TEST(PlayOutOutage, AnotherAddressOfTheClientLeavesNoGap) {  // P-DATA-06, P-KEEP-02
  for (const int owd_ms : {10, 20, 40, 50, 60}) {
    const client::JitterBuffer::Config fixed{client::PlayMode::kPlayOut, milliseconds{250}};
    EXPECT_EQ(missed_with_changes(false, milliseconds{owd_ms}, fixed), 0U) << owd_ms;
    EXPECT_EQ(missed_with_changes(true, milliseconds{owd_ms}, fixed), 0U) << owd_ms;
  }
}

// An adaptive play-out delay is 15 ms on a clean path: the first change costs what comes later than
// that, three pictures and three blocks of sound, and the delay that it teaches bears the others.
TEST(PlayOutOutage, AnotherAddressCostsAnAdaptivePlayOutSixFramesOnce) {
  const client::JitterBuffer::Config adaptive{client::PlayMode::kPlayOut, client::kPatience,
                                              client::PlayOutDelay::Bounds{}};
  EXPECT_EQ(missed_with_changes(false, milliseconds{20}, adaptive), 6U);
  EXPECT_EQ(missed_with_changes(true, milliseconds{20}, adaptive), 0U);
}

}  // namespace
}  // namespace sluice::sim
