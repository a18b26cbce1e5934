#include "client/path_question.h"

#include <vector>

#include <gtest/gtest.h>

#include "sim/xoshiro.h"

namespace sluice::client {
namespace {

using std::chrono::milliseconds;

class PathQuestionTest : public testing::Test {
 protected:
  std::vector<std::byte> ask(Instant now) {
    const Bytes datagram = question.poll_transmit(now);
    return {datagram.begin(), datagram.end()};
  }

  /// What a relay says to it.
  bool answer(Bytes datagram) {
    const ConnectionId id = wire::read_data_header(datagram, wire::Direction::kToRelay).connection;
    return question.handle_datagram(wire::write_reset({id, ResetToken{}}));
  }

  const Instant start{std::chrono::seconds{5}};
  sim::Xoshiro generator{1};
  PathQuestion question{start, generator.source()};
};

// P-HS-13
TEST_F(PathQuestionTest, AsksWithAShortAndAFullDatagramOnceASecond) {
  EXPECT_EQ(question.next_deadline(), start + milliseconds{1500});
  EXPECT_TRUE(ask(start + milliseconds{1499}).empty());
  for (const int at : {1500, 2500, 3600}) {
    const Instant now = start + milliseconds{at};
    const auto small = ask(now);
    EXPECT_LE(question.next_deadline(), now);
    const auto full = ask(now);
    EXPECT_EQ(small.size(), 27U);
    EXPECT_EQ(full.size(), kDatagramBytesMax);
    for (const auto& datagram : {small, full}) {
      const auto type = wire::classify(datagram, wire::Direction::kToRelay);
      ASSERT_TRUE(type.has_value());
      EXPECT_EQ(*type, wire::PacketType::kData);
    }
    EXPECT_TRUE(ask(now).empty());
  }
}

TEST_F(PathQuestionTest, TheAnswersSayWhatGetsThrough) {
  const Instant now = start + milliseconds{1500};
  EXPECT_EQ(question.finding(), PathQuestion::Finding::kNothing);
  const auto small = ask(now);
  const auto full = ask(now);
  EXPECT_TRUE(answer(small));
  EXPECT_EQ(question.finding(), PathQuestion::Finding::kSmallOnly);
  EXPECT_TRUE(answer(full));
  EXPECT_EQ(question.finding(), PathQuestion::Finding::kReachable);
}

TEST_F(PathQuestionTest, AResetOfAnotherLinkAnswersNothing) {
  EXPECT_FALSE(question.handle_datagram(wire::write_reset({ConnectionId{0}, ResetToken{}})));
  ask(start + milliseconds{1500});
  EXPECT_FALSE(question.handle_datagram(wire::write_reset({ConnectionId{77}, ResetToken{}})));
  EXPECT_FALSE(question.handle_datagram({}));
  EXPECT_EQ(question.finding(), PathQuestion::Finding::kNothing);
}

}  // namespace
}  // namespace sluice::client
