// The link as its owner sees it.
#include "proto/link/link.h"

#include <string>

#include <gtest/gtest.h>

#include "proto/wire/packet.h"
#include "tests/unit/link/link_fixture.h"

namespace sluice::link {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Link, TheClientSpeaksFirstAndTheRelayNotBefore) {  // P-HS-11
  LinkPair pair;
  ASSERT_TRUE(pair.relay->send_message(ControlStreamId::kRoom, 12, as_bytes("room")));
  EXPECT_TRUE(drain_transmits(*pair.relay, pair.now).empty());
  EXPECT_EQ(pair.relay->next_deadline(), pair.now + kHalfOpenTimeout);
  EXPECT_FALSE(pair.relay->established());
  auto first = drain_transmits(*pair.client, pair.now);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_TRUE(pair.to_relay(std::move(first[0])));
  EXPECT_TRUE(pair.relay->established());
  EXPECT_EQ(count_events<Established>(pair.relay_events), 1U);
  pair.exchange();
  EXPECT_TRUE(pair.client->established());
  ASSERT_EQ(count_events<MessageArrived>(pair.client_events), 1U);
}

TEST(Link, AHalfOpenRelayLinkDiesWithoutAPacket) {  // P-HS-11
  LinkPair pair;
  pair.now += kHalfOpenTimeout;
  pair.relay->handle_timeout(pair.now);
  pair.keep(*pair.relay);
  const auto* closed = find_event<Closed>(pair.relay_events);
  ASSERT_NE(closed, nullptr);
  EXPECT_EQ(closed->code, CloseCode::kIdle);
  EXPECT_TRUE(pair.relay->closed());
  EXPECT_TRUE(drain_transmits(*pair.relay, pair.now).empty());
  EXPECT_EQ(pair.relay->next_deadline(), kNever);
}

