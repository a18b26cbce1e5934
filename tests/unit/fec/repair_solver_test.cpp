#include "proto/fec/repair_solver.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "proto/fec/coefficients.h"
#include "tests/unit/fec/coded_track.h"

namespace sluice::fec {
namespace {

/// A track of which the receiving end has some parts, and its solver.
struct Leg {
  explicit Leg(Seq first = Seq{100})
      : track(first), solver(CodedTrack::kReceivedTrack, track.received) {}

  /// `count` more parts; those in `lost` (counted from the track's first) do not arrive.
  void send(std::uint32_t count, const std::vector<std::uint32_t>& lost) {
    const std::uint32_t before = track.parts();
    track.add_frame(random, count * kPartBytesMax - random.below(count));
    for (std::uint32_t i = before; i < track.parts(); ++i) {
      if (std::find(lost.begin(), lost.end(), i) == lost.end()) arrive(i);
    }
  }

  void arrive(std::uint32_t i) {
    track.arrive(track.first() + i);
    solver.on_part(track.first() + i);
  }

  Status<> repair(std::uint32_t from, std::size_t span, std::uint16_t seed) {
    return solver.on_repair(track.repair(track.first() + from, span, seed).view());
  }

  /// Takes what was revived, checks it, and stores it, as an owner does.
  std::vector<std::uint32_t> take() {
    std::vector<std::uint32_t> taken;
    while (const auto revived = solver.poll_revived()) {
      const std::vector<std::byte> part(revived->part.begin(), revived->part.end());
      EXPECT_EQ(part, track.as_received(revived->seq)) << revived->seq.value();
      track.received.insert(revived->seq, part, track.first());
      taken.push_back(static_cast<std::uint32_t>(revived->seq.distance_from(track.first())));
    }
    std::sort(taken.begin(), taken.end());
    return taken;
  }

