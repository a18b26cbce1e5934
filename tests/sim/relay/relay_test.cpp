// A whole relay, door and workers, with real handshakes and links over the simulated network.
#include "tests/sim/relay/house.h"

namespace sluice::sim {
namespace {

void expect_three_member_room(const RelayNodeConfig& config, double loss) {
  House house{config};
  RelayClient& ann = house.join("room", "ann", pushing({"ann-cam"}), path(loss));
  RelayClient& bob = house.join("room", "bob", pushing({"bob-cam"}), path(loss));
  RelayClient& eve = house.join("room", "eve", pushing({"eve-cam"}), path(loss));
  house.net.run_for(seconds{6});
  house.stop_media();
  house.net.run_for(seconds{2});
  for (const char* kind : {"/v", "/a"}) {
    const auto of = [&](const char* name) { return std::string{name} + kind; };
    expect_whole(ann, bob, of("ann-cam"));
    expect_whole(ann, eve, of("ann-cam"));
    expect_whole(bob, ann, of("bob-cam"));
    expect_whole(bob, eve, of("bob-cam"));
    expect_whole(eve, ann, of("eve-cam"));
    expect_whole(eve, bob, of("eve-cam"));
    EXPECT_FALSE(ann.received.contains(of("ann-cam")));  // P-CTRL-06
  }
  EXPECT_EQ(house.relay.drops(DropReason::kMalformed), 0U);
  EXPECT_EQ(house.relay.drops(DropReason::kAuthenticationFailed), 0U);
}

TEST(Relay, ThreeMembersSeeEachOthersStreamsBitExact) { expect_three_member_room({}, 0); }

TEST(Relay, ThreeMembersSeeEachOthersStreamsBitExactAtFivePercentLoss) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    RelayNodeConfig config;
    config.seed = seed;
    expect_three_member_room(config, 0.05);
  }
}

TEST(Relay, BranchesOnOtherWorkersCarryTheSameBits) {
  RelayNodeConfig config;
  config.workers = 3;
  config.placement = relay::Placement::kRoundRobin;
  expect_three_member_room(config, 0.05);
}

TEST(Relay, ManyMembersOverTwoWorkersShareOneHandoverEach) {
  RelayNodeConfig config;
  config.workers = 2;
  config.placement = relay::Placement::kRoundRobin;
  House house{config};
  RelayClient& ann = house.join("room", "ann", pushing({"cam"}));
  for (int i = 0; i < 8; ++i) house.join("room", "viewer" + std::to_string(i), watching());
  house.net.run_for(seconds{3});
  house.stop_media();
  house.net.run_for(seconds{1});
  for (std::size_t i = 1; i < house.clients.size(); ++i) {
    expect_whole(ann, *house.clients[i], "cam/v");
  }
  const std::uint64_t in = house.relay.worker_metrics(0).parts_in.value();
  EXPECT_EQ(house.relay.worker_metrics(0).handover_parts_out.value(), in);
  EXPECT_EQ(house.relay.worker_metrics(1).handover_parts_in.value(), in);
}

// Threat 12: whatever a pusher writes into its headers is dropped by name or passed on as it is,
// and costs nobody else anything.
TEST(Relay, AHostilePusherHarmsOnlyItself) {
  RelayNodeConfig config;
  config.workers = 2;
  config.placement = relay::Placement::kRoundRobin;
  House house{config};
  RelayClient& ann = house.join("room", "ann", pushing({"cam"}));
  RelayClient& evil = house.join("room", "evil", pushing({"evil"}));
  RelayClient& bob = house.join("room", "bob", watching());
  house.net.run_for(seconds{1});
  evil.stop_media();
  Xoshiro random{99};
  PacketRing ring;
  evil.link()->open_egress_track(TrackId{0}, &ring, link::Priority::kBase);
  std::uint32_t number = 0;
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < 20; ++i) {
      wire::MediaHeader lie;
      lie.seq = Seq{static_cast<std::uint32_t>(random.chance(0.5) ? random.next() : number)};
      lie.count = static_cast<std::uint16_t>(1 + random.below(random.chance(0.2) ? 4095 : 4));
      lie.index = static_cast<std::uint16_t>(random.below(lie.count));
      lie.dts = static_cast<std::uint32_t>(random.next()) & 0xFFFFFF;
      lie.dep = static_cast<std::uint8_t>(random.next());
      lie.keyframe = random.chance(0.3);
      lie.discardable = random.chance(0.3);
      std::vector<std::byte> part(kMediaHeaderBytes + 1 + random.below(kPartBytesMax));
      wire::encode_media_header(lie, std::span<std::byte>{part}.first<kMediaHeaderBytes>());
      ring.insert(Seq{number}, part, Seq{number});
      static_cast<void>(
          evil.link()->queue_media(TrackId{0}, Seq{number}, 1, house.net.now() + seconds{1}));
      ++number;
    }
    house.net.run_for(milliseconds{10});
  }
  house.net.run_for(seconds{1});
  house.stop_media();
  house.net.run_for(seconds{1});
  expect_whole(ann, bob, "cam/v");
  expect_whole(ann, bob, "cam/a");
  expect_whole(ann, evil, "cam/v");
  EXPECT_GT(house.relay.drops(DropReason::kMalformed), 0U);
  EXPECT_TRUE(evil.joined());
}

