#include "relay/room/home.h"

#include <vector>

#include <gtest/gtest.h>

#include "relay/room/rights.h"

namespace sluice::relay {
namespace {

constexpr RoomId kRoom{42};
constexpr WorkerIndex kHome{0};
constexpr WorkerIndex kBranch{1};

class RoomHomeTest : public testing::Test {
 protected:
  void join(std::uint64_t link, const std::string& user, WorkerIndex worker,
            std::uint64_t instance = 0) {
    Pass pass;
    pass.connection = ConnectionId{link};
    pass.user = *UserName::parse(user);
    pass.instance = InstanceId{instance == 0 ? link : instance};
    home_.handle(Join{kRoom, name_, 4, worker, pass});
  }

  void open(std::uint64_t link, const std::string& stream, std::uint16_t request = 1) {
    home_.handle(OpenStream{
        kRoom, ConnectionId{link}, wire::RequestId{request}, *StreamName::parse(stream), {}});
  }

  /// What a worker was told since the last call, as letters: E entered, L left, O opened, C closed,
  /// R refused, X close the link, A application message.
  std::string told(WorkerIndex worker) {
    std::string letters;
    const auto add = [&](const Mail& mail) {
      if (std::holds_alternative<MemberEntered>(mail)) letters += 'E';
      if (std::holds_alternative<MemberLeft>(mail)) letters += 'L';
      if (const auto* opened = std::get_if<StreamOpened>(&mail)) {
        letters += 'O';
        handles_.push_back(opened->stream);
      }
      if (std::holds_alternative<StreamClosed>(mail)) letters += 'C';
      if (std::holds_alternative<StreamRefused>(mail)) letters += 'R';
      if (std::holds_alternative<CloseLink>(mail)) letters += 'X';
      if (std::holds_alternative<AppDelivery>(mail)) letters += 'A';
    };
    if (worker == kHome) {
      while (const auto mail = courier_.take_local()) add(*mail);
      return letters;
    }
    switchboard_.flush(party_of(kHome));
    while (const auto mail = switchboard_.take(party_of(worker))) add(*mail);
    return letters;
  }

  RoomName name_ = *RoomName::parse("room");
  Switchboard switchboard_{2};
  Courier courier_{switchboard_, kHome};
  RoomHome home_{kRoom, name_, 4, courier_};
  std::vector<wire::StreamHandle> handles_;
};

TEST_F(RoomHomeTest, ANewBranchHearsOfEverythingThatIsThereAlready) {
  join(1, "ann", kHome);
  open(1, "cam");
  EXPECT_EQ(told(kHome), "EO");
  join(2, "bob", kBranch);
  EXPECT_EQ(told(kBranch), "EOE");
  EXPECT_EQ(told(kHome), "E");
  join(3, "eve", kBranch);
  EXPECT_EQ(told(kBranch), "E");
}

TEST_F(RoomHomeTest, WhoLeavesTakesItsStreamsAlong) {
  join(1, "ann", kHome);
  join(2, "bob", kBranch);
  open(2, "one");
  open(2, "two");
  told(kHome);
  home_.handle(Leave{kRoom, ConnectionId{2}, LeaveReason::kLeft, link::CloseCode::kDone});
  EXPECT_EQ(told(kHome), "CCL");
  EXPECT_EQ(home_.streams(), 0U);
  home_.handle(Leave{kRoom, ConnectionId{2}, LeaveReason::kLeft, link::CloseCode::kDone});
  EXPECT_EQ(told(kHome), "");
}

// P-CTRL-05
TEST_F(RoomHomeTest, ANameBelongsToItsUser) {
  join(1, "ann", kHome);
  join(2, "bob", kHome);
  join(3, "ann", kBranch);
  told(kHome);
  open(1, "cam");
  EXPECT_EQ(told(kHome), "O");
  open(2, "cam");
  EXPECT_EQ(told(kHome), "R");
  open(3, "cam");
  EXPECT_EQ(told(kHome), "CO");
  EXPECT_NE(handles_[0], handles_[1]);
}

TEST_F(RoomHomeTest, TheSameInstanceReplacesItsOlderLink) {
  join(1, "ann", kHome, 7);
  told(kHome);
  join(2, "ann", kBranch, 7);
  EXPECT_EQ(told(kHome), "XLE");
  join(3, "ann", kBranch, 8);
  EXPECT_EQ(told(kHome), "E");
  EXPECT_EQ(home_.members(), 2U);
}

TEST_F(RoomHomeTest, RefusesStreamsBeyondTheLimit) {
  join(1, "ann", kHome);
  for (int i = 0; i < 5; ++i) open(1, "s" + std::to_string(i));
  EXPECT_EQ(told(kHome), "EOOOOR");
}

TEST_F(RoomHomeTest, OnlyThePusherEndsItsStream) {
  join(1, "ann", kHome);
  join(2, "bob", kHome);
  open(1, "cam");
  told(kHome);
  home_.handle(CloseStream{kRoom, ConnectionId{2}, handles_[0]});
  EXPECT_EQ(told(kHome), "");
  home_.handle(CloseStream{kRoom, ConnectionId{1}, handles_[0]});
  EXPECT_EQ(told(kHome), "C");
}

TEST_F(RoomHomeTest, PassesOnMessagesOfMembersOnly) {
  join(1, "ann", kHome);
  told(kHome);
  AppMessage message;
  message.room = kRoom;
  message.from = ConnectionId{9};
  home_.handle(message);
  EXPECT_EQ(told(kHome), "");
  message.from = ConnectionId{1};
  home_.handle(message);
  EXPECT_EQ(told(kHome), "A");
}

// Threat 9: every kind has its own right.
TEST(Rights, EachKindAsksForItsOwn) {
  using crypto::Right;
  const std::pair<TrackKind, Right> pairs[] = {{TrackKind::kAudio, Right::kPushAudio},
                                               {TrackKind::kVideo, Right::kPushVideo},
                                               {TrackKind::kData, Right::kPushData}};
  for (const auto& [kind, right] : pairs) {
    EXPECT_TRUE(may_push(crypto::Rights{}.with(right), kind));
    EXPECT_FALSE(may_push(crypto::kAllRights.without(right), kind));
  }
  EXPECT_FALSE(may_subscribe(crypto::kPushRights));
}

}  // namespace
}  // namespace sluice::relay
