// What strangers, and an authenticated peer that obeys no rule, can do to a link: nothing.
#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "proto/fec/encoder.h"
#include "proto/link/ingress.h"
#include "proto/link/link.h"
#include "tests/unit/link/link_fixture.h"
#include "tests/unit/link/test_peer.h"

namespace sluice::link {
namespace {

using std::chrono::milliseconds;

TEST_F(LinkTest, NothingUnauthenticReachesTheLink) {
  queue(video, kVideo, 100);
  const Datagram good = drain_transmits(*pair.relay, pair.now)[0];
  const Instant deadline = pair.client->next_deadline();
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Datagram bad = good;
    bad[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    EXPECT_FALSE(pair.to_client(bad)) << "bit " << bit;
  }
  EXPECT_TRUE(pair.client_events.empty());
  EXPECT_EQ(pair.client->next_deadline(), deadline) << "no state moved";
  EXPECT_TRUE(pair.to_client(good));
}

TEST_F(LinkTest, AReplayIsRefused) {  // P-DATA-03
  queue(video, kVideo, 100);
  const Datagram good = drain_transmits(*pair.relay, pair.now)[0];
  EXPECT_TRUE(pair.to_client(good));
  EXPECT_EQ(pair.to_client(good).error(), DropReason::kReplayed);
  EXPECT_EQ(count_events<MediaArrived>(pair.client_events), 1U);
  EXPECT_EQ(pair.client->drops(DropReason::kReplayed), 1U);
}

TEST_F(LinkTest, RuntsAndGiantsAreRefused) {  // P-WIRE-02
  for (std::size_t size = 0; size <= 20; ++size) {
    EXPECT_EQ(pair.to_client(Datagram(size, std::byte{0x40})).error(), DropReason::kRunt) << size;
  }
  EXPECT_EQ(pair.to_client(Datagram(1233, std::byte{0x40})).error(), DropReason::kOversize);
  EXPECT_EQ(pair.to_client(Datagram(100, std::byte{0x90})).error(), DropReason::kUnknownType);
  EXPECT_EQ(pair.to_client(Datagram(64, std::byte{0x02})).error(), DropReason::kUnknownType);
  EXPECT_EQ(pair.to_relay(Datagram(100, std::byte{0x40})).error(), DropReason::kUnknownConnection);
}

/// The client's place taken by a peer that seals whatever it likes.
struct Adversary : LinkTest {
  Adversary() : peer(Role::kClient, pair.client->stats().packets_sent) {}

  Status<> say(const std::function<void(wire::FrameWriter&)>& write) {
    return pair.to_relay(peer.packet(write));
  }

  /// Lets the relay's link come to its end, if it is on the way there.
  const Closed* closed() {
    for (int ms = 0; ms < 100; ++ms, pair.now += milliseconds{1}) {
      pair.relay->handle_timeout(pair.now);
      drain_transmits(*pair.relay, pair.now);
    }
    pair.keep(*pair.relay);
    return find_event<Closed>(pair.relay_events);
  }

