#include "relay/control/orders.h"

#include <gtest/gtest.h>

#include "relay/control/mirror.h"
#include "tests/unit/control/fake_relay.h"
#include "tests/unit/schema/samples.h"

namespace sluice::relay {
namespace {

using schema::Message;
using schema::room;
using schema::StatusCode;
using schema::stream;
using schema::user;

class OrdersTest : public testing::Test {
 protected:
  Message handle(Message request) {
    std::optional<Message> answer;
    orders.handle(request, [&](Message message) { answer = std::move(message); });
    EXPECT_TRUE(answer.has_value()) << schema::message_name(request);
    return answer.value_or(Message{});
  }

  StatusCode status(Message request) {
    const Message answer = handle(std::move(request));
    return std::get<schema::Status>(answer).code;
  }

  Orders::Config config() {
    Orders::Config config;
    config.address = "relay.example:4700";
    config.rooms_max = 2;
    config.drain = [this](Duration grace) { drained_for = grace; };
    return config;
  }

  net::Loop loop;
  std::unique_ptr<Relay> relay = start_fake_relay(loop);
  Mirror mirror;
  std::optional<Duration> drained_for;
  Orders orders{*relay, mirror, config()};
};

TEST_F(OrdersTest, EachOrderReachesTheRelayAsItWasGiven) {
  const RoomName r = room("r");
  const UserName u = user("u");
  EXPECT_EQ(status(schema::OpenRoom{r, {5, 6, 0}, {}}), StatusCode::kOk);
  EXPECT_EQ(status(schema::Kick{r, u, {}}), StatusCode::kOk);
  EXPECT_EQ(status(schema::Kick{r, u, InstanceId{9}}), StatusCode::kOk);
  EXPECT_EQ(status(schema::Admit{r, u}), StatusCode::kOk);
  EXPECT_EQ(status(schema::SetRights{r, u, InstanceId{9}, 8}), StatusCode::kOk);
  EXPECT_EQ(status(schema::KeyRequest{r, stream("s")}), StatusCode::kOk);
  EXPECT_EQ(status(schema::CloseRoom{r}), StatusCode::kOk);
  const std::vector<std::string> expected{"open r 5 6", "kick r u all",   "kick r u 9",
                                          "admit r u",  "rights r u 9 8", "key r s",
                                          "close r"};
  EXPECT_EQ(fake_relay().orders, expected);
}

TEST_F(OrdersTest, AnOrderThatTouchesNobodySaysSo) {
  fake_relay().touched = 0;
  const RoomName r = room("r");
  const UserName u = user("u");
  EXPECT_EQ(status(schema::Kick{r, u, {}}), StatusCode::kNotFound);
  EXPECT_EQ(status(schema::SetRights{r, u, {}, 8}), StatusCode::kNotFound);
  EXPECT_EQ(status(schema::KeyRequest{r, stream("s")}), StatusCode::kNotFound);
  EXPECT_EQ(status(schema::CloseRoom{r}), StatusCode::kNotFound);
  EXPECT_EQ(status(schema::ListMembers{r}), StatusCode::kNotFound);
  EXPECT_EQ(status(schema::Admit{r, u}), StatusCode::kOk);
}

TEST_F(OrdersTest, WhatIsNotDoneYetIsRefusedByName) {
  const auto text = [&](Message request) {
    const Message answer = handle(std::move(request));
    const auto& status = std::get<schema::Status>(answer);
    EXPECT_EQ(status.code, StatusCode::kNotYet);
    return status.text;
  };
  EXPECT_EQ(text(schema::StartRecording{room("r"), stream("s"), "f.flv"}),
            "StartRecording: not yet");
  EXPECT_EQ(text(schema::StopRecording{room("r"), stream("s")}), "StopRecording: not yet");
  EXPECT_EQ(text(schema::OpenRoom{room("r"), {0, 0, 1}, {}}), "OpenRoom with rate_kbps: not yet");
}

TEST_F(OrdersTest, AnswersAndEventsAreNoRequests) {
  const Message answer = handle(schema::MemberIn{room("r"), user("u")});
  EXPECT_EQ(std::get<schema::Status>(answer).code, StatusCode::kRefused);
  EXPECT_EQ(std::get<schema::Status>(answer).text, "MemberIn is no request to a relay");
}

TEST_F(OrdersTest, OpenedRoomsHaveALimitAndComeBackInTheState) {
  EXPECT_EQ(status(schema::OpenRoom{room("a"), {1, 2, 0}, schema::some_bytes(4)}), StatusCode::kOk);
  EXPECT_EQ(status(schema::OpenRoom{room("b"), {}, {}}), StatusCode::kOk);
  EXPECT_EQ(status(schema::OpenRoom{room("c"), {}, {}}), StatusCode::kRefused);
  EXPECT_EQ(status(schema::OpenRoom{room("a"), {3, 2, 0}, {}}), StatusCode::kOk) << "known already";
  const std::vector<Message> state = mirror.state();
  ASSERT_EQ(state.size(), 2U);
  const auto& first = std::get<schema::RoomUp>(state[0]);
  EXPECT_EQ(first.limits.members_max, 3U);
  EXPECT_EQ(status(schema::CloseRoom{room("a")}), StatusCode::kOk);
  EXPECT_EQ(mirror.state().size(), 1U);
}

TEST_F(OrdersTest, ATicketComesWithAllAClientNeeds) {
  schema::IssueTicket request{room("r"), user("u"), {}, 15};
  const Message answer = handle(request);
  const auto& issued = std::get<schema::IssuedTicket>(answer);
  EXPECT_EQ(issued.address, "relay.example:4700");
  EXPECT_EQ(issued.relay_key[0], std::byte{0x11});
  EXPECT_EQ(issued.ticket.size(), 100U);
  EXPECT_EQ(issued.psk, schema::counted_from<32>(1));
  EXPECT_EQ(issued.expiry_s, 1'700'000'060U);
  EXPECT_EQ(fake_relay().ticket.valid_s, 60U);
  EXPECT_FALSE(fake_relay().ticket.instance.has_value());

  request.instance = InstanceId{3};
  request.valid_s = kTicketValidSecondsMax;
  request.rate_kbps = 7;
  request.session_s = 8;
  request.several_instances = true;
  handle(request);
  EXPECT_EQ(fake_relay().ticket.instance, InstanceId{3});
  EXPECT_EQ(fake_relay().ticket.valid_s, kTicketValidSecondsMax);
  EXPECT_EQ(fake_relay().ticket.rate_kbps, 7U);
  EXPECT_EQ(fake_relay().ticket.session_s, 8U);
  EXPECT_TRUE(fake_relay().ticket.several_instances);
}

TEST_F(OrdersTest, ATicketIsRefusedWithoutRightsBeyondADayAndWhileDraining) {
  schema::IssueTicket request{room("r"), user("u"), {}, 0};
  EXPECT_EQ(status(request), StatusCode::kRefused);
  request.rights = 1;
  request.valid_s = kTicketValidSecondsMax + 1;
  EXPECT_EQ(status(request), StatusCode::kRefused);
  request.valid_s = 0;
  fake_relay().draining = true;
  EXPECT_EQ(status(request), StatusCode::kDraining);
}

TEST_F(OrdersTest, DrainTakesItsDeadlineFromTheOrder) {
  EXPECT_EQ(status(schema::Drain{1500}), StatusCode::kOk);
  EXPECT_EQ(drained_for, Duration{1'500'000});
  EXPECT_EQ(status(schema::Drain{UINT32_MAX}), StatusCode::kRefused);
}

TEST_F(OrdersTest, MembersAreListedWithTheirFigures) {
  mirror.apply(RoomUp{room("r")});
  MemberSnapshot member;
  member.user = user("u");
  member.rtt = Duration{20'000};
  member.downlink_loss = 0.25;
  member.uplink_loss = 7.0;  // no more than everything
  member.queue = Duration{-5};
  member.streams.resize(9, StreamSnapshot{stream("s")});
  fake_relay().members[room("r")] = {member};
  const Message answer = handle(schema::ListMembers{room("r")});
  const auto& list = std::get<schema::MemberList>(answer);
  ASSERT_EQ(list.members.size(), 1U);
  EXPECT_EQ(list.members[0].rtt_us, 20'000U);
  EXPECT_EQ(list.members[0].downlink_loss_ppm, 250'000U);
  EXPECT_EQ(list.members[0].uplink_loss_ppm, 1'000'000U);
  EXPECT_EQ(list.members[0].queue_ms, 0U);
  EXPECT_EQ(list.members[0].streams.size(), schema::kMemberStreamsMax);
  EXPECT_TRUE(schema::encode({1, schema::Kind::kResponse, 0, answer}));
}

std::vector<RoomSnapshot> numbered_rooms(std::size_t count) {
  std::vector<RoomSnapshot> rooms(count);
  for (std::size_t i = 0; i < count; ++i) {
    // Not in order: pages sort.
    const std::size_t number = (i * 13 + 3) % count + 100;
    rooms[i].name = room("r" + std::to_string(number));
  }
  return rooms;
}

TEST(Pages, TogetherHoldEveryRoomOnceInOrder) {
  for (const std::size_t count : {std::size_t{0}, std::size_t{1}, schema::kPageEntriesMax,
                                  schema::kPageEntriesMax + 1, std::size_t{300}}) {
    std::vector<RoomName> seen;
    schema::ListRooms request;
    for (bool more = true; more;) {
      const auto page = room_page(numbered_rooms(count), request);
      EXPECT_LE(page.rooms.size(), schema::kPageEntriesMax);
      for (const auto& info : page.rooms) seen.push_back(info.room);
      more = page.more;
      ASSERT_TRUE(!more || !page.rooms.empty());
      if (!page.rooms.empty()) request.after = page.rooms.back().room;
    }
    EXPECT_EQ(seen.size(), count);
    EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
    EXPECT_EQ(std::adjacent_find(seen.begin(), seen.end()), seen.end());
  }
}

TEST(Pages, ALimitMakesThemShorterNeverLonger) {
  schema::ListRooms request;
  request.limit = 2;
  EXPECT_EQ(room_page(numbered_rooms(3), request).rooms.size(), 2U);
  EXPECT_TRUE(room_page(numbered_rooms(3), request).more);
  request.limit = UINT32_MAX;
  EXPECT_EQ(room_page(numbered_rooms(300), request).rooms.size(), schema::kPageEntriesMax);
}

TEST(Pages, MembersOfOneUserAreToldApartByInstance) {
  std::vector<MemberSnapshot> members(3);
  for (std::size_t i = 0; i < members.size(); ++i) {
    members[i].user = user("u");
    members[i].instance = InstanceId{3 - i};
  }
  schema::ListMembers request{room("r"), user("u"), InstanceId{1}, 1};
  const auto page = member_page(members, request);
  ASSERT_EQ(page.members.size(), 1U);
  EXPECT_EQ(page.members[0].instance, InstanceId{2});
  EXPECT_TRUE(page.more);
}

}  // namespace
}  // namespace sluice::relay
