#include "relay/stream/track.h"

#include <random>

#include <gtest/gtest.h>

#include "tests/unit/stream/parts.h"

namespace sluice::relay {
namespace {

constexpr std::size_t kKeyBytes = 5000;
constexpr std::size_t kDeltaBytes = 2000;

void feed(Track& track, const std::vector<Part>& parts, std::int64_t ms) {
  for (const Part& part : parts) {
    ASSERT_TRUE(track.ingest(at_ms(ms), part, at_ms(ms - 2000)).has_value());
  }
}

TEST(Track, CountsAFrameWholeInWhateverOrderItsPartsCome) {
  Track track{video_description()};
  PartSource source{RtmpType::kVideo};
  std::vector<Part> parts = source.frame(0, 40'000, true);
  std::shuffle(parts.begin(), parts.end(), std::mt19937{1});
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto stored = track.ingest(at_ms(0), parts[i], at_ms(-2000));
    ASSERT_TRUE(stored.has_value());
    EXPECT_EQ(stored->began, i == 0);
    EXPECT_EQ(stored->completed, i + 1 == parts.size());
  }
  EXPECT_EQ(track.counters().frames, 1U);
  EXPECT_EQ(track.counters().key_frames, 1U);
}

TEST(Track, StoresAPartOnce) {
  Track track{video_description()};
  PartSource source{RtmpType::kVideo};
  const std::vector<Part> parts = source.frame(0, kKeyBytes, true);
  feed(track, parts, 0);
  for (const Part& part : parts) {
    EXPECT_EQ(track.ingest(at_ms(1), part, at_ms(0)).error(), DropReason::kDuplicatePart);
  }
  EXPECT_EQ(track.counters().parts, parts.size());
}

// P-MEDIA-04: a pusher that contradicts itself harms nothing that is stored.
TEST(Track, RefusesPartsThatContradictTheirFrame) {
  Track track{video_description()};
  PartSource source{RtmpType::kVideo};
  const std::vector<Part> parts = source.frame(0, kKeyBytes, true);
  ASSERT_GE(parts.size(), 3U);
  ASSERT_TRUE(track.ingest(at_ms(0), parts[0], at_ms(0)).has_value());
  const wire::MediaHeader good = view_of(parts[1]).header;
  std::vector<wire::MediaHeader> lies(5, good);
  lies[0].count = static_cast<std::uint16_t>(good.count + 1);
  lies[1].dts = good.dts + 1;
  lies[2].keyframe = false;
  lies[3].index = static_cast<std::uint16_t>(good.index + 1);  // another first number: overlaps
  lies[4].index = good.count;
  for (const wire::MediaHeader& lie : lies) {
    const auto stored = track.ingest(at_ms(0), with_header(parts[1], lie), at_ms(0));
    EXPECT_EQ(stored.error(), DropReason::kMalformed) << lie.count << ' ' << lie.index;
  }
  feed(track, {parts.begin() + 1, parts.end()}, 0);
  EXPECT_EQ(track.counters().frames, 1U);
}

TEST(Track, RefusesRuntsAndFramesBeyondTwoMebibytes) {
  Track track{video_description()};
  PartSource source{RtmpType::kVideo};
  const Part part = source.frame(0, kKeyBytes, true)[0];
  const Part runt(part.begin(), part.begin() + kMediaHeaderBytes);
  EXPECT_EQ(track.ingest(at_ms(0), runt, at_ms(0)).error(), DropReason::kMalformed);
  wire::MediaHeader huge = view_of(part).header;
  huge.count = static_cast<std::uint16_t>(kPartsPerFrameMax + 1);
  EXPECT_EQ(track.ingest(at_ms(0), with_header(part, huge), at_ms(0)).error(),
            DropReason::kFrameTooLarge);
}

TEST(Track, SurvivesAnyJumpOfThePartNumbers) {
  Track track{video_description()};
  PartSource source{RtmpType::kVideo};
  const Part part = source.frame(0, 100, true)[0];
  std::mt19937 random{7};
  for (int i = 0; i < 20'000; ++i) {
    wire::MediaHeader header = view_of(part).header;
    header.seq = Seq{static_cast<std::uint32_t>(random())};
    header.dts = static_cast<std::uint32_t>(random()) & 0xFFFFFF;
    header.count = static_cast<std::uint16_t>(1 + random() % 3);
    header.index = static_cast<std::uint16_t>(random() % 4);
    static_cast<void>(track.ingest(at_ms(i), with_header(part, header), at_ms(i - 2000)));
    static_cast<void>(track.oldest_open(at_ms(i), std::chrono::milliseconds{100}));
    ASSERT_LE(track.frames().size(), kFramesPerTrackMax);
  }
}

TEST(Track, StartsVideoAtTheNewestWholeKeyFrame) {
  Track track{video_description()};
  PartSource source{RtmpType::kVideo};
  EXPECT_FALSE(track.start_frame().has_value());
  feed(track, source.frame(0, kKeyBytes, true), 0);
  feed(track, source.frame(33, kDeltaBytes), 33);
  const std::vector<Part> second = source.frame(66, kKeyBytes, true);
  feed(track, {second.begin(), second.end() - 1}, 66);
  ASSERT_TRUE(track.start_frame().has_value());
  EXPECT_EQ(track.frames()[*track.start_frame()].dts_ms, 0);
  feed(track, {second.back()}, 70);
  EXPECT_EQ(track.frames()[*track.start_frame()].dts_ms, 66);
}

TEST(Track, KeepsAGopOfTenSecondsAndForgetsOlderOnes) {
  Track track{video_description()};
  PartSource source{RtmpType::kVideo};
  constexpr std::int64_t kGopMs = 10'000;
  for (std::int64_t ms = 0; ms < 2 * kGopMs; ms += 33) {
    const bool key = ms % kGopMs < 33;
    const std::int64_t gop = ms - ms % kGopMs;
    for (const Part& part :
         source.frame(static_cast<std::uint32_t>(ms), key ? 50'000 : 5000, key)) {
      ASSERT_TRUE(track.ingest(at_ms(ms), part, at_ms(std::min(gop, ms - 2000))).has_value());
    }
  }
  ASSERT_TRUE(track.start_frame().has_value());
  const Seq key = track.frames()[*track.start_frame()].first;
  for (Seq seq = key; seq.distance_from(track.frames().newest().last()) <= 0; ++seq) {
    ASSERT_FALSE(track.ring().find(seq).empty());
  }
  EXPECT_LE(track.ring().capacity(), 4096U);
}

TEST(Track, StartsAudioWhereTheVideoStarts) {
  Track track{audio_description()};
  PartSource source{RtmpType::kAudio};
  for (std::uint32_t ms = 0; ms < 3000; ms += 20) feed(track, source.frame(ms, 200), ms);
  const auto from_video = track.audio_start(2500);
  ASSERT_TRUE(from_video.has_value());
  EXPECT_EQ(track.frames()[*from_video].dts_ms, 2500);
  EXPECT_FALSE(track.audio_start(4000).has_value());
}

TEST(Track, StartsAudioAloneAtTheNewestConfiguration) {
  Track track{audio_description()};
  PartSource source{RtmpType::kAudio};
  for (std::uint32_t ms = 0; ms < 3000; ms += 20) {
    feed(track, source.frame(ms, 200, ms % 1000 == 0), ms);
  }
  const auto start = track.audio_start(std::nullopt);
  ASSERT_TRUE(start.has_value());
  EXPECT_EQ(track.frames()[*start].dts_ms, 2000);
}

// P-FEEDBACK-03
TEST(Track, ReportsTheOldestGapUntilPatienceIsOver) {
  Track track{video_description()};
  PartSource source{RtmpType::kVideo, Seq{0xFFFFFE}};
  const std::vector<Part> key = source.frame(0, kKeyBytes, true);
  const std::vector<Part> delta = source.frame(33, kDeltaBytes);
  feed(track, {key[0]}, 0);
  feed(track, {key.begin() + 2, key.end()}, 1);
  feed(track, delta, 33);
  const Duration patience = std::chrono::milliseconds{100};
  EXPECT_EQ(track.oldest_open(at_ms(40), patience), Seq{0xFFFFFF});
  EXPECT_EQ(track.oldest_open(at_ms(100), patience), Seq{0xFFFFFF});
  const Seq end = view_of(delta.back()).header.seq + 1;
  EXPECT_EQ(track.oldest_open(at_ms(102), patience), end);
}

TEST(Track, AsksForAKeyFrameOnceInHalfASecondAndOnlyWhereThePusherCan) {
  Track track{video_description()};
  EXPECT_TRUE(track.take_key_request(at_ms(0)));
  EXPECT_FALSE(track.take_key_request(at_ms(499)));
  EXPECT_TRUE(track.take_key_request(at_ms(500)));
  Track without{video_description(false)};
  EXPECT_FALSE(without.take_key_request(at_ms(0)));
}

}  // namespace
}  // namespace sluice::relay
