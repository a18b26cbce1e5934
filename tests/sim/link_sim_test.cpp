// Two links over the simulated network: whatever the path does, every part arrives unaltered while
// its deadline allows, and every message once and in order.
#include <functional>

#include <gtest/gtest.h>

#include "sim/seed.h"
#include "tests/sim/link_node.h"

namespace sluice::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart{};
constexpr Duration kMediaTime = seconds{6};
constexpr Duration kAfterwards = seconds{9};
constexpr Duration kPatience = seconds{15};

Instant at_ms(std::int64_t ms) { return kStart + milliseconds{ms}; }

/// A client and a relay that push to each other.
struct World {
  World(std::uint64_t seed, const ImpairmentConfig& up, const ImpairmentConfig& down,
        const crypto::KeyLimits& limits = {})
      : random(seed),
        client(setup(link::Role::kClient, limits), kStart),
        relay(setup(link::Role::kRelay, limits), kStart),
        net(seed) {
    client.expect_from(relay.source);
    relay.expect_from(client.source);
    net.add(link::kClientAddress, client);
    net.add(link::kRelayAddress, relay);
    net.connect(link::kClientAddress, link::kRelayAddress, up, down);
  }

  link::LinkSetup setup(link::Role role, const crypto::KeyLimits& limits) {
    crypto::init_crypto();
    link::LinkSetup made = link::test_setup(role, random.source());
    made.key_limits = limits;
    return made;
  }

