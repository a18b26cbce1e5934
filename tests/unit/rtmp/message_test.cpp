#include "proto/rtmp/message.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::rtmp {
namespace {

using namespace std::string_literals;  // bodies with zero bytes inside

bool same(Bytes a, Bytes b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

struct Expected {
  FourCC codec{};
  BodyKind kind = BodyKind::kCodedFrame;
  bool keyframe = false;
  bool discardable = false;
  std::int32_t composition_ms = 0;
  std::string payload{};
};

struct Case {
  const char* what;
  std::string body;
  Expected expected;
};

void expect_reads(RtmpType type, const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    const auto body = read_body(type, as_bytes(c.body));
    ASSERT_TRUE(body) << body.error().message;
    EXPECT_EQ(body->codec, c.expected.codec);
    EXPECT_EQ(body->kind, c.expected.kind);
    EXPECT_EQ(body->keyframe, c.expected.keyframe);
    EXPECT_EQ(body->discardable, c.expected.discardable);
    EXPECT_EQ(body->composition_ms, c.expected.composition_ms);
    EXPECT_EQ(as_text(body->payload), c.expected.payload);
  }
}

// P-MEDIA-03
TEST(VideoBody, OfH264IsReadByFrameTypeAndPacketType) {
  const FourCC avc = FourCC::kAvc;
  expect_reads(
      RtmpType::kVideo,
      {{"sequence header",
        "\x17\0\0\0\0\1d"s,
        {avc, BodyKind::kSequenceHeader, false, false, 0, "\1d"}},
       {"key frame", "\x17\1\0\0\x50nal"s, {avc, BodyKind::kCodedFrame, true, false, 80, "nal"}},
       {"generated key frame", "\x47\1\0\0\0n"s, {avc, BodyKind::kCodedFrame, true, false, 0, "n"}},
       {"inter frame",
        "\x27\1\x7F\xFF\xFFn"s,
        {avc, BodyKind::kCodedFrame, false, false, 8388607, "n"}},
       {"disposable frame",
        "\x37\1\xFF\xFF\xD8n"s,
        {avc, BodyKind::kCodedFrame, false, true, -40, "n"}},
       {"lowest composition time",
        "\x27\1\x80\0\0"s,
        {avc, BodyKind::kCodedFrame, false, false, -8388608, ""}},
       {"end of sequence", "\x17\2\0\0\0"s, {avc, BodyKind::kEndOfSequence, false, false, 0, ""}},
       {"command", "\x57\1"s, {avc, BodyKind::kMetadata, false, false, 0, "\1"}}});
}

// P-MEDIA-03
TEST(VideoBody, OfEnhancedRtmpIsReadByFourCC) {
  const FourCC hevc = FourCC::kHevc, av1 = FourCC::kAv1, vp9 = FourCC::kVp9, avc = FourCC::kAvc;
  expect_reads(
      RtmpType::kVideo,
      {{"HEVC sequence start",
        "\x90hvc1rec",
        {hevc, BodyKind::kSequenceHeader, false, false, 0, "rec"}},
       {"HEVC key frame",
        "\x91hvc1\0\0\x50nal"s,
        {hevc, BodyKind::kCodedFrame, true, false, 80, "nal"}},
       {"HEVC without composition time",
        "\xA3hvc1nal",
        {hevc, BodyKind::kCodedFrame, false, false, 0, "nal"}},
       {"AVC by FourCC",
        "\xB1"
        "avc1\xFF\xFF\xFFn"s,
        {avc, BodyKind::kCodedFrame, false, true, -1, "n"}},
       {"AV1 has no composition time",
        "\x91"
        "av01obu"s,
        {av1, BodyKind::kCodedFrame, true, false, 0, "obu"}},
       {"VP9 disposable", "\xB1vp09fr", {vp9, BodyKind::kCodedFrame, false, true, 0, "fr"}},
       {"sequence end", "\x92vp09", {vp9, BodyKind::kEndOfSequence, false, false, 0, ""}},
       {"metadata",
        "\x94"
        "av01amf"s,
        {av1, BodyKind::kMetadata, false, false, 0, "amf"}},
       {"metadata as a command frame",
        "\xD4"
        "av01amf"s,
        {av1, BodyKind::kMetadata, false, false, 0, "amf"}},
       {"command without FourCC",
        "\xD0\1"s,
        {FourCC{}, BodyKind::kMetadata, false, false, 0, "\1"}},
       {"a modifier of 3 bytes",
        "\x97\2xxx\1hvc1\0\0\1n"s,
        {hevc, BodyKind::kCodedFrame, true, false, 1, "n"}},
       {"two modifiers",
        "\xA7\0x\x07\0x\3vp09f"s,
        {vp9, BodyKind::kCodedFrame, false, false, 0, "f"}},
       {"a modifier of 256 bytes and more",
        "\x97\xFF\0\xFF"s + std::string(256, 'x') + "\3vp09f",
        {vp9, BodyKind::kCodedFrame, true, false, 0, "f"}}});
}

// P-MEDIA-03
TEST(AudioBody, IsReadByFormatAndPacketType) {
  const FourCC aac = FourCC::kAac, mp3 = FourCC::kMp3, opus = FourCC::kOpus;
  expect_reads(
      RtmpType::kAudio,
      {{"AAC sequence header",
        "\xAF\0\x11\x90"s,
        {aac, BodyKind::kSequenceHeader, false, false, 0, "\x11\x90"}},
       {"AAC frame", "\xAF\1raw"s, {aac, BodyKind::kCodedFrame, false, false, 0, "raw"}},
       {"MP3", "\x2Fmp3"s, {mp3, BodyKind::kCodedFrame, false, false, 0, "mp3"}},
       {"MP3 at 8 kHz", "\xE2mp3"s, {mp3, BodyKind::kCodedFrame, false, false, 0, "mp3"}},
       {"Opus sequence start",
        "\x90OpusOpusHead",
        {opus, BodyKind::kSequenceHeader, false, false, 0, "OpusHead"}},
       {"Opus frame", "\x91Opusfr", {opus, BodyKind::kCodedFrame, false, false, 0, "fr"}},
       {"Opus end", "\x92Opus", {opus, BodyKind::kEndOfSequence, false, false, 0, ""}},
       {"Opus channels", "\x94Opus\0\2"s, {opus, BodyKind::kMetadata, false, false, 0, "\0\2"s}},
       {"AAC by FourCC", "\x91mp4araw", {aac, BodyKind::kCodedFrame, false, false, 0, "raw"}},
       {"MP3 by FourCC", "\x91.mp3fr", {mp3, BodyKind::kCodedFrame, false, false, 0, "fr"}},
       {"a modifier", "\x97\0x\1Opusfr"s, {opus, BodyKind::kCodedFrame, false, false, 0, "fr"}}});
}

TEST(DataBody, IsOneCodedFrameWithAnEventName) {
  const std::string body = "\2\0\x0AonMetaData\x08"s;
  expect_reads(
      RtmpType::kData,
      {{"onMetaData", body, {FourCC::kData, BodyKind::kCodedFrame, false, false, 0, body}}});
  EXPECT_EQ(data_event_name(as_bytes(body)), "onMetaData");
  EXPECT_EQ(data_event_name(as_bytes("\2\0\0"s)), "");
  EXPECT_EQ(data_event_name(as_bytes("\2\0\x0Bshort"s)), "");
  EXPECT_EQ(data_event_name(as_bytes("\0\0\1x"s)), "");
  EXPECT_EQ(data_event_name({}), "");
  EXPECT_EQ(read_body(RtmpType::kData, {}).error().reason, Refusal::Reason::kTruncated);
}

TEST(Body, OfACodecNotCarriedIsRefusedByName) {
  struct Refused {
    RtmpType type;
    std::string body, name;
  };

  const RtmpType video = RtmpType::kVideo, audio = RtmpType::kAudio;
  for (const Refused& c :
       std::vector<Refused>{{video, "\x22", "Sorenson H.263 (FLV video codec 2)"},
                            {video, "\x13", "Screen video (FLV video codec 3)"},
                            {video, "\x14", "On2 VP6 (FLV video codec 4)"},
                            {video, "\x1C", "HEVC without Enhanced RTMP (FLV video codec 12)"},
                            {video, "\x10", "FLV video codec 0"},
                            {video, "\x1F", "FLV video codec 15"},
                            {video, "\x90vvc1", "H.266 (FourCC vvc1)"},
                            {video, "\x90vp08", "VP8 (FourCC vp08)"},
                            {video, "\x90xyz\x01", "FourCC xyz?"},
                            {video, "\x90Opus", "FourCC Opus"},
                            {video, "\x96", "multitrack video (Enhanced RTMP 2)"},
                            {video,
                             "\x95"
                             "av01",
                             "AV1 with an MPEG-2 TS sequence start"},
                            {audio, "\x3F", "PCM, little-endian (FLV sound format 3)"},
                            {audio, "\xB6", "Speex (FLV sound format 11)"},
                            {audio, "\x7F", "G.711 A-law (FLV sound format 7)"},
                            {audio, "\xC0", "FLV sound format 12"},
                            {audio,
                             "\x90"
                             "fLaC",
                             "FLAC (FourCC fLaC)"},
                            {audio, "\x90hvc1", "FourCC hvc1"},
                            {audio, "\x95", "multitrack audio (Enhanced RTMP 2)"}}) {
    const auto body = read_body(c.type, as_bytes(c.body));
    ASSERT_FALSE(body) << c.name;
    EXPECT_EQ(body.error().reason, Refusal::Reason::kCodecNotCarried) << c.name;
    EXPECT_EQ(body.error().message.substr(0, c.name.size() + 16), c.name + " is not carried;");
  }
}

TEST(Body, CutShortOrContradictoryIsRefused) {
  const auto reason = [](RtmpType type, const std::string& body) {
    const auto result = read_body(type, as_bytes(body));
    EXPECT_FALSE(result) << body.size();
    return result ? Refusal::Reason::kCodecNotCarried : result.error().reason;
  };
  for (const std::string& body :
       {""s, "\x17"s, "\x17\1"s, "\x17\1\0\0"s, "\x17\0\0\0\0"s, "\x90"s, "\x90hvc"s, "\x90hvc1"s,
        "\x91hvc1\0\0"s, "\x97"s, "\x97\5x"s, "\x97\xFF\0"s, "\x97\0x"s}) {
    EXPECT_EQ(reason(RtmpType::kVideo, body), Refusal::Reason::kTruncated);
  }
  for (const std::string& body :
       {""s, "\xAF"s, "\xAF\0"s, "\x90"s, "\x90Opu"s, "\x90Opus"s, "\x97\1x"s}) {
    EXPECT_EQ(reason(RtmpType::kAudio, body), Refusal::Reason::kTruncated);
  }
  for (const std::string& body :
       {"\x17\3\0\0\0"s, "\x07\1\0\0\0"s, "\x67\1\0\0\0"s, "\xF0hvc1"s, "\x98hvc1"s}) {
    EXPECT_EQ(reason(RtmpType::kVideo, body), Refusal::Reason::kMalformed);
  }
  for (const std::string& body : {"\xAF\2"s, "\x93Opus"s, "\x9FOpus"s}) {
    EXPECT_EQ(reason(RtmpType::kAudio, body), Refusal::Reason::kMalformed);
  }
}

// P-MEDIA-06
TEST(SequenceHeader, IsRebuiltFromItsRecordAndBack) {
  struct Header {
    FourCC codec;
    RtmpType type;
    std::string begin;
  };

  const std::string record = "record";
  for (const Header& c : std::vector<Header>{{FourCC::kAvc, RtmpType::kVideo, "\x17\0\0\0\0"s},
                                             {FourCC::kHevc, RtmpType::kVideo, "\x90hvc1"},
                                             {FourCC::kAv1, RtmpType::kVideo,
                                              "\x90"
                                              "av01"},
                                             {FourCC::kVp9, RtmpType::kVideo, "\x90vp09"},
                                             {FourCC::kAac, RtmpType::kAudio, "\xAF\0"s},
                                             {FourCC::kOpus, RtmpType::kAudio, "\x90Opus"}}) {
    const auto config = make_sequence_header(c.codec, as_bytes(record));
    ASSERT_TRUE(config);
    EXPECT_EQ(as_text(*config), c.begin + record);
    EXPECT_EQ(read_body(c.type, *config)->kind, BodyKind::kSequenceHeader);
    EXPECT_TRUE(same(*configuration_record(c.codec, *config), as_bytes(record)));
  }
  EXPECT_FALSE(make_sequence_header(FourCC::kMp3, as_bytes(record)));
  EXPECT_FALSE(make_sequence_header(FourCC::kData, as_bytes(record)));
  EXPECT_FALSE(make_sequence_header(FourCC{1}, as_bytes(record)));
}

// P-MEDIA-06
TEST(SequenceHeader, OfAnotherKindOrCodecIsNoConfiguration) {
  EXPECT_FALSE(configuration_record(FourCC::kAvc, as_bytes("\x17\1\0\0\0nal"s)));
  EXPECT_FALSE(configuration_record(FourCC::kAvc, as_bytes("\x90hvc1rec"s)));
  EXPECT_FALSE(configuration_record(FourCC::kAac, as_bytes("\x90Opusrec"s)));
  EXPECT_FALSE(configuration_record(FourCC::kAac, {}));
  EXPECT_TRUE(configuration_record(FourCC::kAac, as_bytes("\x90mp4arec"s)));
}

}  // namespace
}  // namespace sluice::rtmp
