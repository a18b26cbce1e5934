// One picture of several renditions: what the jitter buffer shows, what an FLV is told of it, and
// how files become renditions.
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "client/flv_sink.h"
#include "client/jitter_buffer.h"
#include "client/rendition_source.h"
#include "tests/unit/client/flv_file.h"
#include "tests/unit/client/pushed.h"

namespace sluice::client {
namespace {

using std::chrono::milliseconds;

constexpr TrackId kAudio{1}, kHi{2}, kLo{3};
constexpr Instant kStart{std::chrono::seconds{1000}};

Instant at_ms(std::int64_t ms) { return kStart + milliseconds{ms}; }

/// What left, as "a20 h33 l66": track and timestamp.
class Renditions : public testing::TestWithParam<PlayMode> {
 protected:
  Renditions()
      : buffer_({GetParam(), GetParam() == PlayMode::kComplete ? kPatience : milliseconds{100}}) {
    for (const auto& [id, kind] : {std::pair{kAudio, TrackKind::kAudio},
                                   {kHi, TrackKind::kVideo},
                                   {kLo, TrackKind::kVideo}}) {
      buffer_.add_track(id, kind);
      pushed_.emplace(id, PushedTrack{id, kind, Seq{Seq::kModulus - 5}});
    }
    buffer_.show(at_ms(0), std::nullopt);
  }

  PushedFrame frame(TrackId track, std::uint32_t ms, bool key = false) {
    return pushed_.at(track).frame(ms, key, 3000);
  }

  void give(std::int64_t ms, TrackId track, const PushedFrame& frame) {
    for (const auto& part : frame.parts) {
      static_cast<void>(buffer_.handle_part(at_ms(ms), track, part));
    }
  }

  /// Arrives as it is made.
  void come(TrackId track, std::uint32_t ms, bool key = false) {
    give(ms, track, frame(track, ms, key));
  }

  std::string poll(std::int64_t ms) {
    std::string left;
    while (const auto frame = buffer_.poll_frame(at_ms(ms))) {
      left += left.empty() ? "" : " ";
      left += frame->track == kAudio ? 'a' : frame->track == kHi ? 'h' : 'l';
      left += std::to_string(frame->media.timestamp_ms);
    }
    return left;
  }

  /// Hi and sound, 40 ms apart, up to before `end`; the first picture is a key frame. Nothing of it
  /// is left in the buffer then but what waits to be played.
  void run_hi(std::uint32_t end) {
    buffer_.show(at_ms(0), kHi);
    for (std::uint32_t ms = 0; ms < end; ms += 40) {
      come(kAudio, ms);
      come(kHi, ms, ms == 0);
      poll(ms);
    }
  }

  bool live() const { return GetParam() == PlayMode::kPlayOut; }