  /// Media and messages of both ends for kMediaTime, then silence until all that can come has come.
  void run(Duration patience = kPatience) {
    net.run_for(milliseconds{300});
    const Instant begin = net.now();
    for (std::int64_t ms = 0; begin + milliseconds{ms} < begin + kMediaTime; ms += 20) {
      net.at(begin + milliseconds{ms}, [this, ms, patience](Instant now) {
        for (LinkNode* node : {&client, &relay}) {
          node->push_audio(now, patience);
          // A key frame of 8x the size every 2 s, a picture each 40 ms: about 2 Mbit/s.
          if (ms % 40 == 0) node->push_picture(now, ms % 2'000 == 0 ? 64'000 : 8'000, patience);
          if (ms % 100 == 0) node->push_message();
        }
      });
    }
    net.run_for(kMediaTime + kAfterwards);
  }

  Xoshiro random;
  LinkNode client, relay;
  SimNet net;
};

void expect_all_arrived(const LinkNode& from, const LinkNode& to) {
  const auto missing = [](const std::vector<bool>& seen, const link::TestTrack& track) {
    const auto sent =
        static_cast<std::size_t>(track.fragmenter.next_seq().distance_from(track.first));
    std::size_t absent = sent - std::min(sent, seen.size());
    for (const bool here : seen) absent += here ? 0U : 1U;
    return absent;
  };
  EXPECT_EQ(missing(to.ledger.video, from.source.video), 0U);
  EXPECT_EQ(missing(to.ledger.audio, from.source.audio), 0U);
  EXPECT_EQ(to.ledger.altered, 0U);
  EXPECT_EQ(to.ledger.messages[0], from.source.messages);
  EXPECT_EQ(to.ledger.messages[1], from.source.messages);
  EXPECT_TRUE(to.ledger.messages_in_order);
  EXPECT_FALSE(to.ledger.closed);
  EXPECT_EQ(from.ledger.given_up, 0U);
}

struct Cell {
  const char* name;
  ImpairmentConfig path;
  double retransmitted_max;  // parts sent again, over parts sent once
  crypto::KeyLimits limits{};
  std::uint64_t address_changes = 0;
};

std::vector<Cell> cells() {
  const Duration owd = milliseconds{25};
  return {
      {"clean", {.latency = owd}, 0.0},
      {"loss of 5 %", {.latency = owd, .loss = 0.05}, 0.07},
      {"loss of 20 %", {.latency = owd, .loss = 0.2}, 0.29},
      {"loss of 20 % on a long path", {.latency = milliseconds{100}, .loss = 0.2}, 0.30},
      {"bursts", {.latency = owd, .burst = {.loss = 0.1, .burst_datagrams = 8}}, 0.16},
      {"jitter", {.latency = owd, .jitter = milliseconds{15}}, 0.005},
      {"reordering", {.latency = owd, .loss = 0.02, .reorder = 0.1}, 0.10},
      {"duplication", {.latency = owd, .loss = 0.05, .duplicate = 0.3}, 0.07},
      {"bit flips", {.latency = owd, .bit_flip = 0.1}, 0.13},
      {"everything at once",
       {.latency = owd,
        .jitter = milliseconds{5},
        .loss = 0.1,
        .burst = {.loss = 0.05, .burst_datagrams = 4},
        .duplicate = 0.05,
        .reorder = 0.05,
        .bit_flip = 0.02},
       0.35},
      {"an outage of 2 s", {.latency = owd, .outages = {{at_ms(2'000), at_ms(4'000)}}}, 0.40},
      {"a bottleneck", {.latency = owd, .rate_bits_per_s = 6'000'000}, 0.05},
      {"new keys all the time",
       {.latency = owd, .loss = 0.1, .reorder = 0.05},
       0.25,
       {.packets_max = 50, .age_max = seconds{1}}},
      {"a new address now and then",
       {.latency = owd,
        .loss = 0.05,
        .address_changes = {at_ms(1'500), at_ms(3'000), at_ms(5'000)}},
       0.25,
       {},
       3},
  };
}

TEST(LinkSim,
     EveryPartAndMessageArrivesOnEveryPath) {  // P-RETX-01, P-CTRL-01, P-LOSS-01, P-DATA-04
  for (const Cell& cell : cells()) {
    for (const std::uint64_t seed : seeds(1)) {
      SCOPED_TRACE(cell.name);
      SLUICE_SIM_SEED(seed);
      ImpairmentConfig down = cell.path;
      down.address_changes.clear();
      World world{seed, cell.path, down, cell.limits};
      world.run();
      expect_all_arrived(world.client, world.relay);
      expect_all_arrived(world.relay, world.client);
      EXPECT_EQ(world.relay.ledger.address_changes, cell.address_changes);
      for (LinkNode* node : {&world.client, &world.relay}) {
        const link::LinkStats stats = node->link().stats();
        const auto again = static_cast<double>(stats.parts_retransmitted);
        const double once = static_cast<double>(stats.media_parts_sent) - again;
        EXPECT_LE(again / once, cell.retransmitted_max);
      }
      if (HasFailure()) return;
    }
  }
}

TEST(LinkSim, DuplicatesAndFlippedBitsAreRefusedEachByItsName) {  // P-DATA-03
  World world{3,
              {.latency = milliseconds{20}, .duplicate = 0.2, .bit_flip = 0.1},
              {.latency = milliseconds{20}}};
  world.run();
  const ImpairmentCounters& path = world.net.counters(link::kClientAddress, link::kRelayAddress);
  link::Link& relay = world.relay.link();
  std::uint64_t refused = 0;
  for (std::size_t i = 0; i < kDropReasonCount; ++i) {
    refused += relay.drops(static_cast<DropReason>(i));
  }
  // Probes are repairs, and nobody opened a track for them here: not their packets are refused.
  refused -= relay.drops(DropReason::kUnknownTrack);
  EXPECT_EQ(world.relay.refused, refused);
  // A flipped copy of a packet that arrived is taken for its replay, or fails to open: both count.
  EXPECT_GE(relay.drops(DropReason::kReplayed) + path.flipped, path.duplicated);
  EXPECT_EQ(relay.stats().packets_received + refused, path.delivered);
  EXPECT_GT(relay.drops(DropReason::kAuthenticationFailed), 0U);
}

TEST(LinkSim, NothingIsSentThatCannotArriveInTime) {  // P-RETX-01
  constexpr Duration kOneWay = milliseconds{50};
  World world{4, {.latency = kOneWay, .loss = 0.2}, {.latency = kOneWay, .loss = 0.2}};
  // One round trip and the guard: what is known to be lost at once can go again, the rest cannot.
  world.run(2 * kOneWay + link::kGuardMin + milliseconds{1});
  for (LinkNode* node : {&world.client, &world.relay}) {
    const link::LinkStats stats = node->link().stats();
    EXPECT_GT(node->ledger.given_up, 0U);
    EXPECT_EQ(node->ledger.given_up, stats.parts_given_up);
    EXPECT_GT(stats.parts_retransmitted, 0U);
    EXPECT_LE(node->ledger.behind_deadline, kOneWay) << "it left when it had to";
    EXPECT_FALSE(node->ledger.closed);
  }
  EXPECT_TRUE(world.relay.ledger.messages_in_order);
  EXPECT_EQ(world.relay.ledger.messages[0], world.client.source.messages)
      << "control never gives up";
}

TEST(LinkSim, ASilentLinkStaysSilent) {  // P-KEEP-01, P-FEEDBACK-04
  World world{
      5, {.latency = milliseconds{25}, .loss = 0.2}, {.latency = milliseconds{25}, .loss = 0.2}};
  world.run();
  const std::uint64_t before = world.client.datagrams + world.relay.datagrams;
  world.net.run_for(seconds{60});
  EXPECT_LT(world.client.datagrams + world.relay.datagrams - before, 120U);
  EXPECT_FALSE(world.client.ledger.closed);
}

TEST(LinkSim, BothEndsAgreeThatTheOtherIsGone) {  // P-KEEP-01, P-CLOSE-01
  const Instant cut = at_ms(3'000);
  const ImpairmentConfig dead{.outages = {{cut, cut + seconds{600}}}};
  World world{6, dead, dead};
  world.run();
  world.net.run_for(seconds{60});
  for (LinkNode* node : {&world.client, &world.relay}) {
    ASSERT_TRUE(node->ledger.closed);
    EXPECT_EQ(node->ledger.closed->code, link::CloseCode::kIdle);
  }

  World polite{
      7, {.latency = milliseconds{25}, .loss = 0.1}, {.latency = milliseconds{25}, .loss = 0.1}};
  polite.net.run_for(seconds{2});
  polite.relay.link().close(polite.net.now(), link::CloseCode::kRoomClosed, "over");
  polite.net.run_for(seconds{2});
  ASSERT_TRUE(polite.relay.ledger.closed);
  ASSERT_TRUE(polite.client.ledger.closed);
  EXPECT_TRUE(polite.client.ledger.closed->by_peer);
  EXPECT_EQ(polite.client.ledger.closed->code, link::CloseCode::kRoomClosed);
  EXPECT_FALSE(polite.relay.ledger.closed->by_peer);
}

TEST(LinkSim, EqualSeedsGiveEqualHashes) {
  const auto hash = [](std::uint64_t seed) {
    const ImpairmentConfig rough{.latency = milliseconds{25},
                                 .jitter = milliseconds{5},
                                 .loss = 0.1,
                                 .duplicate = 0.1,
                                 .reorder = 0.1,
                                 .bit_flip = 0.05};
    World world{seed, rough, rough};
    world.run();
    return world.net.hash();
  };
  EXPECT_EQ(hash(11), hash(11));
  EXPECT_NE(hash(11), hash(12));
}

}  // namespace
}  // namespace sluice::sim
