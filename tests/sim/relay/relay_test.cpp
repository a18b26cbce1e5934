// A whole relay, door and workers, with real handshakes and links over the simulated network.
#include <functional>
#include <memory>

#include <gtest/gtest.h>

#include "tests/sim/relay/relay_client.h"
#include "tests/sim/relay/relay_node.h"

namespace sluice::sim {
namespace {

using relay::LeaveReason;
using std::chrono::milliseconds;
using std::chrono::seconds;

const Address kRelay = Address::v4(10, 0, 0, 1, 443);

ImpairmentConfig path(double loss = 0, Duration latency = milliseconds{10}) {
  ImpairmentConfig config;
  config.latency = latency;
  config.loss = loss;
  return config;
}

/// One relay and the clients around it.
class House {
 public:
  explicit House(const RelayNodeConfig& config = {}) : net(config.seed), relay(config) {
    net.add(kRelay, relay);
  }

  RelayClient& join(std::string_view room, std::string_view user, RelayClientConfig config,
                    const ImpairmentConfig& to_relay = path()) {
    return join_with(relay.issue(room, user, net.now()), std::move(config), to_relay);
  }

  RelayClient& join_with(RelayNode::Credentials credentials, RelayClientConfig config,
                         const ImpairmentConfig& to_relay = path()) {
    config.seed = 1000 + clients.size();
    clients.push_back(std::make_unique<RelayClient>(std::move(config), kRelay, relay.key(),
                                                    std::move(credentials), net.now()));
    const auto number = static_cast<std::uint8_t>(clients.size() + 1);
    addresses.push_back(Address::v4(10, 0, number, 2, 5000));
    net.add(addresses.back(), *clients.back());
    net.connect(addresses.back(), kRelay, to_relay, to_relay);
    return *clients.back();
  }

  void stop_media() {
    for (auto& client : clients) client->stop_media();
  }

  // The net runs nodes until it dies, so it dies first.
  std::vector<Address> addresses;
  std::vector<std::unique_ptr<RelayClient>> clients;
  SimNet net;
  RelayNode relay;
};

RelayClientConfig pushing(std::vector<std::string> names, bool subscribe_all = true) {
  RelayClientConfig config;
  for (std::string& name : names) {
    PushPlan plan;
    plan.name = std::move(name);
    config.pushes.push_back(std::move(plan));
  }
  config.subscribe_all = subscribe_all;
  return config;
}

RelayClientConfig watching() { return pushing({}); }

/// Everything of the stream from the subscriber's first part on arrived as it was sent.
void expect_whole(const RelayClient& pusher, const RelayClient& subscriber,
                  const std::string& track) {
  ASSERT_TRUE(pusher.sent.contains(track)) << track;
  ASSERT_TRUE(subscriber.received.contains(track)) << track;
  const Parts& received = subscriber.received.at(track);
  const auto first = std::min_element(received.begin(), received.end(), [](auto& a, auto& b) {
    return Seq{a.first}.distance_from(Seq{b.first}) < 0;
  });
  const Difference difference = compare(pusher.sent.at(track), received, first->first);
  EXPECT_EQ(difference.missing, 0U) << track;
  EXPECT_EQ(difference.different, 0U) << track;
  const wire::MediaHeader header = header_of(first->second);
  EXPECT_EQ(header.index, 0U) << track;
  if (track.back() == 'v') {
    EXPECT_TRUE(header.keyframe) << track;
  }
}

void expect_three_member_room(const RelayNodeConfig& config, double loss) {
  House house{config};
  RelayClient& ann = house.join("room", "ann", pushing({"ann-cam"}), path(loss));
  RelayClient& bob = house.join("room", "bob", pushing({"bob-cam"}), path(loss));
  RelayClient& eve = house.join("room", "eve", pushing({"eve-cam"}), path(loss));
  house.net.run_for(seconds{6});
  house.stop_media();
  house.net.run_for(seconds{2});
  for (const char* kind : {"/v", "/a"}) {
    const auto of = [&](const char* name) { return std::string{name} + kind; };
    expect_whole(ann, bob, of("ann-cam"));
    expect_whole(ann, eve, of("ann-cam"));
    expect_whole(bob, ann, of("bob-cam"));
    expect_whole(bob, eve, of("bob-cam"));
    expect_whole(eve, ann, of("eve-cam"));
    expect_whole(eve, bob, of("eve-cam"));
    EXPECT_FALSE(ann.received.contains(of("ann-cam")));  // P-CTRL-06
  }
  EXPECT_EQ(house.relay.drops(DropReason::kMalformed), 0U);
  EXPECT_EQ(house.relay.drops(DropReason::kAuthenticationFailed), 0U);
}

TEST(Relay, ThreeMembersSeeEachOthersStreamsBitExact) { expect_three_member_room({}, 0); }

TEST(Relay, ThreeMembersSeeEachOthersStreamsBitExactAtFivePercentLoss) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    RelayNodeConfig config;
    config.seed = seed;
    expect_three_member_room(config, 0.05);
  }
}

