#include "sim/net.h"

#include <deque>
#include <set>

#include <gtest/gtest.h>

#include "sim/seed.h"

namespace sluice::sim {
namespace {

using std::chrono::milliseconds;

constexpr Duration kEvery = milliseconds{10};

Instant at_ms(std::int64_t ms) { return Instant{milliseconds{ms}}; }

/// Sends a numbered datagram to its peer every 10 ms and remembers what came from whom and when.
class Chatter : public SimNode {
 public:
  explicit Chatter(const Address& peer) : peer_(peer) {}

  void handle_datagram(Instant now, Bytes bytes, const Address& from) override {
    received.push_back({now, from, {bytes.begin(), bytes.end()}});
    if (follow) peer_ = from;
  }

  void handle_timeout(Instant now) override {
    for (std::size_t i = 0; i < burst; ++i) {
      outbox_.push_back({peer_, std::vector<std::byte>(4, static_cast<std::byte>(sent++))});
    }
    deadline_ = now + kEvery;
  }

  Instant next_deadline() const override { return silent ? kNever : deadline_; }

  std::optional<SimDatagram> poll_datagram(Instant) override {
    if (outbox_.empty()) return std::nullopt;
    SimDatagram datagram = std::move(outbox_.front());
    outbox_.pop_front();
    return datagram;
  }

  struct Received {
    Instant at;
    Address from;
    std::vector<std::byte> bytes;
  };

  std::vector<Received> received;
  std::size_t burst = 1;
  std::uint64_t sent = 0;
  bool silent = false;
  bool follow = false;  // answers go where the last datagram came from

 private:
  Address peer_;
  Instant deadline_{};
  std::deque<SimDatagram> outbox_;
};

const Address kA = Address::v4(10, 0, 0, 1, 1000);
const Address kB = Address::v4(10, 0, 0, 2, 2000);

/// Two chatters, one second.
struct Pair {
  explicit Pair(std::uint64_t seed, const ImpairmentConfig& there = {},
                const ImpairmentConfig& back = {})
      : net(seed) {
    net.add(kA, a);
    net.add(kB, b);
    net.connect(kA, kB, there, back);
  }