  sim::Xoshiro random{42};
  CodedTrack track;
  RepairSolver solver;
};

using Parts = std::vector<std::uint32_t>;

void expect_drop(const Status<>& status, DropReason reason) {
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error(), reason);
}

// P-REPAIR-01, P-REPAIR-02
TEST(RepairSolver, RevivesAPartAcrossTheWrapOfTheNumber) {
  for (const std::uint32_t first : {0U, 1U, 32767U, 65535U, Seq::kModulus - 3}) {
    Leg leg{Seq{first}};
    leg.send(8, {5});
    EXPECT_TRUE(leg.repair(0, 8, 1).has_value());
    EXPECT_EQ(leg.solver.open_equations(), 0U);
    EXPECT_EQ(leg.take(), Parts{5}) << first;
    EXPECT_EQ(leg.solver.counts().revived, 1U);
  }
}

TEST(RepairSolver, SolvesAsManyMissingPartsAsItHasEquations) {
  Leg leg;
  leg.send(40, {0, 7, 8, 39});
  for (std::uint16_t seed = 1; seed <= 3; ++seed) {
    EXPECT_TRUE(leg.repair(0, 40, seed).has_value());
    EXPECT_EQ(leg.solver.open_equations(), seed);
    EXPECT_EQ(leg.take(), Parts{});
  }
  EXPECT_TRUE(leg.repair(0, 40, 4).has_value());
  EXPECT_EQ(leg.take(), (Parts{0, 7, 8, 39}));
}

TEST(RepairSolver, SolvesAPartOfTheUnknownsAsSoonAsTheyAreDetermined) {
  Leg leg;
  leg.send(20, {3, 12, 13});
  EXPECT_TRUE(leg.repair(0, 20, 1).has_value());
  EXPECT_TRUE(leg.repair(10, 10, 2).has_value());
  EXPECT_EQ(leg.take(), Parts{});
  EXPECT_TRUE(leg.repair(5, 10, 3).has_value()) << "over 12 and 13: both are known, and so is 3";
  EXPECT_EQ(leg.take(), (Parts{3, 12, 13}));
}

TEST(RepairSolver, UsesPartsThatComeAfterTheRepair) {
  Leg leg;
  leg.send(10, {2, 4, 6});
  EXPECT_TRUE(leg.repair(0, 10, 1).has_value());
  leg.arrive(2);  // the pivot
  EXPECT_EQ(leg.take(), Parts{});
  leg.arrive(6);
  EXPECT_EQ(leg.take(), Parts{4});
  EXPECT_EQ(leg.solver.open_equations(), 0U);
}

TEST(RepairSolver, SeesPartsThatItsOwnerStoresLater) {
  Leg leg;
  leg.send(10, {2, 4});
  leg.solver.on_part(leg.track.first() + 4);  // told of, not stored yet
  EXPECT_TRUE(leg.repair(0, 10, 1).has_value());
  leg.track.arrive(leg.track.first() + 4);
  EXPECT_EQ(leg.take(), Parts{2});
}

TEST(RepairSolver, GivesNothingTwice) {
  Leg leg;
  leg.send(10, {2, 4});
  EXPECT_TRUE(leg.repair(0, 10, 1).has_value());
  expect_drop(leg.repair(0, 10, 1), DropReason::kRepairUnneeded);
  EXPECT_EQ(leg.solver.open_equations(), 1U);
  EXPECT_TRUE(leg.repair(0, 10, 2).has_value());
  leg.arrive(4);  // before it is taken
  EXPECT_EQ(leg.take(), Parts{2});
  expect_drop(leg.repair(0, 10, 3), DropReason::kRepairUnneeded);
  EXPECT_EQ(leg.take(), Parts{});
  EXPECT_EQ(leg.solver.counts().implausible, 0U);
}

TEST(RepairSolver, TakesARepairWhileSolvedPartsWaitToBeTaken) {
  Leg leg;
  leg.send(10, {2, 4});
  EXPECT_TRUE(leg.repair(0, 4, 1).has_value());
  EXPECT_TRUE(leg.repair(0, 10, 2).has_value()) << "2 is known to the solver alone";
  EXPECT_EQ(leg.take(), (Parts{2, 4}));
}

TEST(RepairSolver, ReadsOnlyThePartsThatABitmapNames) {
  Leg leg;
  leg.send(10, {2, 3, 4});
  std::vector<std::byte> bitmap{std::byte{0b0001'0011}, std::byte{0}};
  EXPECT_TRUE(leg.solver.on_repair(leg.track.repair(Seq{100}, 10, 1, bitmap).view()).has_value());
  EXPECT_EQ(leg.take(), Parts{4});
}

TEST(RepairSolver, WorksBeforeTheFirstPartArrives) {
  Leg leg;
  leg.send(2, {0, 1});
  EXPECT_TRUE(leg.repair(0, 2, 1).has_value());
  leg.arrive(1);
  EXPECT_EQ(leg.take(), Parts{0});
}

TEST(RepairSolver, ARepairFarFromTheFirstPartDoesNotMisleadIt) {
  Leg leg;
  leg.send(4, {0, 1, 2, 3});
  SentRepair lie = leg.track.repair(leg.track.first(), 2, 1);
  lie.first = lie.first + 1'000'000;
  EXPECT_TRUE(leg.solver.on_repair(lie.view()).has_value());
  leg.arrive(0);
  EXPECT_EQ(leg.solver.open_equations(), 0U);
  leg.arrive(1);
  leg.arrive(2);
  EXPECT_TRUE(leg.repair(0, 4, 1).has_value());
  EXPECT_EQ(leg.take(), Parts{3});
}

TEST(RepairSolver, RefusesWhatLiesAboutItsPlaceOrLength) {
  Leg leg;
  leg.send(10, {4});
  const SentRepair good = leg.track.repair(leg.track.first(), 10, 1);
  const auto refused = [&](auto change, DropReason reason) {
    SentRepair bad = good;
    change(bad);
    expect_drop(leg.solver.on_repair(bad.view()), reason);
    EXPECT_EQ(leg.solver.open_equations(), 0U);
    EXPECT_EQ(leg.take(), Parts{});
  };
  refused([](SentRepair& r) { r.span = 0; }, DropReason::kMalformed);
  refused([](SentRepair& r) { r.span = 257; }, DropReason::kMalformed);
  refused([](SentRepair& r) { r.bitmap.resize(1); }, DropReason::kMalformed);
  refused([](SentRepair& r) { r.coded.resize(kCodedFieldsBytes); }, DropReason::kMalformed);
  refused([](SentRepair& r) { r.coded.resize(kCodedBytesMax + 1); }, DropReason::kMalformed);
  refused([](SentRepair& r) { r.coded.resize(500); }, DropReason::kRepairImplausible);
  refused([](SentRepair& r) { r.first = r.first + 2100; }, DropReason::kRepairImplausible);
  refused([](SentRepair& r) { r.first = r.first - 2100; }, DropReason::kRepairStale);
  // P-REPAIR-04: two of them were lies, the others may be late or garbled.
  EXPECT_EQ(leg.solver.counts().implausible, 2U);
}

TEST(RepairSolver, RevivesNothingFromARepairThatLiesAboutLengthsOrFields) {
  struct Case {
    const char* name;
    std::size_t at;
    int flips;
  };

  for (const Case& c : {
           Case{"a length that no part has", 0, 0xFF},
           Case{"a shorter length: the padding holds something", 1, 8},
           Case{"no MEDIA type", 2, 0x80},
           Case{"a length flag", 2, 1},
           Case{"an index beyond the count", 3, 0xFF},
           Case{"something in the padding", kCodedBytesMax - 1, 1},
       }) {
    Leg leg;
    leg.track.add_frame(leg.random, 10'000);  // 9 parts of 1112 bytes
    for (std::uint32_t i = 0; i < 9; ++i) {
      if (i != 4) leg.arrive(i);
    }
    SentRepair lie = leg.track.repair(leg.track.first(), 9, 1);
    lie.coded.resize(kCodedBytesMax);
    // What solving divides by, so that the part that comes out has these bits flipped.
    const std::uint8_t factor = coefficient(1, leg.track.first() + 4);
    lie.coded[c.at] ^= std::byte{multiply(factor, static_cast<std::uint8_t>(c.flips))};
    EXPECT_TRUE(leg.solver.on_repair(lie.view()).has_value()) << c.name;
    EXPECT_EQ(leg.take(), Parts{}) << c.name;
    EXPECT_EQ(leg.solver.counts().implausible, 1U) << c.name;
    EXPECT_TRUE(leg.repair(0, 9, 2).has_value());
    EXPECT_EQ(leg.take(), Parts{4}) << "the lie left nothing behind";
  }
}

TEST(RepairSolver, DropsEquationsThatContradictAPart) {
  Leg leg;
  leg.send(10, {4});
  SentRepair lie = leg.track.repair(leg.track.first(), 10, 1);
  lie.coded[600] ^= std::byte{1};
  EXPECT_TRUE(leg.solver.on_repair(lie.view()).has_value());
  leg.arrive(4);
  EXPECT_EQ(leg.solver.counts().implausible, 1U);
  EXPECT_EQ(leg.take(), Parts{});
}

TEST(RepairSolver, DropsEquationsThatAreShorterThanAPartTheyName) {
  Leg leg;
  leg.send(4, {1, 2});
  SentRepair lie = leg.track.repair(leg.track.first() + 1, 2, 1);
  lie.coded.resize(500);
  EXPECT_TRUE(leg.solver.on_repair(lie.view()).has_value());
  leg.arrive(1);
  EXPECT_EQ(leg.solver.counts().implausible, 1U);
  EXPECT_EQ(leg.solver.open_equations(), 0U);
  EXPECT_EQ(leg.take(), Parts{});
}

TEST(RepairSolver, ForgetsThePastAndKeepsWhatTheRestSays) {
  Leg leg;
  leg.send(20, {2, 12});
  EXPECT_TRUE(leg.repair(0, 20, 1).has_value());
  leg.solver.forget_before(leg.track.first() + 10);
  EXPECT_EQ(leg.solver.open_equations(), 0U);
  EXPECT_EQ(leg.solver.counts().forgotten, 1U);
  expect_drop(leg.repair(0, 10, 2), DropReason::kRepairStale);

  // Two equations over a past unknown and another: one goes with the past, one stays.
  Leg two;
  two.send(20, {2, 12, 13});
  EXPECT_TRUE(two.repair(0, 20, 1).has_value());
  EXPECT_TRUE(two.repair(0, 20, 2).has_value());
  two.solver.forget_before(two.track.first() + 10);
  EXPECT_EQ(two.solver.open_equations(), 1U);
  EXPECT_TRUE(two.repair(10, 10, 3).has_value());
  EXPECT_EQ(two.take(), (Parts{12, 13}));
}

TEST(RepairSolver, ForgetsWhatTheTrackHasLeftFarBehind) {
  Leg leg;
  leg.send(10, {2, 4});
  EXPECT_TRUE(leg.repair(0, 10, 1).has_value());
  while (leg.track.parts() < kRepairReachParts + 100) leg.send(100, {});
  const std::uint32_t next = leg.track.parts();
  leg.send(10, {next + 1});
  EXPECT_TRUE(leg.repair(next, 10, 1).has_value());
  EXPECT_EQ(leg.solver.counts().forgotten, 1U);
  EXPECT_EQ(leg.take(), Parts{next + 1});
}

TEST(RepairSolver, GivesUpTheOldestEquationWhenItHasTheMost) {
  Leg leg;
  Parts lost;
  for (std::uint32_t i = 0; i < 250; ++i) lost.push_back(i);
  leg.send(10, lost);
  leg.send(240, lost);
  for (std::size_t i = 0; i < kEquationsMax; ++i) {
    EXPECT_TRUE(leg.repair(10, 240, static_cast<std::uint16_t>(i)).has_value());
  }
  EXPECT_EQ(leg.solver.open_equations(), kEquationsMax);
  EXPECT_TRUE(leg.repair(240, 10, 9).has_value());
  EXPECT_EQ(leg.solver.open_equations(), kEquationsMax);
  EXPECT_EQ(leg.solver.counts().forgotten, 1U);
}

TEST(RepairSolver, MakesRoomForNewUnknownsByForgettingOlderWindows) {
  Leg leg;
  leg.send(1, {});
  Parts lost;
  for (std::uint32_t i = 1; i < 1000; ++i) lost.push_back(i);
  while (leg.track.parts() < 1000) leg.send(37, lost);
  EXPECT_TRUE(leg.repair(1, 256, 1).has_value());
  EXPECT_TRUE(leg.repair(257, 256, 1).has_value());
  EXPECT_TRUE(leg.repair(600, 256, 1).has_value());
  EXPECT_EQ(leg.solver.counts().forgotten, 2U);
  EXPECT_EQ(leg.solver.open_equations(), 1U);
  for (std::uint32_t i = 601; i < 856; ++i) leg.arrive(i);
  EXPECT_EQ(leg.take(), Parts{600});
}

}  // namespace
}  // namespace sluice::fec