TEST(Relay, BranchesOnOtherWorkersCarryTheSameBits) {
  RelayNodeConfig config;
  config.workers = 3;
  config.placement = relay::Placement::kRoundRobin;
  expect_three_member_room(config, 0.05);
}

TEST(Relay, ManyMembersOverTwoWorkersShareOneHandoverEach) {
  RelayNodeConfig config;
  config.workers = 2;
  config.placement = relay::Placement::kRoundRobin;
  House house{config};
  RelayClient& ann = house.join("room", "ann", pushing({"cam"}));
  for (int i = 0; i < 8; ++i) house.join("room", "viewer" + std::to_string(i), watching());
  house.net.run_for(seconds{3});
  house.stop_media();
  house.net.run_for(seconds{1});
  for (std::size_t i = 1; i < house.clients.size(); ++i) {
    expect_whole(ann, *house.clients[i], "cam/v");
  }
  const std::uint64_t in = house.relay.worker_metrics(0).parts_in.value();
  EXPECT_EQ(house.relay.worker_metrics(0).handover_parts_out.value(), in);
  EXPECT_EQ(house.relay.worker_metrics(1).handover_parts_in.value(), in);
}

TEST(Relay, AJoinerInTheMiddleOfAGopStartsAtOnceWithItsKeyFrame) {
  RelayNodeConfig config;
  config.workers = 2;
  config.placement = relay::Placement::kRoundRobin;
  House house{config};
  RelayClientConfig push = pushing({"cam"});
  push.pushes[0].gop_frames = 60;
  RelayClient& ann = house.join("room", "ann", push);
  house.net.run_for(milliseconds{3200});
  for (int i = 0; i < 4; ++i) {
    const Instant begin = house.net.now();
    RelayClient& late = house.join("room", "late" + std::to_string(i), watching());
    house.net.run_for(milliseconds{230});
    ASSERT_TRUE(late.first_media_at.has_value());
    // INIT and ACCEPT, then the first DATA and the first media: two round trips of 20 ms.
    EXPECT_LE(*late.first_media_at - begin, milliseconds{60});
  }
  house.stop_media();
  house.net.run_for(seconds{1});
  for (std::size_t i = 1; i < house.clients.size(); ++i) {
    expect_whole(ann, *house.clients[i], "cam/v");
    // Sound begins with the picture, not with the room.
    const Parts& audio = house.clients[i]->received.at("cam/a");
    const Parts& video = house.clients[i]->received.at("cam/v");
    const auto dts = [](const Parts& parts) {
      std::uint32_t first = UINT32_MAX;
      for (const auto& [seq, part] : parts) first = std::min(first, header_of(part).dts);
      return first;
    };
    EXPECT_GE(dts(audio), dts(video));
    EXPECT_LE(dts(audio), dts(video) + 25);
  }
}

TEST(Relay, ASlowSubscriberDropsWholeFramesByDependencyAndOthersDoNotNotice) {
  RelayNodeConfig config;
  config.pacer_bits_per_s = 2'500'000;
  House house{config};
  RelayClientConfig push = pushing({"one", "two", "three"}, false);
  for (PushPlan& plan : push.pushes) plan.key_on_request = true;
  RelayClient& ann = house.join("room", "ann", push);
  RelayClient& slow = house.join("room", "slow", watching());  // three streams of 1 Mbit/s
  RelayClientConfig one = watching();
  one.subscribe_all = false;
  one.subscribe = {"one"};
  RelayClient& quick = house.join("room", "quick", one);
  house.net.run_for(seconds{15});
  house.stop_media();
  house.net.run_for(seconds{3});
  expect_whole(ann, quick, "one/v");
  EXPECT_GT(house.relay.drops(DropReason::kQueueFull), 0U);
  EXPECT_GT(house.relay.drops(DropReason::kBrokenUntilKey), 0U);
  EXPECT_EQ(house.relay.drops(DropReason::kOverwritten), 0U);
  std::size_t skips = 0;
  for (const auto& [track, parts] : slow.received) {
    // What came at all came whole.
    for (const auto& [seq, part] : parts) {
      const wire::MediaHeader header = header_of(part);
      for (std::uint32_t i = 0; i < header.count; ++i) {
        ASSERT_TRUE(parts.contains((header.first_seq() + i).value())) << track;
      }
    }
    EXPECT_EQ(compare(ann.sent.at(track), parts, 0).different, 0U);
    skips += slow.skipped[track].size();
  }
  EXPECT_GT(skips, 0U);
  EXPECT_GT(ann.key_requests, 0U);
  EXPECT_LE(ann.key_requests, 3U * 2U * 18U);  // two a second for each track
}

