#include "client/subscriber.h"

#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "proto/wire/fragment.h"
#include "tests/unit/link/link_pair.h"

namespace sluice::client {
namespace {

constexpr TrackId kTrack{3};

Instant at(std::int64_t ms) { return instant_from_us(1'000'000 + ms * 1000); }

class SubscriberTest : public testing::Test {
 protected:
  SubscriberTest() { subscriber_.attach(&link_); }

  void on_tracks(const std::vector<wire::TrackDescription>& tracks) {
    tracks_told_ = tracks.size();
  }

  void on_frame(const ReceivedFrame& frame) { frames_.push_back(frame.media.body.size()); }

  void stream_event(std::int64_t ms, std::vector<wire::TrackDescription> tracks) {
    wire::StreamEvent event;
    event.stream = *StreamName::parse("cam");
    event.user = *UserName::parse("ann");
    event.tracks = std::move(tracks);
    std::vector<std::byte> bytes;
    ASSERT_TRUE(wire::encode_room_message(event, bytes).has_value());
    subscriber_.handle_event(at(ms),
                             link::MessageArrived{link::ControlStreamId::kRoom, to_u8(bytes[0]),
                                                  Bytes{bytes}.subspan(wire::kMessageHeaderBytes)});
  }

  void frame(std::int64_t ms, std::size_t bytes, bool keyframe) {
    const std::vector<std::byte> body(bytes, std::byte{1});
    const std::vector<std::byte> config(keyframe ? 20 : 0, std::byte{2});
    wire::MediaFrame frame;
    frame.timestamp_ms = static_cast<std::uint32_t>(ms);
    frame.keyframe = keyframe;
    frame.config = config;
    frame.body = body;
    ASSERT_TRUE(fragmenter_.write(frame, [&](const wire::MediaHeader& header, Bytes part) {
      subscriber_.handle_event(at(ms), link::MediaArrived{kTrack, header.seq, part, false});
    }));
  }

  static wire::TrackDescription video() {
    wire::TrackDescription track;
    track.id = kTrack;
    track.kind = TrackKind::kVideo;
    track.codec = FourCC::kAvc;
    return track;
  }

  sim::Xoshiro random_{1};
  link::Link link_{link::test_setup(link::Role::kClient, random_.source()), at(0)};
  std::size_t tracks_told_ = 0;
  std::vector<std::size_t> frames_;
  wire::Fragmenter fragmenter_{kTrack};
  Subscriber subscriber_{
      {*StreamName::parse("cam"), {}, at(0)},
      {net::Callback<const std::vector<wire::TrackDescription>&>::to<&SubscriberTest::on_tracks>(
           this),
       net::Callback<const ReceivedFrame&>::to<&SubscriberTest::on_frame>(this)}};
};

// The packet with the STREAM message may be the one that is lost.
TEST_F(SubscriberTest, KeepsMediaThatOvertakesItsStreamMessage) {
  frame(0, 3000, true);
  frame(33, 500, false);
  subscriber_.handle_turn(at(40));
  EXPECT_TRUE(frames_.empty());
  stream_event(60, {video()});
  frame(66, 400, false);
  subscriber_.handle_turn(at(70));
  subscriber_.handle_turn(at(5000));
  EXPECT_EQ(frames_, (std::vector<std::size_t>{3000, 500, 400}));
}

TEST_F(SubscriberTest, AStreamWithoutTrackIdsIsOnlyNews) {
  stream_event(0, {});
  EXPECT_EQ(tracks_told_, 0U);
  EXPECT_EQ(subscriber_.state(), Subscriber::State::kWaiting);
  stream_event(5, {video()});
  EXPECT_EQ(tracks_told_, 1U);
}

}  // namespace
}  // namespace sluice::client