  Chatter a{kB}, b{kA};
  SimNet net;
};

const ImpairmentConfig kRough{.latency = milliseconds{20},
                              .jitter = milliseconds{15},
                              .loss = 0.1,
                              .duplicate = 0.05,
                              .reorder = 0.1};

TEST(SimNet, DeliversAfterTheLatencyFromTheSendersAddress) {
  Pair pair{1, {.latency = milliseconds{30}}};
  pair.b.silent = true;
  pair.net.run_until(at_ms(100));
  ASSERT_EQ(pair.b.received.size(), 8U);  // sent at 0, 10, ... 70
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(pair.b.received[i].at, at_ms(30 + 10 * static_cast<std::int64_t>(i)));
    EXPECT_EQ(pair.b.received[i].from, kA);
  }
  EXPECT_EQ(pair.net.now(), at_ms(100));
}

TEST(SimNet, EqualSeedsGiveEqualHashesAndOthersDoNot) {
  std::set<std::uint64_t> hashes;
  for (const std::uint64_t seed : seeds(20)) {
    SLUICE_SIM_SEED(seed);
    Pair first{seed, kRough, kRough}, second{seed, kRough, kRough};
    first.net.run_until(at_ms(1000));
    second.net.run_until(at_ms(1000));
    EXPECT_EQ(first.net.hash(), second.net.hash());
    EXPECT_EQ(first.net.events(), second.net.events());
    EXPECT_TRUE(hashes.insert(first.net.hash()).second);
  }
}

TEST(SimNet, TheHashSeesASingleChangedByte) {
  Pair plain{1}, flipped{1};
  flipped.a.sent = 1;  // the first byte that travels differs
  plain.net.run_until(at_ms(5));
  flipped.net.run_until(at_ms(5));
  EXPECT_EQ(plain.net.events(), flipped.net.events());
  EXPECT_NE(plain.net.hash(), flipped.net.hash());
}

TEST(SimNet, KeepsTheOrderOfWhatArrivesAtOneInstant) {
  Pair pair{1, {.latency = milliseconds{5}}};
  pair.a.burst = 50;
  pair.b.silent = true;
  pair.net.run_until(at_ms(5));
  ASSERT_EQ(pair.b.received.size(), 50U);
  for (std::size_t i = 0; i < 50; ++i) EXPECT_EQ(to_u8(pair.b.received[i].bytes[0]), i);
}

TEST(SimNet, RunsToTheSameStateInOneGoOrInSteps) {
  Pair whole{3, kRough, kRough}, steps{3, kRough, kRough};
  whole.net.run_until(at_ms(500));
  for (int i = 0; i < 50; ++i) steps.net.run_for(milliseconds{10});
  EXPECT_EQ(whole.net.hash(), steps.net.hash());
}

TEST(SimNet, StopsAsSoonAsTheTestIsSatisfied) {
  Pair pair{1, {.latency = milliseconds{30}}};
  EXPECT_TRUE(pair.net.run_until(at_ms(1000), [&] { return pair.b.received.size() == 2; }));
  EXPECT_EQ(pair.net.now(), at_ms(40));
  EXPECT_FALSE(pair.net.run_until(at_ms(50), [] { return false; }));
}

TEST(SimNet, ActionsOfTheTestHappenAtTheirMoment) {
  Pair pair{1};
  Instant seen{};
  pair.net.at(at_ms(33), [&](Instant now) {
    seen = now;
    pair.a.silent = true;
  });
  pair.net.run_until(at_ms(100));
  EXPECT_EQ(seen, at_ms(33));
  EXPECT_EQ(pair.b.received.size(), 4U);
}

TEST(SimNet, AChangedAddressIsSeenAndTheOldOneIsDead) {
  Pair pair{1, {.address_changes = {at_ms(45)}}};
  pair.b.follow = true;
  pair.net.run_until(at_ms(44));
  EXPECT_EQ(pair.b.received.back().from, kA);
  pair.net.at(at_ms(46),
              [&](Instant now) { pair.b.handle_timeout(now); });  // answers the old address
  pair.net.run_until(at_ms(49));
  EXPECT_EQ(pair.net.unreachable(), 1U);
  pair.net.run_until(at_ms(100));
  Address moved = kA;
  ++moved.port;
  EXPECT_EQ(pair.b.received.back().from, moved);
  EXPECT_EQ(pair.net.unreachable(), 1U);  // from then on answers arrive again
}

TEST(SimNet, NodesWithoutAPathDoNotReachEachOther) {
  Chatter lonely{kB};
  SimNet net{1};
  net.add(kA, lonely);
  net.run_until(at_ms(95));
  EXPECT_EQ(net.unreachable(), 10U);
}

TEST(SimNet, APathCanChangeUnderWay) {
  Pair pair{1};
  pair.b.silent = true;
  pair.net.run_until(at_ms(95));
  pair.net.connect(kA, kB, {.loss = 1}, {});
  pair.net.run_until(at_ms(195));
  EXPECT_EQ(pair.b.received.size(), 10U);
  EXPECT_EQ(pair.net.counters(kA, kB).lost_random, 10U);
}

/// A node whose deadline never moves on.
class Stuck : public Chatter {
 public:
  using Chatter::Chatter;

  void handle_timeout(Instant) override {}
};

TEST(SimNetDeathTest, ALivelockFailsInsteadOfHanging) {
  Stuck stuck{kB};
  SimNet net{1};
  net.add(kA, stuck);
  EXPECT_DEATH(net.run_until(at_ms(1)), "kTimeoutsAtOneInstantMax");
}

}  // namespace
}  // namespace sluice::sim
