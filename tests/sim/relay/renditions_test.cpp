// One picture in several renditions: who gets which, and how one follows another.
#include <map>
#include <set>

#include "tests/sim/relay/house.h"

namespace sluice::sim {
namespace {

constexpr std::uint32_t kHiLink = 5'000'000, kMidLink = 1'000'000, kLoLink = 300'000;

/// 2 Mbit/s, 700 and 200 kbit/s, and sound.
RelayClientConfig pushing_three() {
  RelayClientConfig config = pushing({"cam"}, false);
  config.pushes[0].key_bytes = 20'000;
  config.pushes[0].delta_bytes = 8000;
  config.pushes[0].further = {{8000, 2700, 0, FourCC::kAvc}, {2500, 780, 0, FourCC::kAvc}};
  return config;
}

RelayClientConfig watching_with(std::uint32_t bits_per_s_max) {
  RelayClientConfig config = watching();
  config.video_bits_per_s_max = bits_per_s_max;
  return config;
}

void set_limit(RelayClient& client, std::uint32_t bits_per_s_max) {
  wire::Subscribe subscribe;
  subscribe.request = wire::RequestId{9};
  subscribe.video_bits_per_s_max = bits_per_s_max;
  client.send(subscribe);
}

/// How many parts of each track came in this time.
std::map<std::string, std::size_t> came(const RelayClient& client, Instant from, Instant to) {
  std::map<std::string, std::size_t> counts;
  for (const RelayClient::Arrival& arrival : client.arrivals) {
    if (arrival.at >= from && arrival.at < to) ++counts[client.key_of(arrival.track)];
  }
  return counts;
}

/// The pictures' tracks among them.
std::set<std::string> pictures(const RelayClient& client, Instant from, Instant to) {
  std::set<std::string> keys;
  for (const auto& [key, count] : came(client, from, to)) {
    if (key != "cam/a") keys.insert(key);
  }
  return keys;
}

std::optional<Instant> first_of(const RelayClient& client, const std::string& key, Instant from) {
  for (const RelayClient::Arrival& arrival : client.arrivals) {
    if (arrival.at >= from && client.key_of(arrival.track) == key) return arrival.at;
  }
  return std::nullopt;
}

std::string last_told(const RelayClient& client) {
  const auto told = client.messages_of<wire::Sending>();
  if (told.empty()) return "nothing";
  return told.back().video == wire::kNoVideo ? "pause" : client.key_of(told.back().video);
}

/// Each rendition begins with a key frame, and everything up to where it was left came.
void expect_begins_with_key(const RelayClient& client, const std::string& key) {
  ASSERT_TRUE(client.received.contains(key)) << key;
  const Parts& parts = client.received.at(key);
  const auto first = std::min_element(parts.begin(), parts.end(), [](auto& a, auto& b) {
    return Seq{a.first}.distance_from(Seq{b.first}) < 0;
  });
  EXPECT_TRUE(header_of(first->second).keyframe) << key;
  EXPECT_EQ(header_of(first->second).index, 0U) << key;
}

// P-REND-02
TEST(Renditions, EachSubscriberGetsTheBestWithinItsLimitAndKeepsIt) {
  House house;
  RelayClient& fibre = house.join("room", "fibre", watching_with(kHiLink));
  RelayClient& train = house.join("room", "train", watching_with(kMidLink));
  RelayClient& phone = house.join("room", "phone", watching_with(kLoLink));
  RelayClient& any = house.join("room", "any", watching());
  house.join("room", "ann", pushing_three());
  house.net.run_for(seconds{3});
  const Instant steady = house.net.now();
  RelayClient& late = house.join("room", "late", watching_with(kMidLink));
  house.net.run_for(seconds{10});
  const Instant end = house.net.now();
  using Keys = std::set<std::string>;
  EXPECT_EQ(pictures(fibre, steady, end), Keys{"cam/v"});
  EXPECT_EQ(pictures(train, steady, end), Keys{"cam/v1"});
  EXPECT_EQ(pictures(phone, steady, end), Keys{"cam/v2"});
  EXPECT_EQ(pictures(any, steady, end), Keys{"cam/v"});
  EXPECT_EQ(pictures(late, steady, end), Keys{"cam/v1"});
  // P-REND-03
  EXPECT_EQ(last_told(fibre), "cam/v");
  EXPECT_EQ(last_told(train), "cam/v1");
  EXPECT_EQ(last_told(phone), "cam/v2");
  EXPECT_EQ(last_told(late), "cam/v1");
  for (const RelayClient* client : {&fibre, &train, &phone}) {
    EXPECT_GT(came(*client, steady, end).at("cam/a"), 460U);
  }
  expect_begins_with_key(late, "cam/v1");
}

// P-REND-02, P-REND-04
TEST(Renditions, AnotherLimitIsFollowedDownAtOnceAndUpAtTheNextKeyFrame) {
  House house;
  RelayClient& ann = house.join("room", "ann", pushing_three());
  RelayClient& bob = house.join("room", "bob", watching());
  house.net.run_for(milliseconds{4300});
  const Instant down = house.net.now();
  set_limit(bob, kLoLink);
  house.net.run_for(seconds{5});
  const auto on_lo = first_of(bob, "cam/v2", down);
  ASSERT_TRUE(on_lo.has_value());
  EXPECT_LT(*on_lo - down, milliseconds{500});
  EXPECT_EQ(pictures(bob, down + milliseconds{500}, house.net.now()),
            std::set<std::string>{"cam/v2"});
  expect_begins_with_key(bob, "cam/v2");

  const Instant up = house.net.now();
  set_limit(bob, 0);
  house.net.run_for(seconds{4});
  const auto on_hi = first_of(bob, "cam/v", up);
  ASSERT_TRUE(on_hi.has_value());
  EXPECT_LT(*on_hi - up, milliseconds{1200});
  EXPECT_EQ(pictures(bob, up + milliseconds{1300}, house.net.now()),
            std::set<std::string>{"cam/v"});
  // Never black: until the switch the small picture goes on.
  EXPECT_TRUE(pictures(bob, *on_hi - milliseconds{150}, *on_hi).contains("cam/v2"));

  // One SKIP for all that was not sent in between, and nothing else is missing.
  const auto& skipped = bob.skipped["cam/v"];
  ASSERT_EQ(skipped.size(), 1U);
  const Parts& parts = bob.received.at("cam/v");
  EXPECT_TRUE(parts.contains((skipped[0].first - 1).value()));
  EXPECT_TRUE(header_of(parts.at((skipped[0].second + 1).value())).keyframe);
  for (Seq seq = skipped[0].first; seq.distance_from(skipped[0].second) <= 0; ++seq) {
    EXPECT_FALSE(parts.contains(seq.value()));
    EXPECT_TRUE(ann.sent.at("cam/v").contains(seq.value()));
  }
  EXPECT_EQ(house.relay.worker_metrics(0).rendition_switches.value(), 2U);
}

// P-REND-02
TEST(Renditions, OfOneThatDisappearsEverybodyIsOnAnotherWithinOneGop) {
  House house;
  RelayClientConfig config = pushing_three();
  config.pushes[0].gop_frames = 60;
  config.pushes[0].best_stops_after = milliseconds{5100};
  RelayClient& bob = house.join("room", "bob", watching());
  RelayClient& eve = house.join("room", "eve", watching_with(kHiLink));
  house.join("room", "ann", std::move(config));
  house.net.run_for(seconds{4});
  const Instant before = house.net.now();
  house.net.run_for(seconds{6});
  for (const RelayClient* client : {&bob, &eve}) {
    Instant last = before;
    for (const RelayClient::Arrival& arrival : client->arrivals) {
      if (client->key_of(arrival.track) == "cam/v") last = arrival.at;
    }
    const auto next = first_of(*client, "cam/v1", before);
    ASSERT_TRUE(next.has_value());
    EXPECT_LT(*next - last, seconds{2});
    EXPECT_EQ(pictures(*client, last + seconds{2}, house.net.now()),
              std::set<std::string>{"cam/v1"});
    expect_begins_with_key(*client, "cam/v1");
  }
}

// P-REND-01
TEST(Renditions, OfDifferentCodecsAreRefusedByName) {
  House house;
  RelayClientConfig config = pushing_three();
  config.pushes[0].further[1].codec = FourCC::kHevc;
  RelayClient& ann = house.join("room", "ann", std::move(config));
  RelayClient& bob = house.join("room", "bob", watching());
  house.net.run_for(seconds{1});
  ASSERT_EQ(ann.messages_of<wire::PushAnswer>().size(), 1U);
  EXPECT_EQ(ann.messages_of<wire::PushAnswer>()[0].status, wire::AnswerStatus::kRenditionsDiffer);
  EXPECT_FALSE(ann.closed.has_value());
  EXPECT_TRUE(bob.received.empty());
}

// P-REND-02
TEST(Renditions, NeedNoAlignedKeyFrames) {
  House house;
  RelayClientConfig config = pushing_three();
  config.pushes[0].further[0].key_offset = 13;
  config.pushes[0].further[1].key_offset = 22;
  house.join("room", "ann", std::move(config));
  RelayClient& bob = house.join("room", "bob", watching());
  for (const std::uint32_t limit : {kMidLink, kLoLink, kMidLink, std::uint32_t{0}, kLoLink}) {
    house.net.run_for(milliseconds{2700});
    set_limit(bob, limit);
  }
  house.net.run_for(milliseconds{2700});
  const Instant end = house.net.now();
  EXPECT_EQ(pictures(bob, end - seconds{1}, end), std::set<std::string>{"cam/v2"});
  for (const char* key : {"cam/v", "cam/v1", "cam/v2"}) expect_begins_with_key(bob, key);
  // Black never: pictures come in any 100 ms.
  Instant last = bob.arrivals.front().at;
  for (const RelayClient::Arrival& arrival : bob.arrivals) {
    if (bob.key_of(arrival.track) == "cam/a") continue;
    EXPECT_LT(arrival.at - last, milliseconds{100});
    last = arrival.at;
  }
}

// P-REND-03
TEST(Renditions, ALimitThatNoneKeepsPausesThePictureAloneAndByName) {
  House house;
  house.join("room", "ann", pushing_three());
  RelayClient& bob = house.join("room", "bob", watching_with(kLoLink));
  house.net.run_for(seconds{4});
  set_limit(bob, 100'000);
  house.net.run_for(milliseconds{300});
  const Instant paused = house.net.now();
  EXPECT_EQ(last_told(bob), "pause");
  EXPECT_EQ(house.relay.worker_metrics(0).subscriptions_paused.value(), 1U);
  house.net.run_for(seconds{3});
  const Instant resumed = house.net.now();
  EXPECT_TRUE(pictures(bob, paused, resumed).empty());
  EXPECT_GT(came(bob, paused, resumed).at("cam/a"), 135U);
  set_limit(bob, kLoLink);
  house.net.run_for(milliseconds{500});
  EXPECT_EQ(last_told(bob), "cam/v2");
  EXPECT_EQ(pictures(bob, resumed, house.net.now()), std::set<std::string>{"cam/v2"});
  EXPECT_EQ(house.relay.worker_metrics(0).subscriptions_paused.value(), 0U);
  EXPECT_EQ(bob.skipped["cam/v2"].size(), 1U);
}

TEST(Renditions, ReachNobodyWithoutTheRight) {
  House house;
  house.join("room", "ann", pushing_three());
  auto credentials = house.relay.issue("room", "eve", house.net.now(), [](crypto::Ticket& t) {
    t.rights = crypto::Rights{}.with(crypto::Right::kPushAudio);
  });
  RelayClient& eve = house.join_with(std::move(credentials), watching_with(kLoLink));
  house.net.run_for(seconds{2});
  ASSERT_EQ(eve.messages_of<wire::SubscribeAnswer>().size(), 1U);
  EXPECT_EQ(eve.messages_of<wire::SubscribeAnswer>()[0].status, wire::AnswerStatus::kNotAllowed);
  EXPECT_TRUE(eve.received.empty());
  EXPECT_TRUE(eve.messages_of<wire::Sending>().empty());
}

// Nothing of a frame that was begun is left out, whatever the path does to its parts.
TEST(Renditions, AreWholeFromTheirFirstPartOnALossyPath) {
  House house;
  RelayClient& ann = house.join("room", "ann", pushing_three(), path(0.05));
  RelayClient& bob = house.join("room", "bob", watching_with(kMidLink), path(0.05));
  house.net.run_for(seconds{8});
  house.stop_media();
  house.net.run_for(seconds{2});
  const Parts& received = bob.received.at("cam/v1");
  EXPECT_GT(received.size(), 500U);
  const Instant steady = house.net.now() - seconds{5};
  EXPECT_EQ(pictures(bob, steady, house.net.now()), std::set<std::string>{"cam/v1"});
  // Behind its last key frame everything came.
  Seq last_key{};
  for (const auto& [seq, part] : received) {
    if (header_of(part).keyframe && Seq{seq}.distance_from(Seq{0}) >= 0) last_key = Seq{seq};
  }
  const Difference difference = compare(ann.sent.at("cam/v1"), received, last_key.value());
  EXPECT_EQ(difference.missing, 0U);
  EXPECT_EQ(difference.different, 0U);
}

}  // namespace
}  // namespace sluice::sim
