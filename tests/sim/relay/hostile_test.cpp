// Members that hold a good ticket and mean harm, against a whole relay: what one of them does must
// cost the others nothing, and the relay no more than a member may cost.
#include <gtest/gtest.h>

#include "tests/sim/relay/open_house.h"

namespace sluice::sim {
namespace {

/// As many messages as the link takes, once a millisecond, until the relay has had enough of it.
template <class Send>
void flood(House& house, RelayClient& client, Duration time, Send send) {
  const Instant end = house.net.now() + time;
  while (house.net.now() < end && !client.closed && !client.link()->closed()) {
    while (send()) continue;
    house.net.run_for(milliseconds{1});
  }
}

bool send_raw(RelayClient& client, link::ControlStreamId stream, std::uint8_t type, Bytes body) {
  return client.link()->send_message(stream, type, body).has_value();
}

bool send_room(RelayClient& client, const wire::RoomMessage& message) {
  std::vector<std::byte> bytes;
  CHECK(wire::encode_room_message(message, bytes).has_value());
  return send_raw(client, link::ControlStreamId::kRoom, to_u8(bytes[0]),
                  Bytes{bytes}.subspan(wire::kMessageHeaderBytes));
}

/// The stream `name` comes up for `watcher`, in a time that a viewer does not notice.
void expect_still_served(House& house, RelayClient& watcher, const char* name) {
  RelayClient& pusher = house.join("room", name, pushing({name}, false));
  house.net.run_for(milliseconds{700});
  ASSERT_TRUE(pusher.joined());
  EXPECT_FALSE(watcher.closed.has_value());
  const std::string track = std::string{name} + "/v";
  ASSERT_TRUE(watcher.received.contains(track));
  EXPECT_GT(watcher.received.at(track).size(), 10U);
}

TEST(HostileMember, AFloodOfApplicationMessagesEndsNobodyElsesLink) {
  for (const std::size_t body_bytes : {20U, 8000U}) {
    House house;
    RelayClient& far = house.join("room", "far", watching(), path(0, milliseconds{150}));
    RelayClient& eve = house.join("room", "eve", pushing({}, false), path(0, Duration{500}));
    house.net.run_for(seconds{1});
    wire::BytesMessage data;
    data.bytes.assign(body_bytes, std::byte{1});
    std::vector<std::byte> bytes;
    ASSERT_TRUE(wire::encode_application_message(data, bytes).has_value());
    flood(house, eve, seconds{2}, [&] {
      return send_raw(eve, link::ControlStreamId::kApplication, to_u8(bytes[0]),
                      Bytes{bytes}.subspan(wire::kMessageHeaderBytes));
    });
    expect_still_served(house, far, "ann");
  }
}

TEST(HostileMember, PushingAndUnpushingForEverEndsNobodyElsesLink) {
  House house;
  RelayClient& far = house.join("room", "far", watching(), path(0, milliseconds{150}));
  RelayClient& eve = house.join("room", "eve", pushing({}, false), path(0, Duration{500}));
  house.net.run_for(seconds{1});
  wire::Push push;
  push.stream = *StreamName::parse("noise");
  push.tracks.push_back({TrackId{0}, TrackKind::kVideo, FourCC::kAvc, 0, false,
                         std::vector<std::byte>(kCodecConfigBytesMax, std::byte{7})});
  flood(house, eve, seconds{2}, [&] { return send_room(eve, push); });
  // Announcements keep their order: what waits goes first, two seconds of it on this path.
  house.net.run_for(seconds{3});
  expect_still_served(house, far, "ann");
}

TEST(HostileMember, AJoinerAtABranchThatNobodyWatchedForAWhileSeesThePresent) {
  RelayNodeConfig config;
  config.workers = 2;
  config.placement = relay::Placement::kRoundRobin;
  House house{config};
  RelayClient& ann = house.join("room", "ann", pushing({"cam"}));
  RelayClient& bob = house.join("room", "bob", watching());
  house.net.run_for(seconds{3});
  bob.leave(house.net.now());
  house.join("room", "dora", pushing({}, false));  // on ann's worker
  house.net.run_for(seconds{6});
  const Instant begin = house.net.now();
  RelayClient& eve = house.join("room", "eve", watching());
  house.net.run_for(seconds{1});
  house.stop_media();
  house.net.run_for(seconds{1});
  ASSERT_TRUE(eve.first_media_at.has_value());
  EXPECT_LE(*eve.first_media_at - begin, milliseconds{70});
  for (const char* track : {"cam/v", "cam/a"}) {
    ASSERT_TRUE(eve.received.contains(track)) << track;
    for (const auto& [seq, part] : eve.received.at(track)) {
      EXPECT_GE(header_of(part).dts, 7900U) << track;  // pushed since 9 s, a key frame each second
    }
  }
  expect_whole(ann, eve, "cam/v");
  expect_whole(ann, eve, "cam/a");
}

TEST(HostileMember, CountersOfLostPacketsNeverGoBack) {
  House house;
  ImpairmentConfig shaky = path(0.02);
  shaky.reorder = 0.2;
  shaky.reorder_by = milliseconds{40};
  house.join("room", "ann", pushing({"cam"}), shaky);
  house.join("room", "bob", watching(), shaky);
  std::uint64_t before = 0;
  for (int i = 0; i < 600; ++i) {
    house.net.run_for(milliseconds{20});
    const std::uint64_t missing = house.relay.worker_metrics(0).packets_missing.value();
    ASSERT_GE(missing, before);
    before = missing;
  }
}

/// Parts that the relay queues for one member who sends so many changing SUBSCRIBEs at once.
std::uint64_t parts_queued_for(int subscribes) {
  House house;
  for (int i = 0; i < 4; ++i) {
    const std::string name = "p" + std::to_string(i);
    house.join("room", name, pushing({name}, false));
  }
  RelayClient& eve = house.join("room", "eve", pushing({}, false), path(0, Duration{500}));
  house.net.run_for(seconds{3});
  const auto queued = [&] { return house.relay.worker_metrics(0).parts_forwarded.value(); };
  const std::uint64_t before = queued();
  wire::Subscribe subscribe;
  for (int i = 0; i < subscribes; ++i) {
    subscribe.audio = !subscribe.audio;
    EXPECT_TRUE(send_room(eve, subscribe));
  }
  house.net.run_for(milliseconds{3});
  EXPECT_FALSE(eve.closed.has_value());
  return queued() - before;
}

TEST(HostileMember, ManySubscribesAtOnceStartEachSubscriptionAFewTimes) {
  EXPECT_LT(parts_queued_for(400), 12 * parts_queued_for(1));
}

/// Bytes the relay sends in 4 s of a 1 Mbit/s stream to a subscriber that answers as `report` does.
template <class Report>
std::size_t bytes_sent_to(OpenHouse& house, Report report) {
  house.join("room", "ann", pushing({"cam"}, false), path(0, Duration{500}));
  RawMember& eve = house.join_raw("eve", {wire::Subscribe{}});
  house.net.run_for(milliseconds{200});
  for (int i = 0; i < 800; ++i) {
    report(eve, i);
    house.net.run_for(milliseconds{5});
  }
  EXPECT_FALSE(eve.closed.has_value());
  return eve.bytes_received;
}

void acknowledge(RawMember& member, std::uint16_t number, std::uint64_t from_highest) {
  if (!member.highest()) return;
  wire::Feedback feedback;
  feedback.number = number;
  const PacketNumber highest = *member.highest();
  CHECK(feedback.add_range({{highest.value - std::min(highest.value, from_highest)}, highest}));
  member.send([&](wire::FrameWriter& frames) { CHECK(frames.append(feedback)); });
}

TEST(HostileMember, SayingThatEverythingIsMissingMultipliesNothing) {
  OpenHouse honest_house;
  const std::size_t honest = bytes_sent_to(honest_house, [](RawMember& eve, int i) {
    acknowledge(eve, static_cast<std::uint16_t>(i), 20);
  });
  OpenHouse house;
  const std::size_t liar = bytes_sent_to(
      house, [](RawMember& eve, int i) { acknowledge(eve, static_cast<std::uint16_t>(i), 0); });
  OpenHouse silent_house;
  const std::size_t silent = bytes_sent_to(silent_house, [](RawMember& eve, int i) {
    if (i % 100 == 0)
      eve.send([](wire::FrameWriter& frames) { CHECK(frames.append(wire::Ping{})); });
  });
  EXPECT_LT(liar, 4 * honest);
  EXPECT_LT(silent, 4 * honest);
}

// P-FEEDBACK-05, P-DATA-05
TEST(HostileMember, WhatALinkDropsInsideItselfIsCountedByItsReason) {
  OpenHouse house;
  RawMember& eve = house.join_raw("eve", {});
  wire::Feedback feedback;
  ASSERT_TRUE(feedback.add_range({{1'000'000}, {1'000'000}}));
  eve.send([&](wire::FrameWriter& frames) { ASSERT_TRUE(frames.append(feedback)); });
  house.net.run_for(seconds{1});
  EXPECT_EQ(eve.closed, wire::CloseCode::kProtocolError);
  EXPECT_EQ(house.relay.drops(DropReason::kFeedbackOfUnsent), 1U);
  EXPECT_EQ(house.relay.links(), 0U);
}

const Address kStranger = Address::v4(192, 0, 2, 1, 53);

void ping(RawMember& member) {
  member.send([](wire::FrameWriter& frames) { CHECK(frames.append(wire::Ping{})); });
}

// P-HS-11, P-DATA-06: nobody turns a room's media against somebody who did not ask for it.
TEST(HostileMember, AnInitFromAForgedAddressSendsNoMediaThere) {
  for (const bool forged_data : {false, true}) {
    OpenHouse house;
    house.join("room", "ann", pushing({"cam"}, false), path(0, Duration{500}));
    house.net.run_for(seconds{2});
    RawMember& eve = house.join_with_forged_init("eve", kStranger);
    for (int i = 0; i < 50; ++i) {
      ping(eve);
      if (forged_data) {
        house.relay.handle_datagram(house.net.now(), eve.take(house.net.now()), kStranger);
      }
      house.net.run_for(milliseconds{100});
    }
    // The ACCEPT, and some challenges, never more than what came from there.
    EXPECT_LT(house.net.unreachable(), 60U) << forged_data;
    EXPECT_LT(eve.packets_received, 60U) << forged_data;
  }
}

// P-HS-09, P-HS-11
TEST(HostileMember, AnInitCopiedByAnEavesdropperStillJoinsItsOwner) {
  House house;
  house.join("room", "ann", pushing({"cam"}, false), path(0, Duration{500}));
  house.net.run_for(seconds{2});
  RelayClient& bob = house.join("room", "bob", watching());
  house.net.run_for(Duration{1});
  ASSERT_FALSE(bob.first_init().empty());
  house.relay.handle_datagram(house.net.now(), bob.first_init(), kStranger);
  house.net.run_for(milliseconds{500});
  EXPECT_TRUE(bob.joined());
  EXPECT_FALSE(bob.received.empty());
  EXPECT_LE(house.net.unreachable(), 2U);
}

}  // namespace
}  // namespace sluice::sim
