#include "client/flv_sink.h"

#include <string>

#include <gtest/gtest.h>

#include "client/stream_metadata.h"
#include "tests/unit/client/flv_file.h"

namespace sluice::client {
namespace {

constexpr TrackId kAudio{4}, kVideo{5};

wire::TrackDescription audio_track() {
  return {.id = kAudio, .kind = TrackKind::kAudio, .codec = FourCC::kAac, .config = aac_header()};
}

wire::TrackDescription video_track() {
  return {.id = kVideo, .kind = TrackKind::kVideo, .codec = FourCC::kAvc};
}

ReceivedFrame frame_of(TrackId track, std::uint32_t ms, const std::vector<std::byte>& body,
                       const std::vector<std::byte>& config) {
  ReceivedFrame frame;
  frame.track = track;
  frame.kind = track == kVideo ? TrackKind::kVideo : TrackKind::kAudio;
  frame.media.type = track == kVideo ? RtmpType::kVideo : RtmpType::kAudio;
  frame.media.timestamp_ms = ms;
  frame.media.body = body;
  frame.media.config = config;
  return frame;
}

/// "type@timestamp:size" of every tag, read back with the real reader.
std::string listing(Bytes file) {
  flv::TagReader reader;
  reader.feed(file);
  std::string text;
  while (const auto tag = reader.next()) {
    EXPECT_TRUE(tag->has_value());
    if (!*tag) break;
    text += std::to_string(static_cast<int>((*tag)->type)) + "@" +
            std::to_string((*tag)->timestamp_ms) + ":" + std::to_string((*tag)->body.size()) + " ";
  }
  EXPECT_TRUE(reader.end().has_value());
  return text;
}

TEST(FlvSink, WritesSequenceHeadersOnceAndAgainWhenTheyChange) {
  FlvSink sink;
  const wire::TrackDescription tracks[] = {audio_track(), video_track()};
  sink.begin(tracks);
  const auto key = avc_frame(true, 1), inter = avc_frame(false, 2), sound = aac_frame(3);
  EXPECT_TRUE(sink.write(frame_of(kVideo, 1000, key, avc_header(1))));
  EXPECT_TRUE(sink.write(frame_of(kAudio, 1005, sound, {})));
  EXPECT_TRUE(sink.write(frame_of(kVideo, 1040, inter, {})));
  EXPECT_TRUE(sink.write(frame_of(kVideo, 1080, key, avc_header(1))));
  EXPECT_TRUE(sink.write(frame_of(kVideo, 1120, key, avc_header(2))));
  EXPECT_EQ(listing(sink.pending().subspan(0)).substr(listing(sink.pending()).find(' ') + 1),
            "9@1000:10 9@1000:10 8@1005:4 8@1005:4 9@1040:10 9@1080:10 9@1120:10 9@1120:10 ");
  EXPECT_EQ(sink.bytes_media(), 44U);
}

TEST(FlvSink, WhatWasWrittenBeforeALossIsNotWrittenAgain) {
  FlvSink sink;
  const wire::TrackDescription tracks[] = {audio_track(), video_track()};
  sink.begin(tracks);
  const auto key = avc_frame(true, 1), inter = avc_frame(false, 2), sound = aac_frame(3);
  const auto write = [&](TrackId track, std::uint32_t ms, const std::vector<std::byte>& body) {
    EXPECT_TRUE(sink.write(
        frame_of(track, ms, body, track == kVideo ? avc_header(1) : std::vector<std::byte>{})));
  };
  write(kVideo, 1000, key);
  write(kAudio, 1005, sound);
  write(kVideo, 1040, inter);
  sink.take_all();
  sink.resume();
  write(kVideo, 1000, key);
  write(kAudio, 1005, sound);
  write(kVideo, 1040, inter);
  EXPECT_TRUE(sink.pending().empty());
  write(kVideo, 1080, inter);
  write(kAudio, 1026, sound);
  EXPECT_FALSE(sink.pending().empty());
  // Only once for each track: a source whose time runs back later is written as it is.
  sink.take_all();
  write(kVideo, 1079, inter);
  EXPECT_FALSE(sink.pending().empty());
}

TEST(FlvSink, AStreamThatBeganFromItsStartIsNewAfterALoss) {
  FlvSink sink;
  const wire::TrackDescription tracks[] = {video_track()};
  sink.begin(tracks);
  const auto key = avc_frame(true, 1);
  EXPECT_TRUE(sink.write(frame_of(kVideo, 60'000, key, avc_header(1))));
  sink.take_all();
  sink.resume();
  EXPECT_TRUE(sink.write(frame_of(kVideo, 0, key, avc_header(1))));
  EXPECT_FALSE(sink.pending().empty());
}

TEST(FlvSink, HeaderFlagsTellTheTracks) {
  const struct {
    std::vector<wire::TrackDescription> tracks;
    std::uint8_t flags;
  } table[] = {{{audio_track()}, 4}, {{video_track()}, 1}, {{audio_track(), video_track()}, 5}};

  for (const auto& row : table) {
    FlvSink sink;
    sink.begin(row.tracks);
    const bool audio = row.tracks[0].kind == TrackKind::kAudio;
    const auto body = audio ? aac_frame(0) : avc_frame(true, 0);
    EXPECT_TRUE(sink.write(
        frame_of(audio ? kAudio : kVideo, 0, body, audio ? aac_header() : avc_header())));
    EXPECT_EQ(to_u8(sink.pending()[4]), row.flags);
  }
}

TEST(FlvSink, WritesTheMetadataOfTheSourceInsteadOfItsOwn) {
  wire::TrackDescription data{.id = TrackId{6}, .kind = TrackKind::kData, .codec = FourCC::kData};
  data.config = metadata(1280, 720, 25);  // with a duration, which another member may well send
  const wire::TrackDescription tracks[] = {data, video_track()};
  FlvSink sink;
  sink.begin(tracks);
  EXPECT_TRUE(sink.write(frame_of(kVideo, 0, avc_frame(true, 0), avc_header())));
  flv::TagReader reader;
  reader.feed(sink.pending());
  const auto tag = reader.next();
  ASSERT_TRUE(tag && tag->has_value());
  EXPECT_EQ((*tag)->type, RtmpType::kData);
  const auto expected = stream_metadata(data.config);
  EXPECT_EQ(as_text((*tag)->body), as_text(expected));
  // Data messages of the track go as they came, without the metadata again.
  sink.take_all();
  const auto body = bytes_of({2, 0, 1, 'x', 5});
  EXPECT_TRUE(sink.write(frame_of(TrackId{6}, 40, body, {})));
  EXPECT_EQ(sink.pending().size(), flv::kTagHeaderBytes + 5 + flv::kPreviousTagSizeBytes);
}

TEST(FlvSink, LeavesOutWhatNobodyCouldDecode) {
  FlvSink sink;
  const wire::TrackDescription tracks[] = {video_track()};
  sink.begin(tracks);
  EXPECT_FALSE(sink.write(frame_of(kVideo, 0, avc_frame(true, 0), {})));
  EXPECT_FALSE(sink.write(frame_of(TrackId{9}, 0, avc_frame(true, 0), avc_header())));
  EXPECT_TRUE(sink.pending().empty());
}

TEST(FlvSink, BodiesStayAsTheyWerePushed) {
  FlvSink sink;
  const wire::TrackDescription tracks[] = {video_track()};
  sink.begin(tracks);
  std::vector<std::byte> body = avc_frame(true, 0);
  for (int i = 0; i < 70000; ++i) body.push_back(static_cast<std::byte>(i * 7));
  ASSERT_TRUE(sink.write(frame_of(kVideo, 0xFEDCBA98, body, avc_header())));
  flv::TagReader reader;
  reader.feed(sink.pending());
  std::optional<Result<flv::Tag, flv::ReadError>> tag;
  for (int i = 0; i < 3; ++i) tag = reader.next();
  ASSERT_TRUE(tag && tag->has_value());
  EXPECT_EQ((*tag)->timestamp_ms, 0xFEDCBA98U);
  EXPECT_TRUE(std::equal((*tag)->body.begin(), (*tag)->body.end(), body.begin(), body.end()));
}

}  // namespace
}  // namespace sluice::client
