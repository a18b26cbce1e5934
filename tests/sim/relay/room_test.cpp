// What members of a room may do, and what becomes of them.
#include "relay/room/room.h"

#include "tests/sim/relay/house.h"

namespace sluice::sim {
namespace {

// Threat 12
TEST(Room, ATicketsRateHoldsAPusherBack) {
  House house;
  RelayClient& greedy =
      house.join_with(house.relay.issue("room", "ann", house.net.now(),
                                        [](crypto::Ticket& t) { t.rate_kbit_max = 300; }),
                      pushing({"cam"}));
  house.net.run_for(seconds{10});
  EXPECT_TRUE(greedy.joined());
  EXPECT_GT(house.relay.drops(DropReason::kRateLimited), 0U);
}

TEST(Room, ASessionEndsAtItsTime) {
  House house;
  RelayClient& ann =
      house.join_with(house.relay.issue("room", "ann", house.net.now(),
                                        [](crypto::Ticket& t) { t.session_seconds_max = 2; }),
                      watching());
  house.net.run_for(milliseconds{1900});
  EXPECT_FALSE(ann.closed.has_value());
  house.net.run_for(seconds{1});
  EXPECT_EQ(ann.closed, link::CloseCode::kNotAllowed);
}

TEST(Room, RightsTakenAwayEndWhatTheyAllowed) {
  House house;
  RelayClient& ann = house.join("room", "ann", pushing({"cam"}));
  RelayClient& bob = house.join("room", "bob", watching());
  house.net.run_for(seconds{1});
  relay::AskRights ask{relay::QuestionId{3}, *RoomName::parse("room"), *UserName::parse("ann"),
                       std::nullopt, crypto::Rights{}.with(crypto::Right::kPushAudio)};
  house.relay.ask(house.net.now(), relay::Party{1}, ask);
  house.net.run_for(seconds{3});
  EXPECT_TRUE(ann.joined());
  EXPECT_EQ(bob.messages_of<wire::StreamEvent>().back().change, wire::StreamEvent::Change::kDown);
  EXPECT_GT(house.relay.drops(DropReason::kUnknownTrack), 0U);
}

// P-CTRL-01: a peer that does not keep to the messages is closed, and takes nothing with it.
TEST(Room, MalformedRequestsCloseTheLink) {
  House house;
  RelayClient& ann = house.join("room", "ann", watching());
  RelayClient& bob = house.join("room", "bob", watching());
  house.net.run_for(milliseconds{200});
  const std::vector<std::byte> junk(3, std::byte{0xFF});
  ASSERT_TRUE(ann.link()->send_message(link::ControlStreamId::kRoom, 1, junk).has_value());
  house.net.run_for(milliseconds{300});
  EXPECT_EQ(ann.closed, link::CloseCode::kProtocolError);
  EXPECT_FALSE(bob.closed.has_value());
}

TEST(Room, NothingOfARoomReachesAnother) {
  RelayNodeConfig config;
  config.workers = 2;
  config.placement = relay::Placement::kRoundRobin;
  House house{config};
  RelayClient& ann = house.join("red", "ann", pushing({"cam"}));
  RelayClient& bob = house.join("blue", "bob", pushing({"cam"}));
  RelayClient& red = house.join("red", "viewer", watching());
  RelayClient& blue = house.join("blue", "viewer", watching());
  RelayClient& green = house.join("green", "viewer", watching());
  house.net.run_for(seconds{2});
  ann.send_text("", "for red");
  house.net.run_for(seconds{1});
  house.stop_media();
  house.net.run_for(seconds{1});
  expect_whole(ann, red, "cam/v");
  expect_whole(bob, blue, "cam/v");
  EXPECT_TRUE(green.received.empty());
  EXPECT_EQ(red.texts.size(), 1U);
  EXPECT_TRUE(blue.texts.empty());
  for (const auto& member : blue.messages_of<wire::MemberEvent>()) {
    EXPECT_EQ(member.user.view(), "bob");
  }
}

// P-CTRL-07
TEST(Room, TextGoesToWhomItIsForAndNamesItsTrueSender) {
  House house;
  RelayClient& ann = house.join("room", "ann", watching());
  RelayClient& bob = house.join("room", "bob", watching());
  RelayClient& eve = house.join("room", "eve", watching());
  house.net.run_for(milliseconds{200});
  ann.send_text("bob", "to bob");
  ann.send_text("", "to all");
  house.net.run_for(milliseconds{200});
  ASSERT_EQ(bob.texts.size(), 2U);
  EXPECT_EQ(bob.texts[0].text, "to bob");
  EXPECT_EQ(bob.texts[0].from.view(), "ann");
  ASSERT_EQ(eve.texts.size(), 1U);
  EXPECT_EQ(eve.texts[0].text, "to all");
  EXPECT_TRUE(ann.texts.empty());
}

struct RightsCase {
  crypto::Rights rights;
  bool video, audio;  // what is pushed
  wire::AnswerStatus push, subscribe;
};

TEST(Room, RightsAreCheckedForEveryKind) {
  using crypto::Right;
  using crypto::Rights;
  using enum wire::AnswerStatus;
  const Rights none;
  const std::vector<RightsCase> cases{
      {none.with(Right::kPushVideo).with(Right::kPushAudio), true, true, kOk, kNotAllowed},
      {none.with(Right::kPushAudio).with(Right::kSubscribe), true, true, kNotAllowed, kOk},
      {none.with(Right::kPushAudio), false, true, kOk, kNotAllowed},
      {none.with(Right::kPushVideo), true, false, kOk, kNotAllowed},
      {none.with(Right::kPushVideo), false, true, kNotAllowed, kNotAllowed},
      {none.with(Right::kSubscribe).with(Right::kControl), true, false, kNotAllowed, kOk},
  };
  House house;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    RelayClientConfig config = pushing({"s" + std::to_string(i)});
    config.pushes[0].video = cases[i].video;
    config.pushes[0].audio = cases[i].audio;
    auto credentials = house.relay.issue("room", "user" + std::to_string(i), house.net.now(),
                                         [&](crypto::Ticket& t) { t.rights = cases[i].rights; });
    RelayClient& client = house.join_with(std::move(credentials), config);
    house.net.run_for(milliseconds{300});
    ASSERT_EQ(client.messages_of<wire::PushAnswer>().size(), 1U) << i;
    EXPECT_EQ(client.messages_of<wire::PushAnswer>()[0].status, cases[i].push) << i;
    ASSERT_EQ(client.messages_of<wire::SubscribeAnswer>().size(), 1U) << i;
    EXPECT_EQ(client.messages_of<wire::SubscribeAnswer>()[0].status, cases[i].subscribe) << i;
    if (cases[i].subscribe == kNotAllowed) {
      EXPECT_TRUE(client.received.empty()) << i;
    }
  }
}

TEST(Room, AKickEndsTheLinkAndVoidsOutstandingTickets) {
  House house;
  RelayClient& ann = house.join("room", "ann", pushing({"cam"}));
  auto unused = house.relay.issue("room", "ann", house.net.now());
  RelayClient& bob = house.join("room", "bob", watching());
  house.net.run_for(seconds{1});
  house.relay.ask(
      house.net.now(), relay::kDoorParty,
      relay::AskKick{relay::QuestionId{5}, *RoomName::parse("room"), *UserName::parse("ann"),
                     std::nullopt, link::CloseCode::kKicked, LeaveReason::kKicked});
  house.net.run_for(seconds{3});
  EXPECT_EQ(ann.closed, link::CloseCode::kKicked);
  EXPECT_EQ(house.relay.links(), 1U);
  const auto members = bob.messages_of<wire::MemberEvent>();
  ASSERT_FALSE(members.empty());
  EXPECT_EQ(members.back().change, wire::MemberEvent::Change::kOut);
  EXPECT_EQ(members.back().reason, static_cast<std::uint8_t>(link::CloseCode::kKicked));
  EXPECT_EQ(bob.messages_of<wire::StreamEvent>().back().change, wire::StreamEvent::Change::kDown);
  ASSERT_EQ(house.relay.answers.size(), 1U);
  EXPECT_EQ(std::get<std::size_t>(house.relay.answers[0].value), 1U);

  RelayClient& again = house.join_with(std::move(unused), watching());
  house.net.run_for(milliseconds{200});
  EXPECT_EQ(again.refused, crypto::HandshakeStatus::kTicketVoid);
  RelayClient& later = house.join("room", "ann", watching());
  house.net.run_for(milliseconds{200});
  EXPECT_TRUE(later.joined());
}

TEST(Room, ASecondLinkOfTheSameInstanceReplacesTheFirst) {
  RelayNodeConfig config;
  config.workers = 2;
  config.placement = relay::Placement::kRoundRobin;
  House house{config};
  RelayClient& watcher = house.join("room", "bob", watching());
  const auto same = [](crypto::Ticket& t) { t.instance = InstanceId{77}; };
  RelayClient& first =
      house.join_with(house.relay.issue("room", "ann", house.net.now(), same), pushing({"cam"}));
  house.net.run_for(seconds{1});
  RelayClient& second =
      house.join_with(house.relay.issue("room", "ann", house.net.now(), same), pushing({"cam"}));
  house.net.run_for(seconds{3});
  EXPECT_EQ(first.closed, link::CloseCode::kReplaced);
  EXPECT_TRUE(second.joined());
  ASSERT_FALSE(second.messages_of<wire::PushAnswer>().empty());
  EXPECT_EQ(second.messages_of<wire::PushAnswer>()[0].status, wire::AnswerStatus::kOk);
  EXPECT_EQ(house.relay.links(), 2U);
  EXPECT_GT(watcher.received.at("cam/v").size(), 0U);
}

TEST(Room, AnotherInstanceOfTheUserIsRefusedUnlessTheTicketAllowsSeveral) {
  House house;
  house.join("room", "ann", watching());
  house.net.run_for(milliseconds{200});
  RelayClient& other = house.join("room", "ann", watching());
  RelayClient& several = house.join_with(
      house.relay.issue("room", "ann", house.net.now(),
                        [](crypto::Ticket& t) { t.flags.several_instances = true; }),
      watching());
  house.net.run_for(milliseconds{200});
  EXPECT_EQ(other.refused, crypto::HandshakeStatus::kUserPresent);
  EXPECT_TRUE(several.joined());
}

// P-CTRL-05, P-MEDIA-08
TEST(Room, ANameIsTheFirstUsersAndIsReplacedByItself) {
  House house;
  RelayClient& ann = house.join("room", "ann", pushing({"cam"}));
  house.net.run_for(milliseconds{300});
  RelayClient& bob = house.join("room", "bob", pushing({"cam"}));
  RelayClient& again = house.join_with(
      house.relay.issue("room", "ann", house.net.now(),
                        [](crypto::Ticket& t) { t.flags.several_instances = true; }),
      pushing({"cam"}));
  house.net.run_for(seconds{1});
  EXPECT_EQ(bob.messages_of<wire::PushAnswer>()[0].status, wire::AnswerStatus::kNameTaken);
  EXPECT_EQ(again.messages_of<wire::PushAnswer>()[0].status, wire::AnswerStatus::kOk);
  EXPECT_TRUE(ann.joined());
  // ann's first stream is gone: what it still sends is media of an unknown track.
  EXPECT_GT(house.relay.drops(DropReason::kUnknownTrack), 0U);
  EXPECT_GT(bob.received.at("cam/v").size(), 0U);
}

// P-HS-09
TEST(Room, ATicketIsGoodForOneLink) {
  House house;
  auto credentials = house.relay.issue("room", "ann", house.net.now());
  RelayNode::Credentials copy{credentials.ticket, credentials.psk.copy()};
  RelayClient& ann = house.join_with(std::move(credentials), watching());
  house.net.run_for(milliseconds{200});
  ASSERT_TRUE(ann.joined());
  RelayClient& thief = house.join_with(std::move(copy), watching());
  house.net.run_for(milliseconds{200});
  EXPECT_EQ(thief.refused, crypto::HandshakeStatus::kTicketReplayed);
}

TEST(Room, AResumeTicketComesBackAsTheSameInstance) {
  House house;
  RelayClient& ann = house.join("room", "ann", watching());
  house.net.run_for(milliseconds{200});
  ASSERT_TRUE(ann.resume.has_value());
  RelayClient& back = house.join_with({ann.resume->ticket, ann.resume->psk.copy()}, watching());
  house.net.run_for(milliseconds{300});
  EXPECT_TRUE(back.joined());
  EXPECT_EQ(ann.closed, link::CloseCode::kReplaced);
}

}  // namespace
}  // namespace sluice::sim
