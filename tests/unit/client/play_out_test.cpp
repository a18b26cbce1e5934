// The jitter buffer in play-out mode: what a listener and a viewer get from a path that jitters and
// loses.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "client/jitter_buffer.h"
#include "tests/unit/client/pushed.h"

namespace sluice::client {
namespace {

using std::chrono::milliseconds;

constexpr TrackId kAudio{1}, kVideo{2};
constexpr Instant kStart{std::chrono::seconds{1000}};

Instant at_ms(std::int64_t ms) { return kStart + milliseconds{ms}; }

/// What left, as "a20 v33": kind and timestamp.
class Live : public testing::Test {
 protected:
  explicit Live(JitterBuffer::Config config = {PlayMode::kPlayOut, kPatience,
                                               PlayOutDelay::Bounds{}})
      : buffer_(config) {
    buffer_.add_track(kAudio, TrackKind::kAudio);
    buffer_.add_track(kVideo, TrackKind::kVideo);
    buffer_.set_round_trip(milliseconds{40});
  }

  void give(std::int64_t ms, TrackId track, const std::vector<std::byte>& part) {
    static_cast<void>(buffer_.handle_part(at_ms(ms), track, part));
  }

  void give(std::int64_t ms, TrackId track, const PushedFrame& frame) {
    for (const auto& part : frame.parts) give(ms, track, part);
  }

  std::string poll(std::int64_t ms) {
    std::string left;
    while (const auto frame = buffer_.poll_frame(at_ms(ms))) {
      left += left.empty() ? "" : " ";
      left += (frame->kind == TrackKind::kAudio ? 'a' : 'v') +
              std::to_string(frame->media.timestamp_ms);
    }
    return left;
  }

  /// 20 ms of both, in time and whole; the first picture is a key frame.
  void run(std::int64_t from_ms, std::int64_t to_ms) {
    for (std::int64_t ms = from_ms; ms < to_ms; ms += 20) {
      const auto dts = static_cast<std::uint32_t>(ms);
      give(ms, kAudio, audio_.frame(dts));
      give(ms, kVideo, video_.frame(dts, ms == 0));
      poll(ms);
    }
  }

