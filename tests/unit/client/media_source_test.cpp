#include "client/media_source.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>

#include <gtest/gtest.h>

#include "client/pace_clock.h"
#include "tests/unit/client/flv_file.h"

namespace sluice::client {
namespace {

using State = MediaSource::State;

/// Both ends of a pipe, and a source that reads it as the command line would.
struct Piped {
  Piped() {
    EXPECT_EQ(::pipe(ends), 0);
    auto opened = MediaSource::open("/proc/self/fd/" + std::to_string(ends[0]), false);
    EXPECT_TRUE(opened.has_value());
    source = std::move(*opened);
    ::close(ends[0]);
  }

  ~Piped() { end(); }

  void write(Bytes bytes) {
    EXPECT_EQ(::write(ends[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }

  void end() {
    if (ends[1] >= 0) ::close(ends[1]);
    ends[1] = -1;
  }

  int ends[2] = {-1, -1};
  std::unique_ptr<MediaSource> source;
};

std::vector<std::uint32_t> timestamps(MediaSource& source, int count) {
  std::vector<std::uint32_t> result;
  for (int i = 0; i < count; ++i) {
    const auto step = source.next();
    if (!step || step->state != State::kFrame) break;
    result.push_back(step->frame.timestamp_ms);
  }
  return result;
}

TEST(MediaSource, TellsTheTracksOfAFileAtOnce) {
  const auto source = MediaSource::of_bytes("in.flv", FlvFile{}.headers().frames(2).bytes, false);
  ASSERT_TRUE(source.has_value());
  EXPECT_TRUE((*source)->headers_known());
  const auto tracks = (*source)->tracks();
  ASSERT_EQ(tracks.size(), 2U);
  EXPECT_EQ(tracks[0].kind, TrackKind::kAudio);
  EXPECT_EQ(tracks[0].codec, FourCC::kAac);
  EXPECT_EQ(tracks[0].config, aac_header());
  EXPECT_EQ(tracks[1].id, TrackId{2});
  EXPECT_EQ(tracks[1].config, avc_header());
  EXPECT_EQ(timestamps(**source, 9), (std::vector<std::uint32_t>{0, 5, 40, 45}));
  EXPECT_EQ((*source)->next()->state, State::kEnded);
}

TEST(MediaSource, AudioOnlyAndVideoOnlyAreOrdinary) {
  FlvFile audio{true, false};
  audio.add(RtmpType::kAudio, 0, aac_header());
  audio.add(RtmpType::kAudio, 0, aac_frame(1));
  FlvFile video{true, true};  // a header that promises too much
  video.add(RtmpType::kVideo, 0, avc_header());
  video.add(RtmpType::kVideo, 0, avc_frame(true, 1));
  for (const auto& bytes : {audio.bytes, video.bytes}) {
    const auto source = MediaSource::of_bytes("in.flv", bytes, false);
    ASSERT_TRUE(source.has_value());
    EXPECT_EQ((*source)->tracks().size(), 1U);
  }
}

TEST(MediaSource, AFileWithAFaultAtItsEndIsRefusedBeforeItsFirstFrame) {
  auto bytes = FlvFile{}.headers().frames(50).bytes;
  bytes.pop_back();
  const auto source = MediaSource::of_bytes("in.flv", bytes, false);
  ASSERT_FALSE(source.has_value());
  EXPECT_EQ(source.error().code, ExitCode::kBadInput);
  EXPECT_NE(source.error().message.find("in.flv: the input ends at offset " +
                                        std::to_string(bytes.size())),
            std::string::npos);
}

TEST(MediaSource, ALoopContinuesItsTimestamps) {
  const auto source = MediaSource::of_bytes("in.flv", FlvFile{}.headers().frames(3).bytes, true);
  ASSERT_TRUE(source.has_value());
  EXPECT_EQ(timestamps(**source, 12),
            (std::vector<std::uint32_t>{0, 5, 40, 45, 80, 85, 120, 125, 160, 165, 200, 205}));
}

TEST(MediaSource, SaysWhyAFileCannotBeOpened) {
  const auto missing = MediaSource::open("/nonexistent/in.flv", false);
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, ExitCode::kBadInput);
  EXPECT_EQ(missing.error().message, "/nonexistent/in.flv: cannot open: No such file or directory");
  const auto directory = MediaSource::open("/", false);
  ASSERT_FALSE(directory.has_value());
  EXPECT_EQ(directory.error().code, ExitCode::kBadInput);
  EXPECT_EQ(directory.error().message, "/: a directory, not an FLV file");
}

TEST(MediaSourcePipe, KnowsItsHeadersOnceEveryPromisedTrackHasShownAFrame) {
  Piped pipe;
  const FlvFile file = FlvFile{}.headers();
  pipe.write(file.bytes);
  ASSERT_TRUE(pipe.source->read_some().has_value());
  EXPECT_FALSE(pipe.source->headers_known());
  FlvFile frames;
  frames.frames(1);
  pipe.write(Bytes{frames.bytes}.subspan(13, frames.bytes.size() - 13 - 10));
  ASSERT_TRUE(pipe.source->read_some().has_value());
  EXPECT_FALSE(pipe.source->headers_known());  // the audio frame is not whole yet
  pipe.write(Bytes{frames.bytes}.last(10));
  ASSERT_TRUE(pipe.source->read_some().has_value());
  EXPECT_TRUE(pipe.source->headers_known());
  EXPECT_EQ(pipe.source->tracks().size(), 2U);
  EXPECT_EQ(timestamps(*pipe.source, 9), (std::vector<std::uint32_t>{0, 5}));
  EXPECT_EQ(pipe.source->next()->state, State::kNeedsRead);
  pipe.end();
  ASSERT_TRUE(pipe.source->read_some().has_value());
  EXPECT_EQ(pipe.source->next()->state, State::kEnded);
}

TEST(MediaSourcePipe, DoesNotWaitForeverForAPromisedTrack) {
  Piped pipe;
  FlvFile file{true, true};
  file.add(RtmpType::kAudio, 0, aac_header());
  for (std::uint32_t ms = 0; ms <= 1000; ms += 20) file.add(RtmpType::kAudio, ms, aac_frame(1));
  pipe.write(file.bytes);
  ASSERT_TRUE(pipe.source->read_some().has_value());
  EXPECT_TRUE(pipe.source->headers_known());
  EXPECT_EQ(pipe.source->tracks().size(), 1U);
}

TEST(MediaSourcePipe, BadHeadersAreToldBeforeAnythingCouldBeSent) {
  Piped pipe;
  pipe.write(as_bytes("not an flv at all"));
  const auto read = pipe.source->read_some();
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code, ExitCode::kBadInput);
}

TEST(MediaSourcePipe, TruncationInMidStreamComesAfterWhatCameBefore) {
  Piped pipe;
  auto bytes = FlvFile{}.headers().frames(3).bytes;
  bytes.pop_back();
  pipe.write(bytes);
  pipe.end();
  ASSERT_TRUE(pipe.source->read_some().has_value());
  ASSERT_TRUE(pipe.source->read_some().has_value());
  EXPECT_EQ(timestamps(*pipe.source, 5), (std::vector<std::uint32_t>{0, 5, 40, 45, 80}));
  const auto step = pipe.source->next();
  ASSERT_FALSE(step.has_value());
  EXPECT_EQ(step.error().code, ExitCode::kBadInput);
  EXPECT_NE(step.error().message.find("inside the tag at offset"), std::string::npos);
}

TEST(PaceClock, IsOneClockForAllTracksAcrossTheWrap) {
  PaceClock clock;
  const Instant start = instant_from_us(5'000'000);
  clock.anchor(start, UINT32_MAX - 20);
  EXPECT_EQ(clock.due(UINT32_MAX - 20), start);
  EXPECT_EQ(clock.due(19), start + std::chrono::milliseconds{40});
  EXPECT_EQ(clock.due(9), start + std::chrono::milliseconds{30});
}

}  // namespace
}  // namespace sluice::client