  TestPeer peer;
};

TEST_F(Adversary, FeedbackOfASkippedNumberClosesTheLink) {  // P-DATA-05, P-FEEDBACK-05
  // 3,000 packets of the relay: at least one number among them was left out.
  const auto frame = video.add(100, 0, true);
  for (int i = 0; i < 3'000; ++i) {
    ASSERT_TRUE(pair.relay->queue_media(kVideo, frame.first, 1, kNever));
    drain_transmits(*pair.relay, pair.now);
    pair.now += milliseconds{1};
  }
  const std::uint64_t sent = pair.relay->stats().packets_sent;
  ASSERT_TRUE(say([&](wire::FrameWriter& w) {
    wire::Feedback feedback;
    ASSERT_TRUE(feedback.add_range({{0}, {sent - 1}}));
    ASSERT_TRUE(w.append(feedback));
  }));
  ASSERT_NE(closed(), nullptr);
  EXPECT_EQ(closed()->code, CloseCode::kProtocolError);
  EXPECT_EQ(pair.relay->drops(DropReason::kFeedbackOfUnsent), 1U);
}

TEST_F(Adversary, OptimisticAcknowledgementClosesTheLink) {  // P-FEEDBACK-05
  queue(video, kVideo, 5'000);
  const auto sent = drain_transmits(*pair.relay, pair.now);
  ASSERT_TRUE(say([&](wire::FrameWriter& w) {
    wire::Feedback feedback;
    ASSERT_TRUE(feedback.add_range({{0}, {pair.relay->stats().packets_sent}}));
    ASSERT_TRUE(w.append(feedback));
  }));
  ASSERT_NE(closed(), nullptr);
  EXPECT_EQ(closed()->code, CloseCode::kProtocolError);
}

TEST_F(Adversary, RangesOutOfOrderAreMalformedAndTheRestCounts) {  // P-FEEDBACK-05
  queue(video, kVideo, 5'000);
  drain_transmits(*pair.relay, pair.now);
  const std::uint64_t lost = pair.relay->stats().packets_lost;
  // A gap of zero, and one that runs below number 0.
  for (const auto gap : {std::uint8_t{0}, std::uint8_t{200}}) {
    ASSERT_TRUE(say([&](wire::FrameWriter& w) {
      ASSERT_TRUE(w.append(wire::KeyRequest{kVideo}));
      append_raw(w, 0x01, {0, 0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 2, 1, gap, 1, 0, 0, 0, 0, 0});
    }));
  }
  EXPECT_EQ(pair.relay->drops(DropReason::kMalformed), 2U);
  EXPECT_EQ(count_events<KeyRequested>(pair.relay_events), 2U);
  EXPECT_EQ(pair.relay->stats().packets_lost, lost);
  EXPECT_EQ(closed(), nullptr);
}

TEST_F(Adversary, ControlBeyondTheWindowClosesTheLink) {  // P-CTRL-01
  ASSERT_TRUE(say([&](wire::FrameWriter& w) {
    const std::vector<std::byte> bytes(100);
    ASSERT_TRUE(
        w.append(wire::ControlView{wire::ControlStream::kRoom, kControlWindowBytes - 99, bytes}));
  }));
  ASSERT_NE(closed(), nullptr);
  EXPECT_EQ(closed()->code, CloseCode::kProtocolError);
  EXPECT_EQ(pair.relay->drops(DropReason::kControlOverflow), 1U);
}

TEST_F(Adversary, AMessageThatIsTooLargeClosesTheLink) {  // P-CTRL-01
  ASSERT_TRUE(say([&](wire::FrameWriter& w) {
    const std::array<std::byte, 3> head{std::byte{1}, std::byte{0x20}, std::byte{0x01}};
    ASSERT_TRUE(w.append(wire::ControlView{wire::ControlStream::kApplication, 0, head}));
  }));
  ASSERT_NE(closed(), nullptr);
  EXPECT_EQ(pair.relay->drops(DropReason::kControlTooLarge), 1U);
}

TEST_F(Adversary, UnknownFramesAreSkippedUnlessCritical) {  // P-FRAME-02
  ASSERT_TRUE(say([&](wire::FrameWriter& w) {
    append_raw(w, 0x3F, {1, 2, 3});
    ASSERT_TRUE(w.append(wire::KeyRequest{kVideo}));
  }));
  EXPECT_EQ(count_events<KeyRequested>(pair.relay_events), 1U);
  EXPECT_EQ(pair.relay->drops(DropReason::kUnknownFrame), 1U);
  ASSERT_TRUE(say([&](wire::FrameWriter& w) { append_raw(w, 0x7F, {1}); }));
  ASSERT_NE(closed(), nullptr);
  EXPECT_EQ(pair.relay_events.back().text, "unknown critical frame");
}

TEST_F(Adversary, AMalformedPacketChangesNothing) {  // P-FRAME-01
  const Datagram empty = peer.packet([](wire::FrameWriter&) {});
  EXPECT_FALSE(pair.to_relay(empty));
  EXPECT_EQ(say([&](wire::FrameWriter& w) {
              ASSERT_TRUE(w.append(wire::KeyRequest{kVideo}));
              append_raw(w, 0x05, {1});  // SKIP has seven bytes
            }).error(),
            DropReason::kMalformed);
  EXPECT_TRUE(pair.relay_events.empty());
  EXPECT_EQ(closed(), nullptr);
}

TEST_F(Adversary, APathResponseNobodyAskedForMovesNothing) {  // P-DATA-06
  const Address elsewhere = Address::v4(10, 9, 9, 9, 9);
  const auto respond = [](wire::FrameWriter& w) { ASSERT_TRUE(w.append(wire::PathResponse{})); };
  ASSERT_TRUE(pair.deliver(*pair.relay, peer.packet(respond), elsewhere));
  ASSERT_TRUE(pair.deliver(*pair.relay, peer.packet(respond), elsewhere));
  EXPECT_EQ(count_events<AddressChanged>(pair.relay_events), 0U);
  EXPECT_EQ(pair.relay->peer(), kClientAddress);
}

TEST_F(Adversary, ARepairOfAnUnknownTrackIsCountedAndCostsNothing) {  // P-REPAIR-04
  ASSERT_TRUE(say([&](wire::FrameWriter& w) {
    const std::vector<std::byte> coded(50);
    ASSERT_TRUE(
        w.append(wire::RepairView{.track = kVideo, .span = 4, .bitmap = {}, .coded = coded}));
  }));
  EXPECT_EQ(pair.relay->drops(DropReason::kUnknownTrack), 1U);
  EXPECT_EQ(pair.relay->stats().repairs_received, 1U);
  EXPECT_EQ(closed(), nullptr);
}

TEST_F(Adversary, RepairsThatLieEndTheLink) {  // P-REPAIR-04
  PacketRing ring;
  pair.relay->open_ingress_track(kVideo, &ring);
  for (std::uint32_t i = 0; i <= kImplausibleRepairsMax; ++i) {
    EXPECT_EQ(closed(), nullptr) << i;
    // The part that it determines has a body longer than the repair.
    const std::vector<std::byte> coded(50, std::byte{0xFF});
    ASSERT_TRUE(say([&](wire::FrameWriter& w) {
      ASSERT_TRUE(w.append(wire::RepairView{
          .track = kVideo, .first = Seq{i}, .span = 1, .bitmap = {}, .coded = coded}));
    }));
  }
  ASSERT_NE(closed(), nullptr);
  EXPECT_EQ(closed()->code, CloseCode::kProtocolError);
  EXPECT_EQ(count_events<MediaArrived>(pair.relay_events), 0U);
}

TEST_F(LinkTest, ARepairBringsAPartBack) {  // P-REPAIR-03, P-REPAIR-04
  PacketRing ring;
  pair.client->open_ingress_track(kVideo, &ring);
  queue(video, kVideo, 3'000);
  const std::vector<Datagram> parts = drain_transmits(*pair.relay, pair.now);
  ASSERT_EQ(parts.size(), 3U);
  TestPeer relay{Role::kRelay, pair.relay->stats().packets_sent};
  std::array<std::byte, kCodedBytesMax> memory;
  const auto coded = fec::encode_repair(video.ring, {video.first, 3, {}}, 7, memory);
  ASSERT_TRUE(coded);
  for (const std::size_t arrives : {0U, 2U}) ASSERT_TRUE(pair.to_client(parts[arrives]));
  for (const KeptEvent& event : pair.client_events) {
    if (const auto* media = std::get_if<MediaArrived>(&event.event)) {
      ring.insert(media->seq, event.bytes, video.first);
    }
  }
  pair.client_events.clear();
  ASSERT_TRUE(pair.to_client(relay.packet([&](wire::FrameWriter& w) {
    ASSERT_TRUE(w.append(wire::RepairView{.track = kVideo,
                                          .first = video.first,
                                          .span = 3,
                                          .seed = 7,
                                          .bitmap = {},
                                          .coded = *coded}));
  })));
  const auto* revived = find_event<MediaArrived>(pair.client_events);
  ASSERT_NE(revived, nullptr);
  EXPECT_TRUE(revived->revived);
  EXPECT_EQ(revived->seq, video.first + 1);
  const Bytes original = video.ring.find(video.first + 1);
  const auto& bytes = pair.client_events.front().bytes;
  EXPECT_TRUE(std::equal(original.begin() + 2, original.end(), bytes.begin() + 2, bytes.end()));
  EXPECT_EQ(pair.client->stats().parts_revived, 1U);
}

TEST_F(Adversary, ACloseCodeOfTheFutureIsNoReset) {
  ASSERT_TRUE(say([&](wire::FrameWriter& w) {
    ASSERT_TRUE(w.append(wire::Close{static_cast<wire::CloseCode>(0xFF), "?"}));
  }));
  ASSERT_NE(closed(), nullptr);
  EXPECT_EQ(closed()->code, CloseCode::kProtocolError);
  EXPECT_TRUE(closed()->by_peer);
}

}  // namespace
}  // namespace sluice::link