  JitterBuffer buffer_;
  PushedTrack audio_{kAudio, TrackKind::kAudio}, video_{kVideo, TrackKind::kVideo};
};

TEST_F(Live, SoundIsNeverHeldByPicturesThatWait) {
  run(0, 200);
  poll(300);
  const PushedFrame cut = video_.frame(200, false, 3000);
  give(200, kVideo, cut.parts[0]);
  give(200, kAudio, audio_.frame(200));
  give(220, kAudio, audio_.frame(220));
  const auto b = buffer_.play_out_delay() / milliseconds{1};
  EXPECT_EQ(poll(200 + b + 1), "a200");
  EXPECT_EQ(poll(220 + b + 1), "a220");
  EXPECT_EQ(buffer_.counters().skipped_frames, 1U);
}

// Video that comes 60 ms behind the sound of its time plays by its own clock.
TEST_F(Live, EachTrackHasItsOwnClock) {
  for (std::int64_t ms = 0; ms < 400; ms += 20) {
    give(ms, kAudio, audio_.frame(static_cast<std::uint32_t>(ms)));
    if (ms < 60) continue;
    give(ms, kVideo, video_.frame(static_cast<std::uint32_t>(ms - 60), ms == 60));
    poll(ms);
  }
  poll(500);
  EXPECT_EQ(buffer_.counters().skipped_frames, 0U);
  EXPECT_LE(buffer_.play_out_delay(), milliseconds{30});
}

TEST_F(Live, SoundGoesFirst) {
  run(0, 200);
  poll(300);
  give(200, kVideo, video_.frame(200));
  give(210, kAudio, audio_.frame(205));
  EXPECT_EQ(poll(300), "a205 v200");
}

TEST_F(Live, AFrameThatIsLateIsDroppedWithAllThatDependsOnIt) {
  run(0, 1000);
  poll(1100);
  static_cast<void>(video_.frame(1000));
  std::string left;
  for (std::int64_t ms = 1020; ms < 1400; ms += 20) {
    const auto dts = static_cast<std::uint32_t>(ms);
    give(ms, kVideo, video_.frame(dts, ms == 1300));
    left += poll(ms + 19);
  }
  EXPECT_EQ(left, "v1300v1320v1340v1360");
  EXPECT_EQ(buffer_.counters().skipped_frames, 15U);  // the lost one, and 1020 to 1280
  EXPECT_EQ(buffer_.counters().late_frames, 0U);
}

TEST_F(Live, AsksForAKeyFrameOnceAndAgainOnlyWithoutAnAnswer) {
  run(0, 1000);
  poll(1100);
  static_cast<void>(video_.frame(1100));
  std::vector<std::int64_t> asked;
  for (std::int64_t ms = 1120; ms < 4000; ms += 20) {
    give(ms, kVideo, video_.frame(static_cast<std::uint32_t>(ms), ms == 3500));
    poll(ms + 19);
    if (buffer_.poll_key_request(at_ms(ms + 19))) asked.push_back(ms + 19);
  }
  // 1 s and two round trips of 40 ms apart; the answer ends it.
  ASSERT_EQ(asked.size(), 3U);
  EXPECT_EQ(asked[1] - asked[0], 1080);
  EXPECT_EQ(asked[2] - asked[1], 1080);
}

TEST_F(Live, TheDeadlineCoversTheKeyFrameThatIsAwaited) {
  run(0, 1000);
  poll(1100);
  static_cast<void>(video_.frame(1100));
  give(1120, kVideo, video_.frame(1120));
  poll(1160);
  ASSERT_EQ(buffer_.poll_key_request(at_ms(1160)), kVideo);
  EXPECT_EQ(buffer_.next_deadline(at_ms(1160)), at_ms(1160 + 1080));
}

TEST_F(Live, AKeyFrameThatIsLostItselfIsAskedForAtOnce) {
  run(0, 1000);
  poll(1100);
  static_cast<void>(video_.frame(1100));
  give(1120, kVideo, video_.frame(1120));
  poll(1160);
  ASSERT_TRUE(buffer_.poll_key_request(at_ms(1160)));
  const PushedFrame key = video_.frame(1180, true, 3000);
  give(1180, kVideo, key.parts[0]);
  give(1200, kVideo, video_.frame(1200));
  poll(1400);
  EXPECT_TRUE(buffer_.poll_key_request(at_ms(1400)));
  EXPECT_FALSE(buffer_.poll_key_request(at_ms(1400)));
}

TEST_F(Live, ACleanPathPlaysAtTheFloor) {
  run(0, 20'000);
  EXPECT_EQ(buffer_.play_out_delay(), milliseconds{15});
  EXPECT_EQ(buffer_.counters().skipped_frames, 0U);
}

// The path grows 80 ms longer: the first frame is late, those behind it are not.
TEST_F(Live, GrowsAtOnceWithTheFirstLateFrame) {
  run(0, 20'000);
  poll(20'030);
  ASSERT_EQ(buffer_.play_out_delay(), milliseconds{15});
  give(20'080, kVideo, video_.frame(20'000));
  EXPECT_EQ(poll(20'084), "");
  EXPECT_EQ(poll(20'085), "v20000");  // late, and better than a broken chain
  EXPECT_EQ(buffer_.play_out_delay(), milliseconds{85});
  give(20'100, kVideo, video_.frame(20'020));
  EXPECT_EQ(poll(20'104), "");
  EXPECT_EQ(poll(20'105), "v20020");
}

TEST_F(Live, ALatePartMakesItGrowToo) {
  run(0, 20'000);
  poll(20'030);
  const PushedFrame slow = video_.frame(20'000, false, 2000);
  give(20'000, kVideo, slow.parts[0]);
  EXPECT_EQ(poll(20'016), "");
  EXPECT_EQ(buffer_.counters().skipped_frames, 1U);
  give(20'060, kVideo, slow.parts[1]);
  EXPECT_EQ(buffer_.counters().late_frames, 1U);
  poll(20'060);
  EXPECT_EQ(buffer_.play_out_delay(), milliseconds{65});
}

// A part that was lost and sent again tells nothing of the path: the round it took is counted by R.
TEST_F(Live, WhatWasLostAndSentAgainIsNoJitter) {
  run(0, 20'000);
  for (int i = 0; i < 3; ++i) {
    const auto dts = static_cast<std::uint32_t>(20'000 + 20 * i);
    const PushedFrame holed = video_.frame(dts, false, 3000);
    give(dts, kVideo, holed.parts[0]);
    give(dts, kVideo, holed.parts[2]);
    give(dts + 45, kVideo, holed.parts[1]);
    poll(dts + 45);
  }
  EXPECT_EQ(buffer_.play_out_delay(), milliseconds{40 + 15 + 5});
}

// The gap behind a frame's last part is seen with the next frame, shortly before it comes again.
TEST_F(Live, TheLastPartOfAFrameIsKnownAsLostToo) {
  run(0, 20'000);
  for (int i = 0; i < 3; ++i) {
    const auto dts = static_cast<std::uint32_t>(20'000 + 40 * i);
    const PushedFrame holed = video_.frame(dts, false, 2000);
    give(dts, kVideo, holed.parts[0]);
    give(dts + 20, kVideo, video_.frame(dts + 20));
    give(dts + 52, kVideo, holed.parts[1]);  // round trip and detection
    poll(dts + 52);
  }
  EXPECT_EQ(buffer_.play_out_delay(), milliseconds{40 + 15 + 5});
  EXPECT_EQ(buffer_.counters().parts_recovered, 3U);
}

TEST_F(Live, WhatWasRebuiltIsNoJitterAndWasLost) {
  run(0, 20'000);
  for (int i = 0; i < 3; ++i) {
    const auto dts = static_cast<std::uint32_t>(20'000 + 20 * i);
    const PushedFrame holed = video_.frame(dts, false, 2000);
    give(dts, kVideo, holed.parts[0]);
    static_cast<void>(buffer_.handle_part(at_ms(dts + 30), kVideo, holed.parts[1], true));
    poll(dts + 30);
  }
  EXPECT_EQ(buffer_.play_out_delay(), milliseconds{40 + 15 + 5});
  EXPECT_EQ(buffer_.counters().parts_recovered, 0U);
}

TEST_F(Live, PartsAreInTheRingBeforeTheNextIsRead) {
  const PushedFrame frame = video_.frame(0, true, 3000);
  EXPECT_EQ(buffer_.ring(TrackId{9}), nullptr);
  const PacketRing* const ring = buffer_.ring(kVideo);
  ASSERT_NE(ring, nullptr);
  for (std::uint32_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(ring->find(frame.first + i).empty());
    give(0, kVideo, frame.parts[i]);
    EXPECT_EQ(ring->find(frame.first + i).size(), frame.parts[i].size());
  }
  EXPECT_EQ(poll(0), "v0");
  EXPECT_FALSE(ring->find(frame.first).empty());  // what has left is still of use
}

// Also parts of frames that were given up: a repair may span them.
TEST_F(Live, LatePartsAreKeptForRepairs) {
  run(0, 1000);
  const PushedFrame slow = video_.frame(1000, false, 2000);
  give(1000, kVideo, slow.parts[0]);
  poll(1100);
  give(1100, kVideo, slow.parts[1]);
  EXPECT_FALSE(buffer_.ring(kVideo)->find(slow.first + 1).empty());
}

// A stream of 60 Mbit/s whose numbers jump about.
TEST_F(Live, ARingStaysBelowFourMegabytes) {
  run(0, 100);
  for (std::int64_t ms = 100; ms < 3000; ms += 20) {
    const PushedFrame frame = video_.frame(static_cast<std::uint32_t>(ms), false, 150'000);
    for (std::size_t i = 1; i < frame.parts.size(); ++i) give(ms, kVideo, frame.parts[i]);
  }
  EXPECT_LE(buffer_.ring(kVideo)->memory_bytes(), 4'000'000U);
}

TEST_F(Live, BurstOfACachedGopWaitsForItsLostParts) {
  const PushedFrame key = video_.frame(0, true, 3000);
  give(0, kVideo, key.parts[0]);
  give(0, kVideo, key.parts[2]);
  EXPECT_EQ(buffer_.delay(at_ms(1)), milliseconds{260});  // what FEEDBACK says: 4 x 40 + 100
  for (std::uint32_t i = 1; i < 50; ++i) give(i / 10, kVideo, video_.frame(i * 20));
  EXPECT_EQ(poll(5), "");
  give(90, kVideo, key.parts[1]);
  EXPECT_EQ(poll(90).substr(0, 11), "v0 v20 v40 ");
  EXPECT_EQ(poll(90), "");
  EXPECT_EQ(buffer_.counters().skipped_frames, 0U);
  EXPECT_EQ(buffer_.delay(at_ms(500)), buffer_.play_out_delay());
}

// The pusher's encoder began again with other timestamps: nothing waits for the old time line.
TEST_F(Live, GoesOnWhenTheTimestampsStep) {
  for (const std::int64_t step : {-3'000'000, 3'000'000}) {
    JitterBuffer buffer{{PlayMode::kPlayOut, kPatience, PlayOutDelay::Bounds{}}};
    PushedTrack video{kVideo, TrackKind::kVideo};
    buffer.add_track(kVideo, TrackKind::kVideo);
    std::size_t left = 0;
    for (std::int64_t ms = 0; ms < 2000; ms += 20) {
      const auto dts = static_cast<std::uint32_t>(5'000'000 + ms + (ms >= 1000 ? step : 0));
      for (const auto& part : video.frame(dts, ms % 1000 == 0).parts) {
        ASSERT_TRUE(buffer.handle_part(at_ms(ms), kVideo, part).has_value());
      }
      while (buffer.poll_frame(at_ms(ms + 19))) ++left;
    }
    while (buffer.poll_frame(at_ms(2100))) ++left;
    EXPECT_EQ(left, 100U) << step;
  }
}

class Fixed : public Live {
 protected:
  Fixed() : Live({PlayMode::kPlayOut, milliseconds{60}}) {}
};

TEST_F(Fixed, AFixedDelayStaysWhateverHappens) {
  run(0, 1000);
  static_cast<void>(video_.frame(1000));
  run(1500, 2000);
  EXPECT_EQ(buffer_.play_out_delay(), milliseconds{60});
  EXPECT_EQ(buffer_.delay(at_ms(3000)), milliseconds{60});
  EXPECT_EQ(buffer_.delay_bounds().min, milliseconds{60});
  EXPECT_EQ(buffer_.delay_bounds().max, milliseconds{60});
}

}  // namespace
}  // namespace sluice::client