// Threat 12: whatever a pusher writes into its headers is dropped by name or passed on as it is,
// and costs nobody else anything.
TEST(Relay, AHostilePusherHarmsOnlyItself) {
  RelayNodeConfig config;
  config.workers = 2;
  config.placement = relay::Placement::kRoundRobin;
  House house{config};
  RelayClient& ann = house.join("room", "ann", pushing({"cam"}));
  RelayClient& evil = house.join("room", "evil", pushing({"evil"}));
  RelayClient& bob = house.join("room", "bob", watching());
  house.net.run_for(seconds{1});
  evil.stop_media();
  Xoshiro random{99};
  PacketRing ring;
  evil.link()->open_egress_track(TrackId{0}, &ring, link::Priority::kBase);
  std::uint32_t number = 0;
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < 20; ++i) {
      wire::MediaHeader lie;
      lie.seq = Seq{static_cast<std::uint32_t>(random.chance(0.5) ? random.next() : number)};
      lie.count = static_cast<std::uint16_t>(1 + random.below(random.chance(0.2) ? 4095 : 4));
      lie.index = static_cast<std::uint16_t>(random.below(lie.count));
      lie.dts = static_cast<std::uint32_t>(random.next()) & 0xFFFFFF;
      lie.dep = static_cast<std::uint8_t>(random.next());
      lie.keyframe = random.chance(0.3);
      lie.discardable = random.chance(0.3);
      std::vector<std::byte> part(kMediaHeaderBytes + 1 + random.below(kPartBytesMax));
      wire::encode_media_header(lie, std::span<std::byte>{part}.first<kMediaHeaderBytes>());
      ring.insert(Seq{number}, part, Seq{number});
      static_cast<void>(
          evil.link()->queue_media(TrackId{0}, Seq{number}, 1, house.net.now() + seconds{1}));
      ++number;
    }
    house.net.run_for(milliseconds{10});
  }
  house.net.run_for(seconds{1});
  house.stop_media();
  house.net.run_for(seconds{1});
  expect_whole(ann, bob, "cam/v");
  expect_whole(ann, bob, "cam/a");
  expect_whole(ann, evil, "cam/v");
  EXPECT_GT(house.relay.drops(DropReason::kMalformed), 0U);
  EXPECT_TRUE(evil.joined());
}

// Threat 12
TEST(Relay, ATicketsRateHoldsAPusherBack) {
  House house;
  RelayClient& greedy =
      house.join_with(house.relay.issue("room", "ann", house.net.now(),
                                        [](crypto::Ticket& t) { t.rate_kbit_max = 300; }),
                      pushing({"cam"}));
  house.net.run_for(seconds{10});
  EXPECT_TRUE(greedy.joined());
  EXPECT_GT(house.relay.drops(DropReason::kRateLimited), 0U);
}

