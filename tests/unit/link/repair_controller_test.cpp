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
  RecoveryQueues queues{lost, repairs};
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
  // One copy in flight and n repairs: 0.2^(n + 1) <= 0.0025.
  EXPECT_EQ(repairs.size(), 3U);
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
  controller.on_report(path(351), frame.first + frame.count);
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