TEST(Relay, ARoomEndsWithItsLastLinkAndEveryGaugeGoesBackToZero) {
  RelayNodeConfig config;
  config.workers = 2;
  config.placement = relay::Placement::kRoundRobin;
  House house{config};
  for (int round = 0; round < 3; ++round) {
    std::vector<RelayClient*> members;
    for (int i = 0; i < 4; ++i) {
      members.push_back(
          &house.join("room", "user" + std::to_string(i), pushing({"cam" + std::to_string(i)})));
    }
    house.net.run_for(milliseconds{500});
    for (RelayClient* member : members) member->leave(house.net.now());
    house.net.run_for(seconds{4});
  }
  for (std::size_t i = 0; i < 2; ++i) {
    const relay::WorkerMetrics& metrics = house.relay.worker_metrics(i);
    for (const relay::Gauge* gauge :
         {&metrics.links, &metrics.members, &metrics.streams, &metrics.subscriptions,
          &metrics.branches, &metrics.subscriptions_paused}) {
      EXPECT_EQ(gauge->value(), 0U);
    }
  }
  EXPECT_EQ(house.relay.door_metrics().rooms.value(), 0U);
  EXPECT_EQ(house.relay.door_metrics().links.value(), 0U);
  EXPECT_EQ(house.relay.door_metrics().half_open.value(), 0U);
  std::size_t ups = 0;
  std::size_t downs = 0;
  for (const relay::RelayEvent& event : house.relay.events) {
    ups += std::holds_alternative<relay::RoomUp>(event) ? 1U : 0U;
    downs += std::holds_alternative<relay::RoomDown>(event) ? 1U : 0U;
  }
  EXPECT_EQ(ups, 3U);
  EXPECT_EQ(downs, 3U);
}

TEST(Relay, DrainRefusesJoinersClosesLinksAtItsTimeAndAnswersWhenAllAreGone) {
  House house;
  RelayClient& ann = house.join("room", "ann", watching());
  house.net.run_for(milliseconds{200});
  house.relay.ask(house.net.now(), relay::kDoorParty,
                  relay::AskDrain{relay::QuestionId{9}, seconds{1}});
  RelayClient& late = house.join("room", "late", watching());
  house.net.run_for(milliseconds{500});
  EXPECT_EQ(late.refused, crypto::HandshakeStatus::kDraining);
  EXPECT_FALSE(ann.closed.has_value());
  EXPECT_TRUE(house.relay.answers.empty());
  house.net.run_for(seconds{1});
  EXPECT_EQ(ann.closed, link::CloseCode::kDraining);
  EXPECT_EQ(house.relay.answers.size(), 1U);
}

TEST(Relay, EqualSeedsGiveEqualRuns) {
  const auto hash = [] {
    RelayNodeConfig config;
    config.workers = 2;
    config.placement = relay::Placement::kRoundRobin;
    House house{config};
    house.join("room", "ann", pushing({"a"}), path(0.05));
    house.join("room", "bob", pushing({"b"}), path(0.05));
    house.net.run_for(seconds{2});
    return house.net.hash();
  };
  EXPECT_EQ(hash(), hash());
}

}  // namespace
}  // namespace sluice::sim
