#include "client/flv_demuxer.h"

#include <string>

#include <gtest/gtest.h>

#include "client/stream_metadata.h"
#include "tests/unit/client/flv_file.h"

namespace sluice::client {
namespace {

std::string message_of(const std::vector<std::byte>& file) {
  FlvDemuxer demuxer{"in.flv"};
  demuxer.feed(file);
  for (;;) {
    const auto frame = demuxer.next();
    if (!frame) {
      EXPECT_EQ(frame.error().code, ExitCode::kBadInput);
      return frame.error().message;
    }
    if (!frame->has_value()) break;
  }
  const auto ended = demuxer.end();
  return ended ? "" : ended.error().message;
}

// P-MEDIA-06: a sequence header is no frame of its own.
TEST(FlvDemuxer, SequenceHeadersBecomeTheConfigurationOfWhatFollows) {
  FlvFile file;
  file.headers().frames(2);
  FlvDemuxer demuxer{"in.flv"};
  demuxer.feed(file.bytes);
  auto frame = demuxer.next();
  ASSERT_TRUE(frame.has_value() && frame->has_value());
  EXPECT_EQ((*frame)->type, RtmpType::kVideo);
  EXPECT_TRUE((*frame)->keyframe);
  const auto config = avc_header(), body = avc_frame(true, 0);
  EXPECT_TRUE(
      std::equal((*frame)->config.begin(), (*frame)->config.end(), config.begin(), config.end()));
  EXPECT_TRUE(std::equal((*frame)->body.begin(), (*frame)->body.end(), body.begin(), body.end()));
  frame = demuxer.next();
  EXPECT_EQ((*frame)->type, RtmpType::kAudio);
  EXPECT_EQ((*frame)->timestamp_ms, 5U);
  EXPECT_EQ((*frame)->config.size(), aac_header().size());
}

TEST(FlvDemuxer, WorksInWhateverPiecesTheBytesCome) {
  FlvFile file;
  file.headers().frames(5);
  FlvDemuxer demuxer{"in.flv"};
  int frames = 0;
  for (const std::byte b : file.bytes) {
    demuxer.feed({&b, 1});
    for (auto frame = demuxer.next(); frame->has_value(); frame = demuxer.next()) ++frames;
  }
  EXPECT_EQ(frames, 10);
  EXPECT_TRUE(demuxer.end().has_value());
  EXPECT_TRUE(demuxer.promise_kept());
  EXPECT_EQ(demuxer.track(TrackKind::kVideo)->key_frames, 1U);
  EXPECT_EQ(demuxer.track(TrackKind::kVideo)->last_ms, 160U);
}

TEST(FlvDemuxer, AsksThePictureItselfWhetherOthersNeedIt) {
  FlvFile file;
  file.headers().frames(1);
  const auto add = [&file](int nal_header, std::uint32_t at_ms) {
    file.add(RtmpType::kVideo, at_ms, bytes_of({0x27, 1, 0, 0, 0, 0, 0, 0, 2, nal_header, 0x9A}));
  };
  add(0x41, 40);
  add(0x01, 80);  // nal_ref_idc 0
  FlvDemuxer demuxer{"in.flv"};
  demuxer.feed(file.bytes);
  std::vector<bool> discardable;
  for (auto frame = demuxer.next(); frame->has_value(); frame = demuxer.next()) {
    if ((*frame)->type == RtmpType::kVideo) discardable.push_back((*frame)->discardable);
  }
  EXPECT_EQ(discardable, (std::vector<bool>{false, false, true}));
}

TEST(FlvDemuxer, LeavesFileMetadataAndEncoderCommandsOut) {
  FlvFile file;
  std::vector<std::byte> metadata;
  flv::append_metadata_body({}, metadata);
  file.add(RtmpType::kData, 0, metadata);
  file.headers().frames(1);
  file.add(RtmpType::kVideo, 40, bytes_of({0x17, 2, 0, 0, 0}));  // end of sequence
  FlvDemuxer demuxer{"in.flv"};
  demuxer.feed(file.bytes);
  int frames = 0;
  for (auto frame = demuxer.next(); frame->has_value(); frame = demuxer.next()) ++frames;
  EXPECT_EQ(frames, 2);
  EXPECT_EQ(demuxer.track(TrackKind::kData), nullptr);
}

TEST(FlvDemuxer, OfMetadataTheStreamsShareIsTheConfigurationOfADataTrack) {
  FlvFile file;
  file.add(RtmpType::kData, 0, metadata(1920, 1080, 30));
  file.headers().frames(2);
  file.add(RtmpType::kData, 50, metadata(640, 480, 30));  // the first one counts
  FlvDemuxer demuxer{"in.flv"};
  demuxer.feed(file.bytes);
  while (demuxer.next()->has_value()) continue;
  const SourceTrack* const data = demuxer.track(TrackKind::kData);
  ASSERT_NE(data, nullptr);
  EXPECT_EQ(data->frames, 0U);
  EXPECT_EQ(data->config, stream_metadata(metadata(1920, 1080, 30)));
  EXPECT_EQ(as_text(data->config).find("duration"), std::string_view::npos);
}

TEST(FlvDemuxer, BeginsVideoAtItsFirstKeyFrame) {
  FlvFile file;
  file.headers();
  file.add(RtmpType::kVideo, 0, avc_frame(false, 1));
  file.frames(1, 40);
  FlvDemuxer demuxer{"in.flv"};
  demuxer.feed(file.bytes);
  const auto frame = demuxer.next();
  EXPECT_TRUE((*frame)->keyframe);
  EXPECT_EQ((*frame)->timestamp_ms, 40U);
}

TEST(FlvDemuxer, BadInputIsNamedWithItsOffset) {
  const auto file_with = [](RtmpType type, const std::vector<std::byte>& body) {
    FlvFile file;
    file.headers().frames(1);
    file.add(type, 40, body);
    return file.bytes;
  };
  FlvFile whole;
  whole.headers().frames(1);
  const std::string behind = std::to_string(whole.bytes.size());
  std::vector<std::byte> cut = whole.bytes;
  cut.resize(cut.size() - 3);
  FlvFile no_header;
  no_header.add(RtmpType::kVideo, 0, avc_frame(true, 0));
  FlvFile no_audio_header;
  no_audio_header.add(RtmpType::kAudio, 0, aac_frame(0));
  const auto text =
      bytes_of({'h', 'e', 'l', 'l', 'o', ' ', 'w', 'o', 'r', 'l', 'd', '!', '!', '!'});

  const struct {
    std::vector<std::byte> bytes;
    std::string message;
  } table[] = {
      {text, "in.flv: no FLV header at offset 0: expected 46 4c 56, found 68 65 6c"},
      {{}, "in.flv: no FLV header at offset 0: the input has 0 bytes"},
      {cut, "in.flv: the input ends at offset " + std::to_string(cut.size()) +
                ", inside the tag at offset " +
                std::to_string(whole.bytes.size() - 11 - 4 - aac_frame(0).size())},
      {no_header.bytes,
       "in.flv: offset 13: avc1 video without a sequence header before it; nobody could decode it"},
      {no_audio_header.bytes,
       "in.flv: offset 13: mp4a audio without a sequence header before it; nobody could decode it"},
      {FlvFile{}.bytes, "in.flv: an FLV without a single audio or video frame"},
      {FlvFile{}.headers().bytes, "in.flv: an FLV without a single audio or video frame"},
      {file_with(RtmpType::kVideo, bytes_of({0x24, 1, 2, 3, 4, 5})),
       "in.flv: offset " + behind +
           ": On2 VP6 (FLV video codec 4) is not carried; H.264, HEVC, AV1 and VP9 are"},
      {file_with(RtmpType::kAudio, bytes_of({0xb2, 1, 2, 3})),
       "in.flv: offset " + behind +
           ": Speex (FLV sound format 11) is not carried; AAC, Opus and MP3 are"},
      {file_with(RtmpType::kAudio, bytes_of({0x2f, 1, 2, 3})),
       "in.flv: offset " + behind + ": audio changes from mp4a to .mp3"},
  };

  for (const auto& bad : table) {
    EXPECT_EQ(message_of(bad.bytes), bad.message);
  }
}

TEST(FlvDemuxer, RefusesWhatDoesNotFitAMediaFrame) {
  FlvFile file;
  file.headers().frames(1);
  const std::size_t offset = file.bytes.size();
  std::vector<std::byte> huge = avc_frame(true, 1);
  huge.resize(kMediaFrameBytesMax);
  file.add(RtmpType::kVideo, 40, huge);
  EXPECT_EQ(message_of(file.bytes),
            "in.flv: offset " + std::to_string(offset) +
                ": a frame of 2097152 bytes; the largest carried has 2092992");
  FlvFile config;
  std::vector<std::byte> long_config = avc_header();
  long_config.resize(kCodecConfigBytesMax + 1);
  config.add(RtmpType::kVideo, 0, long_config);
  EXPECT_EQ(message_of(config.bytes),
            "in.flv: offset 13: a sequence header of 4097 bytes; the largest carried has 4096");
}

}  // namespace
}  // namespace sluice::client