TEST_F(LinkTest, AFrameLeavesAsARunOfEqualPacketsTheLastShorter) {  // P-MEDIA-07
  queue(video, kVideo, 10'000);
  std::vector<std::byte> memory(64 * kDatagramBytesMax);
  SendArena arena{memory};
  const auto run = pair.relay->poll_transmit(pair.now, arena, 16);
  ASSERT_TRUE(run);
  const wire::Split split = wire::split_unit(10'000 + wire::kUnitBytesMin);
  EXPECT_EQ(run->count, split.count);
  EXPECT_EQ(run->segment_bytes, 4 + 12 + split.part_bytes + 16);
  EXPECT_EQ(run->bytes.size(), (split.count - 1) * run->segment_bytes + 32 + split.last_bytes);
  EXPECT_EQ(run->to, kClientAddress);
  std::vector<Datagram> datagrams;
  cut(*run, datagrams);
  for (Datagram& d : datagrams) ASSERT_TRUE(pair.to_client(std::move(d)));
  ASSERT_EQ(count_events<MediaArrived>(pair.client_events), split.count);
  Seq expected;
  for (const KeptEvent& e : pair.client_events) {
    const auto* media = std::get_if<MediaArrived>(&e.event);
    if (media == nullptr) continue;
    EXPECT_EQ(media->track, kVideo) << "the track byte is the link's own";
    EXPECT_EQ(media->seq, expected);
    const Bytes kept = video.ring.find(expected);
    EXPECT_TRUE(std::equal(kept.begin() + 2, kept.end(), e.bytes.begin() + 2, e.bytes.end()));
    ++expected;
  }
}

TEST_F(LinkTest, ARunEndsWithItsShorterPacket) {
  queue(video, kVideo, 4'000);
  queue(video, kVideo, 4'000);
  std::vector<std::byte> memory(64 * kDatagramBytesMax);
  SendArena arena{memory};
  for (int frame = 0; frame < 2; ++frame) {
    const auto run = pair.relay->poll_transmit(pair.now, arena, 16);
    ASSERT_TRUE(run);
    EXPECT_EQ(run->count, 4U) << "4,006 bytes are no multiple of their four parts";
    EXPECT_LT(run->bytes.size(), std::size_t{4} * run->segment_bytes);
  }
}

TEST_F(LinkTest, ARunObeysItsLimitAndTheArena) {
  queue(video, kVideo, 30'000);
  std::vector<std::byte> memory(5 * kDatagramBytesMax);
  SendArena arena{memory};
  EXPECT_EQ(pair.relay->poll_transmit(pair.now, arena, 3)->count, 3U);
  EXPECT_EQ(pair.relay->poll_transmit(pair.now, arena, 16)->count, 2U);
  EXPECT_FALSE(pair.relay->poll_transmit(pair.now, arena, 16)) << "no room";
  arena.clear();
  EXPECT_FALSE(pair.relay->poll_transmit(pair.now, arena, 0));
  EXPECT_EQ(pair.relay->poll_transmit(pair.now, arena, 1)->count, 1U);
}

TEST_F(LinkTest, AllAudioThatIsDueSharesADatagram) {  // P-MEDIA-07
  for (int i = 0; i < 3; ++i) queue(audio, kAudio, 200);
  auto sent = drain_transmits(*pair.relay, pair.now);
  ASSERT_EQ(sent.size(), 1U);
  ASSERT_TRUE(pair.to_client(std::move(sent[0])));
  ASSERT_EQ(count_events<MediaArrived>(pair.client_events), 3U);
  for (std::uint32_t i = 0; i < 3; ++i) {
    const auto& event = std::get<MediaArrived>(pair.client_events[i].event);
    EXPECT_EQ(event.seq, Seq{i});
    const Bytes kept = audio.ring.find(Seq{i});
    const auto& got = pair.client_events[i].bytes;
    ASSERT_EQ(got.size(), kept.size()) << "ring form: no length flag";
    EXPECT_EQ(got[0], kept[0]);
    EXPECT_TRUE(std::equal(kept.begin() + 2, kept.end(), got.begin() + 2));
  }
}

TEST_F(LinkTest, OneAudioPartAloneCostsNoLengthField) {
  queue(audio, kAudio, 200);
  const auto sent = drain_transmits(*pair.relay, pair.now);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].size(), 4 + 12 + 206 + 16U);
}

TEST_F(LinkTest, MediaThatNobodyPolledIsDroppedByName) {
  queue(video, kVideo, 3'000);
  auto sent = drain_transmits(*pair.relay, pair.now);
  ASSERT_GE(sent.size(), 2U);
  ASSERT_TRUE(pair.client->handle_datagram(pair.now, sent[0], kRelayAddress, 0));
  ASSERT_TRUE(pair.client->handle_datagram(pair.now, sent[1], kRelayAddress, 0));
  EXPECT_EQ(pair.client->drops(DropReason::kOverwritten), 1U);
  pair.keep(*pair.client);
  EXPECT_EQ(count_events<MediaArrived>(pair.client_events), 1U);
}

TEST_F(LinkTest, MessagesKeyRequestsAndSkipsArrive) {
  const std::string text(kControlMessageBytesMax, 'm');
  ASSERT_TRUE(pair.client->send_message(ControlStreamId::kApplication, 1, as_bytes(text)));
  ASSERT_TRUE(pair.client->send_message(ControlStreamId::kRoom, 4, as_bytes("subscribe")));
  pair.client->request_key(kVideo);
  pair.client->send_skip(kAudio, Seq{3}, Seq{9});
  pair.exchange();
  ASSERT_EQ(count_events<MessageArrived>(pair.relay_events), 2U);
  EXPECT_EQ(find_event<KeyRequested>(pair.relay_events)->track, kVideo);
  EXPECT_EQ(find_event<Skipped>(pair.relay_events)->to, Seq{9});
}

TEST_F(LinkTest, ReportsTravelInFeedback) {  // P-FEEDBACK-03
  pair.client->set_report(kVideo, Seq{77}, 120, 90);
  queue(video, kVideo, 100);
  pair.run(milliseconds{100});
  const auto* report = find_event<TrackReported>(pair.relay_events);
  ASSERT_NE(report, nullptr);
  EXPECT_EQ(report->track, kVideo);
  EXPECT_EQ(report->oldest_open, Seq{77});
  EXPECT_EQ(report->play_out_delay_ms, 120);
  EXPECT_EQ(report->recover_within_ms, 90);
}

TEST_F(LinkTest, ALostPartGoesAgainWhileItCanArriveAndIsGivenUpAfter) {  // P-RETX-01
  queue(video, kVideo, 5'000, pair.now + milliseconds{500});
  auto sent = drain_transmits(*pair.relay, pair.now);
  for (std::size_t i = 1; i < sent.size(); ++i) ASSERT_TRUE(pair.to_client(std::move(sent[i])));
  pair.exchange();
  EXPECT_EQ(pair.relay->stats().parts_retransmitted, 1U);
  EXPECT_EQ(count_events<MediaArrived>(pair.client_events), sent.size());

  queue(video, kVideo, 5'000, pair.now);
  sent = drain_transmits(*pair.relay, pair.now);
  pair.now += milliseconds{1};
  for (std::size_t i = 1; i < sent.size(); ++i) ASSERT_TRUE(pair.to_client(std::move(sent[i])));
  pair.exchange();
  pair.keep(*pair.relay);
  EXPECT_EQ(pair.relay->stats().parts_retransmitted, 1U);
  EXPECT_EQ(count_events<GaveUp>(pair.relay_events), 1U);
  EXPECT_EQ(pair.relay->drops(DropReason::kTooLate), 1U);
}

TEST_F(LinkTest, AKeyRequestThatIsLostGoesOnceMore) {  // P-RETX-01
  pair.client->request_key(kVideo);
  ASSERT_EQ(drain_transmits(*pair.client, pair.now).size(), 1U);  // lost
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(pair.client->send_message(ControlStreamId::kRoom, 1, as_bytes("x")));
    for (Datagram& d : drain_transmits(*pair.client, pair.now)) {
      ASSERT_TRUE(pair.to_relay(std::move(d)));
    }
  }
  pair.exchange();
  EXPECT_EQ(count_events<KeyRequested>(pair.relay_events), 1U);
}

TEST_F(LinkTest, SilenceIsProbed) {  // P-LOSS-02
  queue(video, kVideo, 100, pair.now + seconds{10});
  ASSERT_EQ(drain_transmits(*pair.relay, pair.now).size(), 1U);  // lost, and nothing follows
  pair.run(seconds{1});
  EXPECT_EQ(count_events<MediaArrived>(pair.client_events), 1U);
}

TEST_F(LinkTest, KeepsAliveAndDiesOfSilence) {  // P-KEEP-01
  pair.run(seconds{120});
  EXPECT_FALSE(pair.client->closed());
  EXPECT_FALSE(pair.relay->closed());
  EXPECT_LT(pair.client->stats().packets_sent, 60U);
  pair.now += kIdleTimeout + seconds{1};
  pair.relay->handle_timeout(pair.now);
  pair.keep(*pair.relay);
  ASSERT_NE(find_event<Closed>(pair.relay_events), nullptr);
  EXPECT_EQ(find_event<Closed>(pair.relay_events)->code, CloseCode::kIdle);
  EXPECT_TRUE(drain_transmits(*pair.relay, pair.now).empty()) << "nobody is there to read it";
}

TEST_F(LinkTest, CloseIsSentThreeTimesAndEndsBoth) {  // P-CLOSE-01
  pair.relay->close(pair.now, CloseCode::kKicked, "out");
  EXPECT_FALSE(pair.relay->closed());
  EXPECT_EQ(pair.relay->queue_media(kVideo, Seq{0}, 1, kNever).error(), DropReason::kLinkClosed);
  std::vector<Datagram> all;
  const Instant start = pair.now;
  for (const int ms : {0, 20, 60}) {
    EXPECT_EQ(pair.relay->next_deadline(), start + milliseconds{ms});
    pair.now = start + milliseconds{ms};
    pair.relay->handle_timeout(pair.now);
    auto sent = drain_transmits(*pair.relay, pair.now);
    ASSERT_EQ(sent.size(), 1U);
    all.push_back(sent[0]);
  }
  pair.relay->handle_timeout(pair.now);
  pair.keep(*pair.relay);
  EXPECT_FALSE(find_event<Closed>(pair.relay_events)->by_peer);
  EXPECT_EQ(pair.relay->next_deadline(), kNever);

  ASSERT_TRUE(pair.to_client(all[2])) << "any one of the three does";
  const auto* closed = find_event<Closed>(pair.client_events);
  ASSERT_NE(closed, nullptr);
  EXPECT_TRUE(closed->by_peer);
  EXPECT_EQ(closed->code, CloseCode::kKicked);
  EXPECT_EQ(pair.client_events.back().text, "out");
  EXPECT_TRUE(drain_transmits(*pair.client, pair.now).empty()) << "whoever gets CLOSE is silent";
  EXPECT_EQ(pair.to_client(all[0]).error(), DropReason::kLinkClosed);
}

TEST_F(LinkTest, OnlyTheRightResetEndsAClient) {  // P-RESET-01
  const auto reset = [](ConnectionId id, const ResetToken& token) {
    const auto bytes = wire::write_reset({id, token});
    return Datagram(bytes.begin(), bytes.end());
  };
  ResetToken wrong = test_reset_token();
  wrong[15] ^= std::byte{1};
  EXPECT_FALSE(pair.to_client(reset(kTestConnection, wrong)));
  EXPECT_FALSE(pair.to_client(reset(ConnectionId{5}, test_reset_token())));
  EXPECT_FALSE(pair.to_relay(reset(kTestConnection, test_reset_token())));
  EXPECT_FALSE(pair.client->closed());
  EXPECT_TRUE(pair.to_client(reset(kTestConnection, test_reset_token())));
  EXPECT_TRUE(pair.client->closed());
  EXPECT_EQ(find_event<Closed>(pair.client_events)->code, CloseCode::kReset);
}

TEST_F(LinkTest, ANewAddressIsProvedBeforeMediaGoesThere) {  // P-DATA-06
  const Address moved = Address::v4(10, 0, 0, 1, 5'555);
  ASSERT_TRUE(pair.client->send_message(ControlStreamId::kRoom, 1, as_bytes("x")));
  auto sent = drain_transmits(*pair.client, pair.now);
  ASSERT_TRUE(pair.deliver(*pair.relay, std::move(sent[0]), moved));
  queue(video, kVideo, 100);
  std::vector<std::byte> memory(8 * kDatagramBytesMax);
  SendArena arena{memory};
  std::vector<Datagram> to_moved;
  while (const auto transmit = pair.relay->poll_transmit(pair.now, arena, 16)) {
    if (transmit->to == moved) {
      cut(*transmit, to_moved);
    } else {
      EXPECT_EQ(transmit->to, kClientAddress);
    }
  }
  ASSERT_EQ(to_moved.size(), 1U);
  EXPECT_EQ(pair.relay->peer(), kClientAddress);
  ASSERT_TRUE(pair.to_client(std::move(to_moved[0])));
  for (Datagram& d : drain_transmits(*pair.client, pair.now)) {
    ASSERT_TRUE(pair.deliver(*pair.relay, std::move(d), moved));
  }
  EXPECT_EQ(pair.relay->peer(), moved);
  EXPECT_EQ(find_event<AddressChanged>(pair.relay_events)->address, moved);
}

TEST_F(LinkTest, WhatTheOldAddressSwallowedGoesAgainWithTheResponse) {  // P-DATA-06
  const Address moved = Address::v4(10, 0, 0, 1, 5'555);
  ASSERT_TRUE(pair.client->send_message(ControlStreamId::kRoom, 1, as_bytes("x")));
  ASSERT_TRUE(pair.deliver(*pair.relay, drain_transmits(*pair.client, pair.now)[0], moved));
  queue(video, kVideo, 3'000);
  std::vector<std::byte> memory(16 * kDatagramBytesMax);
  SendArena arena{memory};
  std::vector<Datagram> challenge;
  while (const auto transmit = pair.relay->poll_transmit(pair.now, arena, 16)) {
    if (transmit->to == moved) cut(*transmit, challenge);  // the rest is lost
  }
  ASSERT_EQ(challenge.size(), 1U);
  ASSERT_TRUE(pair.to_client(std::move(challenge[0])));
  for (Datagram& d : drain_transmits(*pair.client, pair.now)) {
    ASSERT_TRUE(pair.deliver(*pair.relay, std::move(d), moved));
  }
  const LinkStats before = pair.relay->stats();
  for (Datagram& d : drain_transmits(*pair.relay, pair.now)) {
    ASSERT_TRUE(pair.to_client(std::move(d)));
  }
  EXPECT_EQ(pair.relay->stats().parts_retransmitted - before.parts_retransmitted, 3U);
  EXPECT_EQ(count_events<MediaArrived>(pair.client_events), 3U);
  EXPECT_EQ(pair.relay->stats().packets_lost, 0U);
}

TEST_F(LinkTest, AClientAsksWhenMediaStops) {  // P-KEEP-02
  for (int i = 0; i < 100; ++i) {              // the gap before the first is forgotten
    queue(video, kVideo, 500);
    pair.run(milliseconds{33});
  }
  const auto answers = [&] { return pair.client->stats().feedback_received; };
  pair.run(milliseconds{16});
  const std::uint64_t before = answers();
  pair.run(milliseconds{1});  // 1.5 x 33 ms after the last
  EXPECT_EQ(answers(), before + 1);
  pair.run(milliseconds{200});
  EXPECT_EQ(answers(), before + 1) << "once";
}

TEST_F(LinkTest, KeysAreRenewedUnderWay) {  // P-DATA-04
  LinkPair low{5, [](LinkSetup& setup) { setup.key_limits.packets_max = 20; }};
  low.exchange();
  low.relay->open_egress_track(kVideo, &video.ring, Priority::kBase);
  std::size_t parts = 0;
  for (int i = 0; i < 100; ++i) {
    const auto frame = video.add(3'000, 33, false);
    ASSERT_TRUE(low.relay->queue_media(kVideo, frame.first, frame.count, kNever));
    parts += frame.count;
    low.run(milliseconds{33});
  }
  EXPECT_EQ(count_events<MediaArrived>(low.client_events), parts);
  EXPECT_EQ(low.client->drops(DropReason::kAuthenticationFailed), 0U);
}

TEST_F(LinkTest, TheHardKeyLimitEndsTheLink) {  // P-DATA-04
  LinkPair low{5, [](LinkSetup& setup) { setup.key_limits.packets_hard_max = 3; }};
  for (int i = 0; i < 10 && !low.client->closed(); ++i) {
    ASSERT_TRUE(low.client->send_message(ControlStreamId::kRoom, 1, as_bytes("x")));
    drain_transmits(*low.client, low.now);
  }
  low.keep(*low.client);
  ASSERT_TRUE(low.client->closed());
  EXPECT_EQ(find_event<Closed>(low.client_events)->code, CloseCode::kKeyLimit);
}

TEST_F(LinkTest, StatisticsAddUp) {
  queue(video, kVideo, 10'000);
  pair.run(seconds{1});
  const LinkStats relay = pair.relay->stats();
  const LinkStats client = pair.client->stats();
  EXPECT_EQ(relay.packets_sent, client.packets_received);
  EXPECT_EQ(relay.bytes_sent, client.bytes_received);
  EXPECT_EQ(relay.media_parts_sent, client.media_parts_received);
  EXPECT_EQ(relay.media_bytes_sent, 10'006U);
  EXPECT_EQ(relay.packets_lost, 0U);
  EXPECT_EQ(relay.loss_ratio, 0.0);
}

TEST(CloseCode, HasANameForEverything) {
  EXPECT_EQ(close_code_name(CloseCode::kReset), "reset");
  EXPECT_EQ(close_code_name(CloseCode::kDone), "done");
  EXPECT_EQ(close_code_name(CloseCode::kKeyLimit), "key_limit");
}

}  // namespace
}  // namespace sluice::link
