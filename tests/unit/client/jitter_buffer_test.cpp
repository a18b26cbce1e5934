#include "client/jitter_buffer.h"

#include <algorithm>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/client/pushed.h"

namespace sluice::client {
namespace {

using std::chrono::milliseconds;

constexpr TrackId kAudio{1}, kVideo{2};
constexpr Instant kStart{std::chrono::seconds{1000}};

Instant at_ms(std::int64_t ms) { return kStart + milliseconds{ms}; }

/// A buffer under test, and what has left it.
struct Receiver {
  explicit Receiver(JitterBuffer::Config config = {}) : buffer(config) {}

  void give(Instant now, TrackId track, const PushedFrame& frame) {
    for (const auto& part : frame.parts) static_cast<void>(buffer.handle_part(now, track, part));
  }

  /// The timestamps of what leaves at `now`.
  std::vector<std::uint32_t> poll(Instant now) {
    std::vector<std::uint32_t> left;
    while (const auto frame = buffer.poll_frame(now)) {
      left.push_back(frame->media.timestamp_ms);
      EXPECT_EQ(frame->media.body.front(), static_cast<std::byte>(frame->media.timestamp_ms));
    }
    return left;
  }

  JitterBuffer buffer;
};

using Left = std::vector<std::uint32_t>;

struct VideoOnly : Receiver {
  explicit VideoOnly(JitterBuffer::Config config = {}, Seq first = Seq{})
      : Receiver(config), video(kVideo, TrackKind::kVideo, first) {
    buffer.add_track(kVideo, TrackKind::kVideo);
  }

