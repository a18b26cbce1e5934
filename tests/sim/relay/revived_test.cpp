// Parts that were lost between a pusher and the relay and came after all: sent again, or solved
// from repairs. The relay hands them on like any other, and no later than it could.
#include <map>
#include <utility>

#include <gtest/gtest.h>

#include "relay/stream/subscription.h"
#include "tests/sim/relay/house.h"

namespace sluice::sim {
namespace {

constexpr Duration kUplinkDelay = milliseconds{50};
constexpr Duration kDownlinkDelay = milliseconds{50};

/// A pusher behind a path of 15 % loss, where repairs have a share in recovery, and three
/// subscribers.
struct LossyUplink {
  LossyUplink(std::uint16_t pusher_ms, std::uint16_t play_out_ms, double downlink_loss)
      : ann(house.join("room", "ann", with(pushing({"cam"}, false), pusher_ms),
                       path(0.15, kUplinkDelay))) {
    for (const char* name : {"bob", "cyd", "dan"}) {
      bobs.push_back(&house.join("room", name, with(watching(), play_out_ms),
                                 path(downlink_loss, kDownlinkDelay)));
    }
    house.net.run_for(seconds{4});  // behind the start, when the past is sent
  }

  static RelayClientConfig with(RelayClientConfig config, std::uint16_t play_out_ms) {
    config.play_out_ms = play_out_ms;
    return config;
  }

  link::LinkStats uplink_stats() {
    return house.relay.link_stats(ann.link()->connection_id()).value();
  }

  House house;
  RelayClient& ann;
  std::vector<RelayClient*> bobs;
};

// P-REPAIR-04: what is revived is delivered like what arrived.
TEST(Revived, GoToEverySubscriptionWithinTheTurnInWhichTheyCame) {
  LossyUplink world{170, 400, 0};
  const relay::WorkerMetrics& metrics = world.house.relay.worker_metrics(0);
  std::uint64_t in = metrics.parts_in.value();
  std::uint64_t out = metrics.parts_forwarded.value();
  const link::LinkStats before = world.uplink_stats();
  std::uint64_t turns = 0;
  world.house.net.run_until(world.house.net.now() + seconds{10}, [&] {
    const std::uint64_t came =
        metrics.parts_in.value() - std::exchange(in, metrics.parts_in.value());
    const std::uint64_t went =
        metrics.parts_forwarded.value() - std::exchange(out, metrics.parts_forwarded.value());
    EXPECT_EQ(went, came * world.bobs.size());
    turns += came > 0 ? 1U : 0U;
    return testing::Test::HasFailure();
  });
  EXPECT_GT(turns, 500U);
  EXPECT_GT(world.uplink_stats().parts_revived, before.parts_revived + 10);
  EXPECT_GT(world.ann.link()->stats().parts_retransmitted, 100U);
  EXPECT_GT(metrics.parts_revived.value(), before.parts_revived);
  EXPECT_GT(metrics.repairs_in.value(), metrics.parts_revived.value());
  EXPECT_GT(metrics.feedback_bytes_out.value(), 10'000U);
  world.house.stop_media();
  world.house.net.run_for(seconds{2});
  for (RelayClient* bob : world.bobs) {
    const Difference difference =
        compare(world.ann.sent.at("cam/v"), bob->received.at("cam/v"),
                world.house.clients[1]->received.at("cam/v").begin()->first);
    EXPECT_EQ(difference.different, 0U);
  }
}

// P-TIME-01: a part that came late has the deadline of its frame, not one of its own.
TEST(Revived, KeepTheDeadlineOfTheirFrame) {
  LossyUplink world{300, 500, 0.15};
  world.house.net.run_for(seconds{12});
  constexpr Duration kPlayOut = milliseconds{500};
  for (RelayClient* bob : world.bobs) {
    // By track: a video and an audio frame of one timestamp need not be pushed at one instant.
    std::map<TrackId, Duration> base;
    const auto offset = [](const RelayClient::Arrival& a) {
      return a.at.time_since_epoch() - milliseconds{a.dts_ms};
    };
    for (const RelayClient::Arrival& a : bob->arrivals) {
      const auto found = base.emplace(a.track, offset(a)).first;
      found->second = std::min(found->second, offset(a));
    }
    std::size_t late = 0;
    Duration latest{};
    const Instant settled = world.house.net.now() - seconds{11};
    for (const RelayClient::Arrival& a : bob->arrivals) {
      if (a.at < settled) continue;
      const Duration behind = offset(a) - base.at(a.track);
      late += behind > 2 * kDownlinkDelay ? 1U : 0U;
      latest = std::max(latest, behind);
    }
    EXPECT_GT(late, 100U);
    EXPECT_LE(latest, kPlayOut + relay::kDeadlineMin);
    EXPECT_GT(latest, kPlayOut * 6 / 10) << "recovery uses the time there is";
  }
}

}  // namespace
}  // namespace sluice::sim