TEST(Relay, ASessionEndsAtItsTime) {
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

TEST(Relay, RightsTakenAwayEndWhatTheyAllowed) {
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
TEST(Relay, MalformedRequestsCloseTheLink) {
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

TEST(Relay, NothingOfARoomReachesAnother) {
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
TEST(Relay, TextGoesToWhomItIsForAndNamesItsTrueSender) {
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

TEST(Relay, RightsAreCheckedForEveryKind) {
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

TEST(Relay, AKickEndsTheLinkAndVoidsOutstandingTickets) {
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

TEST(Relay, ASecondLinkOfTheSameInstanceReplacesTheFirst) {
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

TEST(Relay, AnotherInstanceOfTheUserIsRefusedUnlessTheTicketAllowsSeveral) {
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

// P-CTRL-05
TEST(Relay, ANameIsTheFirstUsersAndIsReplacedByItself) {
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
TEST(Relay, ATicketIsGoodForOneLink) {
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

TEST(Relay, AResumeTicketComesBackAsTheSameInstance) {
  House house;
  RelayClient& ann = house.join("room", "ann", watching());
  house.net.run_for(milliseconds{200});
  ASSERT_TRUE(ann.resume.has_value());
  RelayClient& back = house.join_with({ann.resume->ticket, ann.resume->psk.copy()}, watching());
  house.net.run_for(milliseconds{300});
  EXPECT_TRUE(back.joined());
  EXPECT_EQ(ann.closed, link::CloseCode::kReplaced);
}

TEST(Relay, AStreamThatEndsIsDeliveredToTheLastPartThoughPacketsWereLost) {
  for (const std::uint64_t seed : {11U, 12U, 13U}) {
    RelayNodeConfig config;
    config.seed = seed;
    House house{config};
    RelayClient& ann = house.join("room", "ann", pushing({"cam"}));
    RelayClient& bob = house.join("room", "bob", watching(), path(0.2, milliseconds{40}));
    house.net.run_for(seconds{2});
    ann.stop_media();
    house.net.run_for(milliseconds{60});  // ann's own path is clean: the relay has everything
    ann.leave(house.net.now());
    house.net.run_for(seconds{3});
    expect_whole(ann, bob, "cam/v");
    expect_whole(ann, bob, "cam/a");
    EXPECT_EQ(bob.messages_of<wire::StreamEvent>().back().change, wire::StreamEvent::Change::kDown);
  }
}

TEST(Relay, ARoomEndsWithItsLastLinkAndEveryGaugeGoesBackToZero) {
  RelayNodeConfig config;
  config.workers = 2;
  config.placement = relay::Placement::kRoundRobin;
  House house{config};
  for (int round = 0; round < 3; ++round) {
    std::vector<RelayClient*> members;
    for (int i = 0; i < 4; ++i) {
      members.push_back(
          &house.join("room", "user" + std::to_string(i), pushing({"cam" + std::to_string(i)})));
    }
    house.net.run_for(milliseconds{500});
    for (RelayClient* member : members) member->leave(house.net.now());
    house.net.run_for(seconds{4});
  }
  for (std::size_t i = 0; i < 2; ++i) {
    const relay::WorkerMetrics& metrics = house.relay.worker_metrics(i);
    for (const relay::Gauge* gauge : {&metrics.links, &metrics.members, &metrics.streams,
                                      &metrics.subscriptions, &metrics.branches}) {
      EXPECT_EQ(gauge->value(), 0U);
    }
  }
  EXPECT_EQ(house.relay.door_metrics().rooms.value(), 0U);
  EXPECT_EQ(house.relay.door_metrics().links.value(), 0U);
  EXPECT_EQ(house.relay.door_metrics().half_open.value(), 0U);
  std::size_t ups = 0;
  std::size_t downs = 0;
  for (const relay::RelayEvent& event : house.relay.events) {
    ups += std::holds_alternative<relay::RoomUp>(event) ? 1U : 0U;
    downs += std::holds_alternative<relay::RoomDown>(event) ? 1U : 0U;
  }
  EXPECT_EQ(ups, 3U);
  EXPECT_EQ(downs, 3U);
}

TEST(Relay, DrainRefusesJoinersClosesLinksAtItsTimeAndAnswersWhenAllAreGone) {
  House house;
  RelayClient& ann = house.join("room", "ann", watching());
  house.net.run_for(milliseconds{200});
  house.relay.ask(house.net.now(), relay::kDoorParty,
                  relay::AskDrain{relay::QuestionId{9}, seconds{1}});
  RelayClient& late = house.join("room", "late", watching());
  house.net.run_for(milliseconds{500});
  EXPECT_EQ(late.refused, crypto::HandshakeStatus::kDraining);
  EXPECT_FALSE(ann.closed.has_value());
  EXPECT_TRUE(house.relay.answers.empty());
  house.net.run_for(seconds{1});
  EXPECT_EQ(ann.closed, link::CloseCode::kDraining);
  EXPECT_EQ(house.relay.answers.size(), 1U);
}

TEST(Relay, EqualSeedsGiveEqualRuns) {
  const auto hash = [] {
    RelayNodeConfig config;
    config.workers = 2;
    config.placement = relay::Placement::kRoundRobin;
    House house{config};
    house.join("room", "ann", pushing({"a"}), path(0.05));
    house.join("room", "bob", pushing({"b"}), path(0.05));
    house.net.run_for(seconds{2});
    return house.net.hash();
  };
  EXPECT_EQ(hash(), hash());
}

}  // namespace
}  // namespace sluice::sim