  JitterBuffer buffer_;
  std::map<TrackId, PushedTrack> pushed_;
};

INSTANTIATE_TEST_SUITE_P(Modes, Renditions,
                         testing::Values(PlayMode::kComplete, PlayMode::kPlayOut),
                         [](const auto& mode) {
                           return mode.param == PlayMode::kComplete ? "Complete" : "PlayOut";
                         });

// P-REND-03
TEST_P(Renditions, WhatIsNotShownIsHeldAndNotWaitedFor) {
  come(kHi, 0, true);
  come(kAudio, 0);
  EXPECT_EQ(poll(400), "a0");  // the first one of all waits for what may be lost before it
  EXPECT_EQ(buffer_.poll_key_request(at_ms(5000)), std::nullopt);
  EXPECT_EQ(buffer_.counters().skipped_frames, 0U);
  // The word on it comes after its media: nothing of it is lost.
  buffer_.show(at_ms(410), kHi);
  EXPECT_EQ(poll(410), "h0");
}

// P-REND-04
TEST_P(Renditions, ThePresentOneGoesOnUntilAKeyFrameOfTheNext) {
  run_hi(400);
  buffer_.show(at_ms(400), kLo);
  come(kHi, 400);
  come(kHi, 440);
  come(kLo, 480, true);
  come(kLo, 520);
  come(kHi, 560);  // overtaken by the switch: not shown any more
  EXPECT_EQ(poll(480).find("l"), live() ? std::string::npos : poll(480).find("l"));
  std::string left = poll(700);
  for (int ms = 720; ms < 1000; ms += 20) left += " " + poll(ms);
  EXPECT_EQ(left.find("h560"), std::string::npos) << left;
  if (live()) {
    EXPECT_NE(left.find("h440 l480 l520"), std::string::npos) << left;
  }
  EXPECT_EQ(buffer_.poll_key_request(at_ms(1000)), std::nullopt);
  EXPECT_EQ(buffer_.counters().skipped_frames, 0U);
}

// P-REND-04
TEST_P(Renditions, ACachedGopOfTheNextCatchesUpAtOnce) {
  run_hi(1000);
  std::vector<PushedFrame> gop;
  for (std::uint32_t ms = 200; ms < 1000; ms += 40) gop.push_back(frame(kLo, ms, ms == 200));
  buffer_.show(at_ms(1000), kLo);
  for (const PushedFrame& pushed : gop) give(1010, kLo, pushed);
  const std::string left = poll(1010);
  EXPECT_NE(left.find("l200 l240"), std::string::npos) << left;
  EXPECT_NE(left.find("l880"), std::string::npos) << left;
  EXPECT_EQ(left.find("h9"), std::string::npos) << left;
  come(kLo, 1020);
  std::string behind = left;
  for (int ms = 1020; ms <= 1200; ms += 20) behind += " " + poll(ms);
  EXPECT_NE(behind.find("l960"), std::string::npos) << behind;
  EXPECT_NE(behind.find("l1020"), std::string::npos) << behind;
  EXPECT_EQ(buffer_.counters().skipped_frames, 0U);
}

TEST_P(Renditions, APlaceInTheCallIsKeptAcrossALivelySwitch) {
  // By the clock of the one before: no picture leaves early, none is late.
  if (!live()) return;
  run_hi(1000);
  buffer_.show(at_ms(1000), kLo);
  come(kLo, 1000, true);
  come(kLo, 1040);
  std::string left;
  for (int ms = 1000; ms < 1100; ms += 10) left += poll(ms) + " ";
  EXPECT_EQ(left.find("l"), std::string::npos) << left;
  EXPECT_EQ(poll(1100).substr(0, 5), "l1000");
  EXPECT_EQ(poll(1140), "l1040");
}

// P-REND-03, P-REND-04
TEST_P(Renditions, OneThatWasLeftBeginsAnewAlsoWithoutTheSkipAndFarBehind) {
  for (const bool skip : {true, false}) {
    SCOPED_TRACE(skip);
    run_hi(400);
    buffer_.show(at_ms(400), kLo);
    come(kLo, 400, true);
    for (int ms = 400; ms < 600; ms += 20) poll(ms);
    const Seq left_at = frame(kHi, 440).first;
    for (std::uint32_t i = 0; i < 9000; ++i) frame(kHi, 480 + i * 40);  // not sent to us
    const std::uint32_t again = 480 + 9000 * 40;
    come(kLo, again - 40);
    poll(again - 40);
    const PushedFrame key = frame(kHi, again, true);
    if (skip) buffer_.handle_skip(at_ms(again), kHi, left_at, key.first - 1);
    buffer_.show(at_ms(again), kHi);
    give(again, kHi, key);
    come(kHi, again + 40);
    std::string left;
    for (std::uint32_t ms = again; ms < again + 300; ms += 20) left += poll(ms) + " ";
    const std::string expected = "h" + std::to_string(again);
    EXPECT_NE(left.find(expected), std::string::npos) << left;
    EXPECT_NE(left.find("h" + std::to_string(again + 40)), std::string::npos) << left;
    return;
  }
}

TEST_P(Renditions, ALossInWhatIsNotShownAsksForNothing) {
  run_hi(400);
  come(kLo, 400, true);
  frame(kLo, 440);  // lost
  come(kLo, 480);
  for (std::uint32_t ms = 400; ms < 6000; ms += 40) {
    come(kAudio, ms);
    come(kHi, ms);
    poll(ms);
    EXPECT_EQ(buffer_.poll_key_request(at_ms(ms)), std::nullopt) << ms;
  }
  EXPECT_EQ(buffer_.counters().skipped_frames, 0U);
  buffer_.handle_end(at_ms(6000));
  poll(8500);
  EXPECT_TRUE(buffer_.drained(at_ms(8500)));
}

// P-REND-03
TEST_P(Renditions, APauseShowsWhatCameAndHoldsNothingUp) {
  run_hi(400);
  buffer_.show(at_ms(400), std::nullopt);
  come(kAudio, 400);
  come(kAudio, 440);
  std::string left;
  for (int ms = 400; ms < 700; ms += 20) left += poll(ms) + " ";
  EXPECT_NE(left.find("a440"), std::string::npos) << left;
  EXPECT_EQ(buffer_.poll_key_request(at_ms(5000)), std::nullopt);
  buffer_.show(at_ms(5000), kLo);
  come(kLo, 5000, true);
  std::string again;
  for (int ms = 5000; ms < 5200; ms += 20) again += poll(ms) + " ";
  EXPECT_NE(again.find("l5000"), std::string::npos) << again;
}

ReceivedFrame picture(TrackId track, std::uint32_t ms, const std::vector<std::byte>& body,
                      const std::vector<std::byte>& config = {}) {
  ReceivedFrame frame;
  frame.track = track;
  frame.kind = TrackKind::kVideo;
  frame.media.type = RtmpType::kVideo;
  frame.media.timestamp_ms = ms;
  frame.media.body = body;
  frame.media.config = config;
  return frame;
}

// P-REND-04
TEST(FlvSinkRenditions, EachBeginsWithItsHeaderAndTimeNeverRunsBackwards) {
  FlvSink sink;
  const wire::TrackDescription tracks[] = {
      {.id = kHi, .kind = TrackKind::kVideo, .codec = FourCC::kAvc},
      {.id = kLo, .kind = TrackKind::kVideo, .codec = FourCC::kAvc, .rendition = 1}};
  sink.begin(tracks);
  const auto key = avc_frame(true, 1), inter = avc_frame(false, 2);
  EXPECT_TRUE(sink.write(picture(kHi, 1000, key, avc_header(1))));
  EXPECT_TRUE(sink.write(picture(kHi, 1040, inter)));
  EXPECT_TRUE(sink.write(picture(kLo, 900, key, avc_header(2))));
  EXPECT_TRUE(sink.write(picture(kLo, 1020, inter)));
  EXPECT_TRUE(sink.write(picture(kLo, 1060, inter)));
  EXPECT_TRUE(sink.write(picture(kHi, 1100, key, avc_header(1))));
  EXPECT_TRUE(sink.write(picture(kHi, 500, inter)));  // the pusher's own step stays one
  flv::TagReader reader;
  reader.feed(sink.pending());
  std::string written;
  while (const auto tag = reader.next()) {
    if (!*tag) break;
    if ((*tag)->type != RtmpType::kVideo) continue;
    const bool header = to_u8((*tag)->body[1]) == 0;
    written += std::to_string((*tag)->timestamp_ms);
    written += header ? "H" + std::to_string(to_u8((*tag)->body[5])) + " " : " ";
  }
  EXPECT_EQ(written, "1000H1 1000 1040 1040H2 1040 1040 1060 1100H1 1100 500 ");
}

RenditionSource two_files(int hi_frames, int lo_frames, bool loop) {
  std::vector<std::unique_ptr<MediaSource>> sources;
  for (const int frames : {hi_frames, lo_frames}) {
    auto source = MediaSource::of_bytes("in.flv", FlvFile{}.headers().frames(frames).bytes, loop);
    CHECK(source.has_value());
    sources.push_back(std::move(*source));
  }
  return RenditionSource{std::move(sources)};
}

std::string listing(RenditionSource& source, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    const auto step = source.next();
    if (!step || step->state != MediaSource::State::kFrame) return text + "end";
    const bool video = step->frame.type == RtmpType::kVideo;
    text += video ? "v" + std::to_string(step->frame.rendition) : "a";
    text += "@" + std::to_string(step->frame.timestamp_ms) + " ";
  }
  return text;
}

TEST(RenditionSource, MergesByTimestampWithTheSoundOfTheFirst) {
  RenditionSource source = two_files(3, 2, false);
  EXPECT_EQ(listing(source, 20), "v0@0 v1@0 a@5 v0@40 v1@40 a@45 v0@80 a@85 end");
  const auto tracks = source.tracks();
  ASSERT_EQ(tracks.size(), 3U);
  EXPECT_EQ(tracks[2].rendition, 1U);
  EXPECT_EQ(wire::check_tracks(tracks), wire::AnswerStatus::kOk);
}

TEST(RenditionSource, BeginsAgainTogetherAfterTheLongest) {
  RenditionSource source = two_files(3, 2, true);
  listing(source, 8);
  EXPECT_EQ(listing(source, 5), "v0@120 v1@120 a@125 v0@160 v1@160 ");
}

TEST(RenditionSource, RefusesWhatIsNoRendition) {
  for (const char* bad : {"hi", "=file.flv", "hi=", "hi=/nowhere.flv", "hi=/"}) {
    const auto opened = RenditionSource::open("", {bad}, false);
    ASSERT_FALSE(opened.has_value()) << bad;
    EXPECT_EQ(opened.error().code, ExitCode::kBadInput) << bad;
  }
  EXPECT_FALSE(RenditionSource::open("", std::vector<std::string>(7, "x=/dev/null"), false));
}

}  // namespace
}  // namespace sluice::client
