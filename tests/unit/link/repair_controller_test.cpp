#include "proto/link/repair_controller.h"

#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/link/link_pair.h"

namespace sluice::link {
namespace {

using std::chrono::milliseconds;

Instant at_ms(std::int64_t ms) { return instant_from_us(1'000'000'000 + ms * 1'000); }

struct ControllerTest : testing::Test {
  ControllerTest() {
    controller.open(TrackId{1}, 1, false);
    track.keep_all = true;
  }

  PathView path(std::int64_t ms, double loss = 0.2) const {
    return {.now = at_ms(ms),
            .rtt = milliseconds{100},
            .min_rtt = milliseconds{100},
            .guard = milliseconds{5},
            .loss = loss};
  }

  wire::FragmentedFrame send(std::int64_t ms, std::size_t bytes, bool key = false) {
    const auto frame = track.add(bytes, static_cast<std::uint32_t>(ms), key);
    for (std::uint32_t i = 0; i < frame.count; ++i) {
      controller.on_sent(frame.first + i, track.ring.find(frame.first + i), at_ms(ms + 250));
    }
    return frame;
  }

  TestTrack track{TrackId{9}, Seq{Seq::kModulus - 3}};
  RetransmitQueue lost;
  RepairQueue repairs{kPendingRepairsMax};
  std::uint32_t retransmits_allowed = 1000;
  RecoveryQueues queues{lost, repairs, retransmits_allowed};
  RepairController controller;
};

TEST_F(ControllerTest, HasNothingToDoWithoutLoss) {  // P-REPAIR-03
  const auto frame = send(0, 8'000);
  EXPECT_EQ(controller.next_guard(path(0, 0)), kNever);
  for (std::uint32_t i = 0; i < frame.count; ++i) controller.on_acknowledged(frame.first + i);
  EXPECT_EQ(controller.next_guard(path(0)), kNever) << "all settled";
  EXPECT_TRUE(repairs.empty());
}

TEST_F(ControllerTest, MakesWhatIsOpenSafeInTheLastRound) {  // P-REPAIR-03
  const auto frame = send(0, 8'000);
  for (std::uint32_t i = 1; i < frame.count; ++i) controller.on_acknowledged(frame.first + i);
  EXPECT_EQ(controller.on_lost(path(110), frame.first), RepairController::Loss::kAgain);
  controller.on_sent_again(frame.first);
  EXPECT_EQ(controller.next_guard(path(110)), at_ms(245));
  controller.guard(path(244), queues);
  EXPECT_TRUE(repairs.empty());
  controller.guard(path(245), queues);
  // One copy in flight and n repairs: a fifth of 0.2^(n + 1) is below the first price, 0.00065.
  EXPECT_EQ(repairs.size(), 4U);
  EXPECT_TRUE(lost.empty());
  EXPECT_EQ(repairs.front().first, frame.first);
  EXPECT_EQ(repairs.front().span, 1U);
  EXPECT_EQ(controller.next_guard(path(245)), kNever) << "once for each frame";
}

TEST_F(ControllerTest, SendsLostPartsAsThemselvesBeforeRepairsAndMoreForKeyFrames) {
  const auto frame = send(0, 8'000, true);
  for (std::uint32_t i = 2; i < frame.count; ++i) controller.on_acknowledged(frame.first + i);
  for (std::uint32_t i = 0; i < 2; ++i) {
    EXPECT_EQ(controller.on_lost(path(200), frame.first + i), RepairController::Loss::kAgain);
    controller.on_dropped(frame.first + i);
  }
  controller.guard(path(245), queues);
  EXPECT_EQ(lost.size(), 2U);
  EXPECT_GE(repairs.size(), 5U);
  EXPECT_EQ(repairs.front().span, 2U);
}

TEST_F(ControllerTest, TheLastRoundSendsPartsAgainOnlyAsFarAsTheLinkMay) {
  const auto frame = send(0, 8'000, true);
  for (std::uint32_t i = 0; i < frame.count; ++i) {
    EXPECT_EQ(controller.on_lost(path(200), frame.first + i), RepairController::Loss::kAgain);
    controller.on_dropped(frame.first + i);
  }
  retransmits_allowed = 2;
  controller.guard(path(245), queues);
  EXPECT_EQ(lost.size(), 2U);
  EXPECT_EQ(retransmits_allowed, 0U);
}

TEST_F(ControllerTest, NamesTheOpenPartsOneByOneWhereOthersLieBetween) {  // P-REPAIR-01
  const auto frame = send(0, 8'000);
  for (std::uint32_t i = 1; i + 1 < frame.count; ++i) controller.on_acknowledged(frame.first + i);
  controller.guard(path(245), queues);
  ASSERT_FALSE(repairs.empty());
  EXPECT_EQ(repairs.front().span, frame.count);
  EXPECT_EQ(repairs.front().bitmap_bytes, 1U);
  EXPECT_EQ(repairs.front().bitmap[0], static_cast<std::byte>(1U | 1U << (frame.count - 1U)));
}

TEST_F(ControllerTest, ALossThatEquationsMakeUpForIsNotSentAgain) {  // P-RETX-01
  const auto frame = send(0, 8'000);
  for (std::uint32_t i = 1; i < frame.count; ++i) controller.on_acknowledged(frame.first + i);
  controller.guard(path(245), queues);
  ASSERT_FALSE(repairs.empty());
  controller.on_repair_sent(repairs.front().equation);
  controller.on_repair_settled(repairs.front().equation, true);
  EXPECT_EQ(controller.on_lost(path(245), frame.first), RepairController::Loss::kNeedless);
  controller.drop_past(path(900));
  EXPECT_EQ(controller.misses()[0].frames, 1U);
  EXPECT_EQ(controller.misses()[0].missed, 0U);
}

TEST_F(ControllerTest, EquationsMakeUpForNoMoreThanTheyAre) {  // P-RETX-01
  const auto frame = send(0, 8'000);
  const auto next = send(33, 8'000);
  for (std::uint32_t i = 2; i < frame.count; ++i) controller.on_acknowledged(frame.first + i);
  for (std::uint32_t i = 2; i < next.count; ++i) controller.on_acknowledged(next.first + i);
  controller.guard(path(245), queues);
  ASSERT_GE(repairs.size(), 3U);
  const std::uint32_t first = repairs.front().equation;
  for (std::uint32_t i = 0; i < repairs.size(); ++i) {
    controller.on_repair_sent(first + i);
    controller.on_repair_settled(first + i, i == 0);
  }
  EXPECT_EQ(controller.on_lost(path(244), frame.first), RepairController::Loss::kNeedless);
  EXPECT_EQ(controller.on_lost(path(244), frame.first + 1), RepairController::Loss::kAgain)
      << "one equation arrived, two parts are missing";
  EXPECT_EQ(controller.on_lost(path(244), next.first), RepairController::Loss::kAgain)
      << "it is over no part of this frame";
}

TEST_F(ControllerTest, GuardsSoundAsItGuardsKeyFrames) {  // P-REPAIR-03
  controller.open(TrackId{1}, 1, true);
  const auto block = send(0, 160);
  EXPECT_EQ(controller.next_guard(path(10)), at_ms(245));
  controller.guard(path(245), queues);
  EXPECT_GE(repairs.size(), 4U);
  EXPECT_EQ(repairs.front().first, block.first);
  EXPECT_EQ(repairs.front().span, 1U);
  EXPECT_EQ(controller.next_guard(path(10, 0)), kNever);
}

TEST(MissPrice, FallsWithWhatIsPromisedAndRisesWhereFewFramesComeLate) {
  MissPrice price;
  const double first = price.of(MissClass::kPlain);
  for (int i = 0; i < 100; ++i) price.on_frame(MissClass::kPlain);
  const double raised = price.of(MissClass::kPlain);
  EXPECT_GT(raised, first * 2);
  EXPECT_EQ(price.of(MissClass::kPrecious), 0.0002) << "each class has its own";
  price.promise(MissClass::kPlain, 0.01);
  EXPECT_LT(price.of(MissClass::kPlain), raised);
  // Where each frame is promised what it may cost, the price stays.
  MissPrice even;
  for (int i = 0; i < 10'000; ++i) {
    even.on_frame(MissClass::kPlain);
    even.promise(MissClass::kPlain, 0.00065 / even.bias(MissClass::kPlain));
  }
  EXPECT_NEAR(even.of(MissClass::kPlain), 0.00065, 1e-5);
}

TEST(MissPrice, BelievesTheMissesMoreThanTheModelInTheEnd) {
  MissPrice price;
  for (int i = 0; i < 100'000; ++i) {
    price.on_frame(MissClass::kPlain);
    if (i % 1'000 == 0) price.promise(MissClass::kPlain, 1);
    if (i % 500 == 0) price.on_missed(MissClass::kPlain);
  }
  EXPECT_NEAR(price.bias(MissClass::kPlain), 1.9, 0.2) << "two for each that was promised";
  for (int i = 0; i < 3'000; ++i) price.on_missed(MissClass::kPlain);
  EXPECT_EQ(price.bias(MissClass::kPlain), 4) << "bounded";
  MissPrice lucky;
  for (int i = 0; i < 100; ++i) lucky.promise(MissClass::kPlain, 1);
  EXPECT_EQ(lucky.bias(MissClass::kPlain), 0.5);
  for (int i = 0; i < 2'000'000; ++i) lucky.on_frame(MissClass::kPlain);
  EXPECT_NEAR(lucky.bias(MissClass::kPlain), 1.3, 0.01) << "it forgets";
  EXPECT_NEAR(price.bias(MissClass::kPrecious), 1.3, 0.01) << "each class has its own";
}

TEST_F(ControllerTest, CountsAMissByItsClass) {
  send(0, 8'000);
  send(33, 8'000, true);
  EXPECT_EQ(controller.on_lost(path(246), track.first), RepairController::Loss::kTooLate);
  controller.drop_past(path(900));
  EXPECT_EQ(controller.misses()[0].missed, 1U);
  EXPECT_EQ(controller.misses()[1].missed, 1U);
}

TEST_F(ControllerTest, AReportInTimeSettlesAndALateOneDoesNot) {
  const auto frame = send(0, 8'000);
  controller.on_report(path(300), frame.first + 1);
  EXPECT_TRUE(controller.settled(frame.first));
  controller.on_report(path(350), frame.first + frame.count);
  EXPECT_FALSE(controller.settled(frame.first + 1));
}

TEST_F(ControllerTest, IsBoundedWhateverIsLost) {  // P-REPAIR-03
  for (int i = 0; i < 2'000; ++i) {
    send(i, 20'000, true);
    controller.guard(path(i), queues);
  }
  controller.guard(path(2'300), queues);
  EXPECT_LE(repairs.size(), kPendingRepairsMax);
  EXPECT_LE(lost.size(), kRetransmitPartsMax);
}

}  // namespace
}  // namespace sluice::link
