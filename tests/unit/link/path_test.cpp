#include "proto/link/path.h"

#include <gtest/gtest.h>

#include "proto/link/closing.h"
#include "proto/link/lifetime.h"
#include "proto/link/track_reports.h"
#include "sim/xoshiro.h"

namespace sluice::link {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Instant at_ms(std::int64_t ms) { return Instant{milliseconds{ms}}; }

const Address kOld = Address::v4(10, 0, 0, 1, 1);
const Address kNew = Address::v4(10, 0, 0, 1, 2);
const Address kOther = Address::v4(10, 0, 0, 9, 9);

struct PathTest : testing::Test {
  sim::Xoshiro random{1};
  Path path{kOld};
  RandomSource source = random.source();
};

TEST_F(PathTest, ChallengesANewAddressOnlyOfTheHighestNumber) {  // P-DATA-06
  path.on_packet(at_ms(0), kOld, 100, true, source);
  EXPECT_EQ(path.challenge_due(), kNever);
  path.on_packet(at_ms(0), kNew, 100, false, source);
  EXPECT_EQ(path.challenge_due(), kNever) << "an old packet may have taken a detour";
  path.on_packet(at_ms(1), kNew, 100, true, source);
  EXPECT_EQ(path.challenge_due(), at_ms(1));
  EXPECT_EQ(path.peer(), kOld) << "media stays until the response";
}

TEST_F(PathTest, MovesWithTheRightTokenAlone) {
  path.on_packet(at_ms(1), kNew, 100, true, source);
  EXPECT_FALSE(path.on_response(path.token())) << "not asked yet";
  path.on_challenge_sent(at_ms(1), 40, milliseconds{100});
  wire::PathToken wrong = path.token();
  wrong[0] ^= std::byte{1};
  EXPECT_FALSE(path.on_response(wrong));
  EXPECT_EQ(path.peer(), kOld);
  EXPECT_TRUE(path.on_response(path.token()));
  EXPECT_EQ(path.peer(), kNew);
  EXPECT_EQ(path.next_deadline(), kNever);
  EXPECT_FALSE(path.on_response(wrong));
}

TEST_F(PathTest, SendsThreeTimesWhatCameAndNotAByteMore) {
  path.on_packet(at_ms(1), kNew, 20, true, source);
  EXPECT_TRUE(path.may_send_to_candidate(60));
  EXPECT_FALSE(path.may_send_to_candidate(61));
  path.on_challenge_sent(at_ms(1), 40, milliseconds{100});
  EXPECT_FALSE(path.may_send_to_candidate(21));
  path.on_packet(at_ms(2), kNew, 10, true, source);
  EXPECT_TRUE(path.may_send_to_candidate(50));
}

TEST_F(PathTest, RepeatsTheChallengeAFewTimesAndGivesUp) {
  path.on_packet(at_ms(0), kNew, 1'000, true, source);
  std::uint32_t challenges = 0;
  Instant now = at_ms(0);
  while (path.next_deadline() != kNever) {
    now = path.next_deadline();
    if (path.challenge_due() <= now) {
      path.on_challenge_sent(now, 40, milliseconds{100});
      ++challenges;
    }
    path.handle_timeout(now);
  }
  EXPECT_EQ(challenges, 5U);
  EXPECT_EQ(path.peer(), kOld);
  EXPECT_EQ(now, at_ms(700));
}

TEST_F(PathTest, AThirdAddressReplacesTheCandidate) {
  path.on_packet(at_ms(0), kNew, 1'000, true, source);
  path.on_challenge_sent(at_ms(0), 40, milliseconds{100});
  const wire::PathToken first = path.token();
  path.on_packet(at_ms(1), kOther, 50, true, source);
  EXPECT_EQ(path.candidate(), kOther);
  EXPECT_FALSE(path.on_response(first));
  EXPECT_FALSE(path.may_send_to_candidate(151));
}

TEST(Lifetime, AHalfOpenLinkDiesAfterTenSecondsAnEstablishedOneAfterThirty) {  // P-HS-11, P-KEEP-01
  Lifetime lifetime{at_ms(0), kIdleTimeout, kKeepalive};
  EXPECT_FALSE(lifetime.established());
  EXPECT_EQ(lifetime.idle_at(), at_ms(10'000));
  EXPECT_TRUE(lifetime.on_received(at_ms(5'000)));
  EXPECT_FALSE(lifetime.on_received(at_ms(6'000)));
  EXPECT_EQ(lifetime.idle_at(), at_ms(36'000));
  EXPECT_EQ(lifetime.keepalive_at(), at_ms(10'000));
  lifetime.on_sent(at_ms(7'000));
  EXPECT_EQ(lifetime.keepalive_at(), at_ms(17'000));
}

TEST(Closing, IsSaidThreeTimes) {  // P-CLOSE-01
  Closing closing;
  EXPECT_EQ(closing.next_due(), kNever);
  EXPECT_EQ(closing.over_at(), kNever);
  closing.start(at_ms(100));
  for (const int ms : {100, 120, 160}) {
    EXPECT_EQ(closing.next_due(), at_ms(ms));
    EXPECT_GT(closing.over_at(), at_ms(160));
    closing.on_sent();
  }
  EXPECT_EQ(closing.next_due(), kNever);
  EXPECT_EQ(closing.over_at(), at_ms(160));
}

TEST(Closing, KeepsAReasonOfBoundedLength) {
  const std::string longest(wire::kCloseReasonBytesMax, 'x');
  EXPECT_EQ(CloseReason{longest}.text(), longest);
  EXPECT_EQ(CloseReason{longest + "y"}.text(), longest);
  EXPECT_EQ(CloseReason{}.text(), "");
}

TEST(TrackReports, HoldSixteenTracks) {  // P-FEEDBACK-03
  TrackReports reports;
  for (std::uint8_t i = 0; i < wire::kTrackReportsMax; ++i) {
    EXPECT_TRUE(reports.set({.track = TrackId{i}}));
  }
  EXPECT_FALSE(reports.set({.track = TrackId{99}}));
  EXPECT_TRUE(reports.set({.track = TrackId{3}, .oldest_open = Seq{7}}));
  EXPECT_EQ(reports.next(3, 1).oldest_open, Seq{7});
  reports.clear(TrackId{0});
  reports.clear(TrackId{0});
  EXPECT_EQ(reports.size(), wire::kTrackReportsMax - 1);
  EXPECT_EQ(reports.next(0, 1).track, TrackId{1});
  EXPECT_TRUE(reports.set({.track = TrackId{99}}));
}

TEST(TrackReports, StateTimesFourTimesAndInEachSixteenthFeedback) {  // P-FEEDBACK-03
  TrackReports reports;
  const auto stated = [&](std::uint16_t number) {
    return reports.next(0, number).playout_delay_ms != wire::kNoMilliseconds;
  };
  wire::TrackReport report{.track = TrackId{3}, .playout_delay_ms = 250, .recover_within_ms = 90};
  ASSERT_TRUE(reports.set(report));
  for (std::uint16_t number = 1; number <= 4; ++number) EXPECT_TRUE(stated(number));
  EXPECT_FALSE(stated(5));
  report.oldest_open = Seq{8};
  ASSERT_TRUE(reports.set(report));
  EXPECT_FALSE(stated(6)) << "no other time";
  EXPECT_EQ(reports.next(0, 7).oldest_open, Seq{8});
  EXPECT_TRUE(stated(16));
  EXPECT_FALSE(stated(17));
  report.recover_within_ms = 80;
  ASSERT_TRUE(reports.set(report));
  EXPECT_TRUE(stated(18));
  EXPECT_EQ(reports.next(0, 19).recover_within_ms, 80);
}

}  // namespace
}  // namespace sluice::link