  PushedTrack video;
};

TEST(JitterBufferComplete, HandsWholeFramesOnAtOnce) {
  VideoOnly r;
  r.give(at_ms(0), kVideo, r.video.frame(0, true, 5000));
  EXPECT_EQ(r.poll(at_ms(0)), (Left{0}));
  r.give(at_ms(33), kVideo, r.video.frame(33));
  EXPECT_EQ(r.poll(at_ms(33)), (Left{33}));
  EXPECT_EQ(r.buffer.counters().skipped_frames, 0U);
}

TEST(JitterBufferComplete, PutsReorderedPartsInOrderAcrossTheWrap) {
  for (const std::uint32_t first : {0U, 32767U, 65535U, Seq::kModulus - 40, Seq::kModulus - 1}) {
    VideoOnly r({}, Seq{first});
    std::vector<std::vector<std::byte>> parts;
    Left expected;
    for (std::uint32_t i = 0; i < 20; ++i) {
      for (auto& part : r.video.frame(i * 33, i == 0, 4000).parts) parts.push_back(std::move(part));
      expected.push_back(i * 33);
    }
    std::mt19937 random{first};
    std::shuffle(parts.begin() + 4, parts.end(), random);  // the key frame stays first
    Left left;
    for (const auto& part : parts) {
      ASSERT_TRUE(r.buffer.handle_part(at_ms(0), kVideo, part).has_value());
      for (const auto t : r.poll(at_ms(0))) left.push_back(t);
    }
    EXPECT_EQ(left, expected) << "first seq " << first;
    EXPECT_GT(r.buffer.counters().parts_behind, 0U);
  }
}

TEST(JitterBufferComplete, ALateFrameWithinPatienceLeavesInOrder) {
  VideoOnly r;
  r.give(at_ms(0), kVideo, r.video.frame(0, true));
  const PushedFrame lost = r.video.frame(33);
  r.give(at_ms(66), kVideo, r.video.frame(66));
  EXPECT_EQ(r.poll(at_ms(66)), (Left{0}));
  EXPECT_EQ(r.poll(at_ms(66 + 1999)), (Left{}));
  r.give(at_ms(66 + 1999), kVideo, lost);
  EXPECT_EQ(r.poll(at_ms(66 + 1999)), (Left{33, 66}));
  EXPECT_EQ(r.buffer.counters().skipped_frames, 0U);
}

TEST(JitterBufferComplete, GivesUpAfterPatienceAndWaitsForAKeyFrame) {
  VideoOnly r;
  r.give(at_ms(0), kVideo, r.video.frame(0, true));
  const PushedFrame lost = r.video.frame(33);
  r.give(at_ms(66), kVideo, r.video.frame(66));
  EXPECT_EQ(r.poll(at_ms(66)), (Left{0}));
  EXPECT_EQ(r.buffer.poll_key_request(at_ms(66)), std::nullopt);
  EXPECT_EQ(r.buffer.next_deadline(at_ms(66)), at_ms(66 + 2000));
  EXPECT_EQ(r.poll(at_ms(66 + 2000)), (Left{}));  // 66 depends on 33
  EXPECT_EQ(r.buffer.poll_key_request(at_ms(66 + 2000)), kVideo);
  EXPECT_EQ(r.buffer.poll_key_request(at_ms(66 + 2000)), std::nullopt);  // once
  r.give(at_ms(2100), kVideo, r.video.frame(99));
  EXPECT_EQ(r.poll(at_ms(2100)), (Left{}));
  EXPECT_EQ(r.buffer.poll_key_request(at_ms(2100)), std::nullopt);
  r.give(at_ms(2200), kVideo, lost);  // too late
  EXPECT_EQ(r.poll(at_ms(2200)), (Left{}));
  r.give(at_ms(2300), kVideo, r.video.frame(132, true));
  EXPECT_EQ(r.poll(at_ms(2300)), (Left{132}));
  EXPECT_EQ(r.buffer.counters().skipped_frames, 3U);  // 33, 66, 99
}

TEST(JitterBufferComplete, ADifferentPatienceIsKept) {
  VideoOnly r({PlayMode::kComplete, milliseconds{300}});
  r.give(at_ms(0), kVideo, r.video.frame(0, true));
  static_cast<void>(r.video.frame(33, false, 100, true));  // lost, and nothing depends on it
  r.give(at_ms(66), kVideo, r.video.frame(66));
  EXPECT_EQ(r.poll(at_ms(66 + 299)), (Left{0}));
  EXPECT_EQ(r.poll(at_ms(66 + 300)), (Left{66}));
}

TEST(JitterBufferComplete, ALostDiscardableFrameBreaksNothing) {
  VideoOnly r;
  r.give(at_ms(0), kVideo, r.video.frame(0, true));
  const PushedFrame lost = r.video.frame(33, false, 3000, true);
  static_cast<void>(r.buffer.handle_part(at_ms(33), kVideo, lost.parts[0]));
  r.give(at_ms(66), kVideo, r.video.frame(66));
  EXPECT_EQ(r.poll(at_ms(33 + 2000)), (Left{0, 66}));
  EXPECT_EQ(r.buffer.poll_key_request(at_ms(33 + 2000)), std::nullopt);
  EXPECT_EQ(r.buffer.counters().skipped_frames, 1U);
  EXPECT_EQ(r.buffer.counters().late_frames, 0U);
  static_cast<void>(r.buffer.handle_part(at_ms(2100), kVideo, lost.parts[1]));
  static_cast<void>(r.buffer.handle_part(at_ms(2100), kVideo, lost.parts[2]));
  EXPECT_EQ(r.buffer.counters().late_frames, 1U);  // a frame, however many parts
}

// P-MEDIA-05: 255, depends on everything since the key frame.
TEST(JitterBufferComplete, AFrameTooFarFromItsReferenceNeedsTheWholeChain) {
  for (const bool reference_lost : {false, true}) {
    VideoOnly r;
    r.give(at_ms(0), kVideo, r.video.frame(0, true));
    const PushedFrame reference = r.video.frame(33);
    if (!reference_lost) r.give(at_ms(33), kVideo, reference);
    r.give(at_ms(66), kVideo, r.video.frame(66, false, 300 * kPartBytesMax, true));
    const PushedFrame far = r.video.frame(99);
    ASSERT_EQ(far.parts[0][wire::kMediaDepOffset], std::byte{wire::kDependsOnAll});
    r.give(at_ms(99), kVideo, far);
    EXPECT_EQ(r.poll(at_ms(2200)), reference_lost ? (Left{0}) : (Left{0, 33, 66, 99}));
  }
}

TEST(JitterBufferComplete, SkippedPartsAreNotWaitedFor) {
  VideoOnly r;
  r.give(at_ms(0), kVideo, r.video.frame(0, true));
  const PushedFrame dropped = r.video.frame(33, false, 3000, true);
  r.give(at_ms(66), kVideo, r.video.frame(66));
  EXPECT_EQ(r.poll(at_ms(66)), (Left{0}));
  r.buffer.handle_skip(at_ms(67), kVideo, dropped.first, dropped.first + 2);
  EXPECT_EQ(r.poll(at_ms(67)), (Left{66}));
  EXPECT_EQ(r.buffer.counters().skipped_frames, 0U);
}

TEST(JitterBufferComplete, TracksAreInterleavedByDts) {
  Receiver r;
  PushedTrack audio{kAudio, TrackKind::kAudio}, video{kVideo, TrackKind::kVideo};
  r.buffer.add_track(kAudio, TrackKind::kAudio);
  r.buffer.add_track(kVideo, TrackKind::kVideo);
  r.give(at_ms(0), kVideo, video.frame(0, true));
  r.give(at_ms(0), kVideo, video.frame(40));
  EXPECT_EQ(r.poll(at_ms(0)), (Left{}));  // audio may bring something earlier
  r.give(at_ms(5), kAudio, audio.frame(10));
  r.give(at_ms(5), kAudio, audio.frame(30));
  r.give(at_ms(5), kAudio, audio.frame(50));
  EXPECT_EQ(r.poll(at_ms(305)), (Left{0, 10, 30, 40, 50}));
}

TEST(JitterBufferComplete, AQuietTrackHoldsTheOthersOnlyShortly) {
  Receiver r;
  PushedTrack video{kVideo, TrackKind::kVideo};
  r.buffer.add_track(kAudio, TrackKind::kAudio);
  r.buffer.add_track(kVideo, TrackKind::kVideo);
  r.give(at_ms(0), kVideo, video.frame(0, true));
  EXPECT_EQ(r.poll(at_ms(99)), (Left{}));
  EXPECT_EQ(r.buffer.next_deadline(at_ms(99)), at_ms(100));
  EXPECT_EQ(r.poll(at_ms(100)), (Left{0}));
}

TEST(JitterBufferComplete, AudioAloneNeedsNoKeyFrame) {
  Receiver r;
  PushedTrack audio{kAudio, TrackKind::kAudio};
  r.buffer.add_track(kAudio, TrackKind::kAudio);
  const PushedFrame first = audio.frame(0);
  r.give(at_ms(21), kAudio, audio.frame(21));
  EXPECT_EQ(r.poll(at_ms(21)), (Left{}));  // an earlier one may have been lost
  r.give(at_ms(60), kAudio, first);
  EXPECT_EQ(r.poll(at_ms(60 + 300)), (Left{0, 21}));
  const PushedFrame lost = audio.frame(42);
  r.give(at_ms(400), kAudio, audio.frame(64));
  EXPECT_EQ(r.poll(at_ms(2399)), (Left{}));
  EXPECT_EQ(r.poll(at_ms(2400)), (Left{64}));
  EXPECT_EQ(r.buffer.poll_key_request(at_ms(2400)), std::nullopt);
  EXPECT_EQ(r.buffer.counters().skipped_frames, 1U);
}

TEST(JitterBufferComplete, BeginsAtTheFirstKeyFrameAndAsksForIt) {
  VideoOnly r;
  static_cast<void>(r.video.frame(0, true));
  r.give(at_ms(0), kVideo, r.video.frame(33));
  r.give(at_ms(33), kVideo, r.video.frame(66));
  EXPECT_EQ(r.poll(at_ms(1000)), (Left{}));
  EXPECT_EQ(r.buffer.poll_key_request(at_ms(1000)), kVideo);
  r.give(at_ms(1100), kVideo, r.video.frame(99, true));
  EXPECT_EQ(r.poll(at_ms(1100)), (Left{99}));
  EXPECT_EQ(r.buffer.counters().skipped_frames, 0U);  // nothing was promised before it
}

TEST(JitterBufferComplete, DrainsAfterTheEnd) {
  VideoOnly r;
  r.give(at_ms(0), kVideo, r.video.frame(0, true));
  const PushedFrame late = r.video.frame(33);
  r.give(at_ms(66), kVideo, r.video.frame(66));
  EXPECT_EQ(r.poll(at_ms(66)), (Left{0}));
  r.buffer.handle_end(at_ms(70));
  EXPECT_FALSE(r.buffer.drained(at_ms(70)));
  r.give(at_ms(150), kVideo, late);
  EXPECT_EQ(r.poll(at_ms(150)), (Left{33, 66}));
  EXPECT_FALSE(r.buffer.drained(at_ms(150)));
  EXPECT_TRUE(r.buffer.drained(at_ms(70 + 200)));
}

TEST(JitterBufferComplete, RefusesByNameWhatIsNoPartOfItsTracks) {
  VideoOnly r;
  const PushedFrame frame = r.video.frame(0, true, 2000);
  EXPECT_EQ(r.buffer.handle_part(kStart, TrackId{9}, frame.parts[0]).error(),
            DropReason::kUnknownTrack);
  EXPECT_EQ(r.buffer.handle_part(kStart, kVideo, Bytes{frame.parts[0]}.first(12)).error(),
            DropReason::kMalformed);
  ASSERT_TRUE(r.buffer.handle_part(kStart, kVideo, frame.parts[0]).has_value());
  EXPECT_EQ(r.buffer.handle_part(kStart, kVideo, frame.parts[0]).error(),
            DropReason::kDuplicatePart);
  ASSERT_TRUE(r.buffer.handle_part(kStart, kVideo, frame.parts[1]).has_value());
  EXPECT_EQ(r.poll(kStart), (Left{0}));
  EXPECT_EQ(r.buffer.handle_part(kStart, kVideo, frame.parts[1]).error(),
            DropReason::kDuplicatePart);
}

TEST(JitterBufferPlayOut, PlaysEachFrameAtItsTime) {
  VideoOnly r({PlayMode::kPlayOut, milliseconds{60}});
  r.give(at_ms(0), kVideo, r.video.frame(0, true));
  EXPECT_EQ(r.poll(at_ms(0)), (Left{0}));  // the first picture at once
  r.give(at_ms(33), kVideo, r.video.frame(33));
  EXPECT_EQ(r.poll(at_ms(92)), (Left{}));
  EXPECT_EQ(r.buffer.next_deadline(at_ms(92)), at_ms(93));
  EXPECT_EQ(r.poll(at_ms(93)), (Left{33}));
}

TEST(JitterBufferPlayOut, GivesUpWhatIsNotWholeAtItsTime) {
  VideoOnly r({PlayMode::kPlayOut, milliseconds{60}});
  r.give(at_ms(0), kVideo, r.video.frame(0, true));
  EXPECT_EQ(r.poll(at_ms(0)), (Left{0}));
  const PushedFrame cut = r.video.frame(33, false, 2000);
  static_cast<void>(r.buffer.handle_part(at_ms(33), kVideo, cut.parts[0]));
  r.give(at_ms(66), kVideo, r.video.frame(66, true));
  EXPECT_EQ(r.poll(at_ms(125)), (Left{}));
  EXPECT_EQ(r.poll(at_ms(126)), (Left{66}));
  EXPECT_EQ(r.buffer.counters().skipped_frames, 1U);
  static_cast<void>(r.buffer.handle_part(at_ms(127), kVideo, cut.parts[1]));
  EXPECT_EQ(r.buffer.counters().late_frames, 1U);
}

TEST(JitterBufferPlayOut, TheCachedGopOfAJoinLeavesInABurst) {
  VideoOnly r({PlayMode::kPlayOut, milliseconds{60}});
  Left expected;
  for (std::uint32_t i = 0; i < 30; ++i) {
    r.give(at_ms(i / 10), kVideo, r.video.frame(i * 33, i == 0));
    expected.push_back(i * 33);
  }
  EXPECT_EQ(r.poll(at_ms(70)), expected);
  EXPECT_EQ(r.buffer.counters().skipped_frames, 0U);
}

}  // namespace
}  // namespace sluice::client
