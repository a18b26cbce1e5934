#include "proto/rtmp/message.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace sluice::rtmp {
namespace {

using BodyResult = Result<BodyView, Refusal>;

constexpr std::uint8_t kVideoExHeader = 0x80;
constexpr std::uint8_t kLegacyAvc = 7;
constexpr std::uint8_t kSoundMp3 = 2;
constexpr std::uint8_t kSoundExHeader = 9;
constexpr std::uint8_t kSoundAac = 10;
constexpr std::uint8_t kSoundMp3At8kHz = 14;

// First bytes of the sequence headers we make ourselves: a key frame of AVC, AAC at 44 kHz in
// 16-bit stereo (fixed values whatever the stream is), and the enhanced sequence starts.
constexpr std::uint8_t kAvcKeyByte = 1U << 4U | kLegacyAvc;
constexpr std::uint8_t kAacByte = kSoundAac << 4U | 0x0F;
constexpr std::uint8_t kVideoSequenceStartByte = kVideoExHeader | 1U << 4U;
constexpr std::uint8_t kAudioSequenceStartByte = kSoundExHeader << 4U;

enum class VideoFrame : std::uint8_t {
  kKey = 1,
  kInter = 2,
  kDisposable = 3,
  kGeneratedKey = 4,
  kCommand = 5
};

/// Packet types that Enhanced RTMP's video and audio share.
enum class ExPacket : std::uint8_t {
  kSequenceStart = 0,
  kCodedFrames = 1,
  kSequenceEnd = 2,
  kModEx = 7
};

constexpr std::uint8_t kVideoCodedFramesX = 3;
constexpr std::uint8_t kVideoMetadata = 4;
constexpr std::uint8_t kVideoMpeg2TsStart = 5;
constexpr std::uint8_t kVideoMultitrack = 6;
constexpr std::uint8_t kAudioMultichannelConfig = 4;
constexpr std::uint8_t kAudioMultitrack = 5;

Unexpected<Refusal> refuse(Refusal::Reason reason, std::string message) {
  return Unexpected{Refusal{reason, std::move(message)}};
}

Unexpected<Refusal> truncated(std::string_view what) {
  return refuse(Refusal::Reason::kTruncated, std::string(what) + " is cut short");
}

Unexpected<Refusal> malformed(std::string_view field, unsigned value) {
  return refuse(Refusal::Reason::kMalformed,
                std::string(field) + " " + std::to_string(value) + " does not exist");
}

Unexpected<Refusal> video_not_carried(const std::string& codec) {
  return refuse(Refusal::Reason::kCodecNotCarried,
                codec + " is not carried; H.264, HEVC, AV1 and VP9 are");
}

Unexpected<Refusal> audio_not_carried(const std::string& codec) {
  return refuse(Refusal::Reason::kCodecNotCarried,
                codec + " is not carried; AAC, Opus and MP3 are");
}

std::string legacy_video_name(unsigned id) {
  constexpr std::array<std::string_view, 14> kNames{"",
                                                    "JPEG",
                                                    "Sorenson H.263",
                                                    "Screen video",
                                                    "On2 VP6",
                                                    "On2 VP6 with alpha",
                                                    "Screen video 2",
                                                    "H.264",
                                                    "H.263",
                                                    "MPEG-4 part 2",
                                                    "",
                                                    "",
                                                    "HEVC without Enhanced RTMP",
                                                    "AV1 without Enhanced RTMP"};
  const std::string number = "FLV video codec " + std::to_string(id);
  if (id >= kNames.size() || kNames[id].empty()) return number;
  return std::string(kNames[id]) + " (" + number + ")";
}

std::string legacy_audio_name(unsigned id) {
  constexpr std::array<std::string_view, 16> kNames{"PCM",
                                                    "ADPCM",
                                                    "MP3",
                                                    "PCM, little-endian",
                                                    "Nellymoser 16 kHz",
                                                    "Nellymoser 8 kHz",
                                                    "Nellymoser",
                                                    "G.711 A-law",
                                                    "G.711 mu-law",
                                                    "",
                                                    "AAC",
                                                    "Speex",
                                                    "",
                                                    "Opus without Enhanced RTMP",
                                                    "MP3 8 kHz",
                                                    "device-specific sound"};
  const std::string number = "FLV sound format " + std::to_string(id);
  if (id >= kNames.size() || kNames[id].empty()) return number;
  return std::string(kNames[id]) + " (" + number + ")";
}

std::string four_cc_name(FourCC codec) {
  constexpr std::array<std::pair<std::uint32_t, std::string_view>, 5> kNames{
      {{four_cc("vp08"), "VP8"},
       {four_cc("vvc1"), "H.266"},
       {four_cc("fLaC"), "FLAC"},
       {four_cc("ac-3"), "AC-3"},
       {four_cc("ec-3"), "E-AC-3"}}};
  const auto same = [codec](const auto& entry) {
    return entry.first == static_cast<std::uint32_t>(codec);
  };
  const auto found = std::find_if(kNames.begin(), kNames.end(), same);
  const std::string number = "FourCC " + four_cc_text(codec);
  return found == kNames.end() ? number : std::string(found->second) + " (" + number + ")";
}

/// A signed 24-bit number.
std::int32_t read_signed24(Reader& reader) {
  return static_cast<std::int32_t>(reader.u24() << 8U) >> 8;
}

/// `body` as it stands, its payload read to the end; refused when something was missing, a
/// configuration above all.
BodyResult finish(Reader& reader, BodyView body, std::string_view what) {
  body.payload = reader.rest();
  if (!reader.ok()) return truncated(what);
  if (body.kind == BodyKind::kSequenceHeader && body.payload.empty()) {
    return truncated(std::string(what) + " of a sequence header");
  }
  return body;
}

void mark_coded(BodyView& body, VideoFrame frame) {
  body.kind = BodyKind::kCodedFrame;
  body.keyframe = frame == VideoFrame::kKey || frame == VideoFrame::kGeneratedKey;
  body.discardable = frame == VideoFrame::kDisposable;
}

BodyResult read_legacy_video(unsigned first, Reader& reader) {
  const unsigned codec = first & 0x0FU;
  if (codec != kLegacyAvc) return video_not_carried(legacy_video_name(codec));
  const auto frame = VideoFrame(first >> 4U);
  BodyView body;
  body.codec = FourCC::kAvc;
  if (frame == VideoFrame::kCommand) {
    body.kind = BodyKind::kMetadata;
    return finish(reader, body, "an H.264 body");
  }
  const unsigned packet = reader.u8();
  body.composition_ms = read_signed24(reader);
  if (!reader.ok()) return truncated("an H.264 body");
  switch (packet) {
    case 0:
      body.kind = BodyKind::kSequenceHeader;
      break;
    case 1:
      mark_coded(body, frame);
      break;
    case 2:
      body.kind = BodyKind::kEndOfSequence;
      break;
    default:
      return malformed("AVC packet type", packet);
  }
  return finish(reader, body, "an H.264 body");
}

/// Skips Enhanced RTMP's modifiers (nanosecond offsets and the like: the body travels whole, so
/// they need not be understood) and returns the packet type behind them.
unsigned skip_modifiers(unsigned packet, Reader& reader) {
  while (packet == static_cast<unsigned>(ExPacket::kModEx) && reader.ok()) {
    std::size_t bytes = reader.u8() + std::size_t{1};
    if (bytes == 256) bytes = reader.u16() + std::size_t{1};
    reader.skip(bytes);
    packet = reader.u8() & 0x0FU;
  }
  return packet;
}

BodyResult read_enhanced_video(unsigned first, Reader& reader) {
  constexpr std::string_view kWhat = "an enhanced video body";
  const auto frame = VideoFrame(first >> 4U & 7U);
  const unsigned packet = skip_modifiers(first & 0x0FU, reader);
  BodyView body;
  if (frame == VideoFrame::kCommand && packet != kVideoMetadata) {
    body.kind = BodyKind::kMetadata;  // a command byte and no FourCC
    return finish(reader, body, kWhat);
  }
  if (packet == kVideoMultitrack) return video_not_carried("multitrack video (Enhanced RTMP 2)");
  body.codec = FourCC{reader.u32()};
  if (!reader.ok()) return truncated(kWhat);
  if (kind_of_codec(body.codec) != TrackKind::kVideo)
    return video_not_carried(four_cc_name(body.codec));
  const bool reordered = body.codec == FourCC::kAvc || body.codec == FourCC::kHevc;
  switch (packet) {
    case static_cast<unsigned>(ExPacket::kSequenceStart):
      body.kind = BodyKind::kSequenceHeader;
      break;
    case static_cast<unsigned>(ExPacket::kCodedFrames):
      mark_coded(body, frame);
      if (reordered) body.composition_ms = read_signed24(reader);
      break;
    case static_cast<unsigned>(ExPacket::kSequenceEnd):
      body.kind = BodyKind::kEndOfSequence;
      break;
    case kVideoCodedFramesX:
      mark_coded(body, frame);
      break;
    case kVideoMetadata:
      body.kind = BodyKind::kMetadata;
      break;
    case kVideoMpeg2TsStart:
      return video_not_carried("AV1 with an MPEG-2 TS sequence start");
    default:
      return malformed("enhanced video packet type", packet);
  }
  return finish(reader, body, kWhat);
}

BodyResult read_aac(Reader& reader) {
  const unsigned packet = reader.u8();
  if (!reader.ok()) return truncated("an AAC body");
  if (packet > 1) return malformed("AAC packet type", packet);
  BodyView body;
  body.codec = FourCC::kAac;
  body.kind = packet == 0 ? BodyKind::kSequenceHeader : BodyKind::kCodedFrame;
  return finish(reader, body, "an AAC body");
}

BodyResult read_enhanced_audio(unsigned first, Reader& reader) {
  constexpr std::string_view kWhat = "an enhanced audio body";
  const unsigned packet = skip_modifiers(first & 0x0FU, reader);
  if (packet == kAudioMultitrack) return audio_not_carried("multitrack audio (Enhanced RTMP 2)");
  BodyView body;
  body.codec = FourCC{reader.u32()};
  if (!reader.ok()) return truncated(kWhat);
  if (kind_of_codec(body.codec) != TrackKind::kAudio)
    return audio_not_carried(four_cc_name(body.codec));
  switch (packet) {
    case static_cast<unsigned>(ExPacket::kSequenceStart):
      body.kind = BodyKind::kSequenceHeader;
      break;
    case static_cast<unsigned>(ExPacket::kCodedFrames):
      body.kind = BodyKind::kCodedFrame;
      break;
    case static_cast<unsigned>(ExPacket::kSequenceEnd):
      body.kind = BodyKind::kEndOfSequence;
      break;
    case kAudioMultichannelConfig:
      body.kind = BodyKind::kMetadata;
      break;
    default:
      return malformed("enhanced audio packet type", packet);
  }
  return finish(reader, body, kWhat);
}

}  // namespace

BodyResult read_body(RtmpType type, Bytes body) {
  switch (type) {
    case RtmpType::kVideo:
      return read_video_body(body);
    case RtmpType::kAudio:
      return read_audio_body(body);
    case RtmpType::kData:
      break;
  }
  if (body.empty()) return truncated("a data body");
  BodyView view;
  view.codec = FourCC::kData;
  view.payload = body;
  return view;
}

BodyResult read_video_body(Bytes body) {
  Reader reader(body);
  const unsigned first = reader.u8();
  if (!reader.ok()) return truncated("a video body");
  const unsigned frame = first >> 4U & 7U;
  if (frame < static_cast<unsigned>(VideoFrame::kKey) ||
      frame > static_cast<unsigned>(VideoFrame::kCommand)) {
    return malformed("video frame type", frame);
  }
  return (first & kVideoExHeader) != 0 ? read_enhanced_video(first, reader)
                                       : read_legacy_video(first, reader);
}

BodyResult read_audio_body(Bytes body) {
  Reader reader(body);
  const unsigned first = reader.u8();
  if (!reader.ok()) return truncated("an audio body");
  const unsigned format = first >> 4U;
  if (format == kSoundExHeader) return read_enhanced_audio(first, reader);
  if (format == kSoundAac) return read_aac(reader);
  if (format != kSoundMp3 && format != kSoundMp3At8kHz)
    return audio_not_carried(legacy_audio_name(format));
  BodyView view;
  view.codec = FourCC::kMp3;
  return finish(reader, view, "an MP3 body");
}

std::string_view data_event_name(Bytes body) {
  constexpr std::uint8_t kAmf0String = 2;
  Reader reader(body);
  if (reader.u8() != kAmf0String) return {};
  return as_text(reader.bytes(reader.u16()));
}

Result<std::vector<std::byte>, Refusal> make_sequence_header(FourCC codec, Bytes record) {
  std::array<std::byte, 5> prefix;
  Writer writer(prefix);
  switch (codec) {
    case FourCC::kAvc:
      writer.u8(kAvcKeyByte);
      writer.u32(0);  // packet type 0, composition time 0
      break;
    case FourCC::kAac:
      writer.u8(kAacByte);
      writer.u8(0);
      break;
    case FourCC::kHevc:
    case FourCC::kAv1:
    case FourCC::kVp9:
      writer.u8(kVideoSequenceStartByte);
      writer.u32(static_cast<std::uint32_t>(codec));
      break;
    case FourCC::kOpus:
      writer.u8(kAudioSequenceStartByte);
      writer.u32(static_cast<std::uint32_t>(codec));
      break;
    case FourCC::kMp3:
    case FourCC::kData:
      break;
  }
  if (writer.size() == 0) {
    return refuse(Refusal::Reason::kMalformed, four_cc_text(codec) + " has no sequence header");
  }
  std::vector<std::byte> body(writer.written().begin(), writer.written().end());
  body.insert(body.end(), record.begin(), record.end());
  return body;
}

Result<Bytes, Refusal> configuration_record(FourCC codec, Bytes config) {
  const RtmpType type =
      kind_of_codec(codec) == TrackKind::kAudio ? RtmpType::kAudio : RtmpType::kVideo;
  const BodyResult body = read_body(type, config);
  if (!body) return Unexpected{body.error()};
  if (body->kind != BodyKind::kSequenceHeader) {
    return refuse(Refusal::Reason::kMalformed, "the configuration is no sequence header");
  }
  if (body->codec != codec) {
    return refuse(
        Refusal::Reason::kMalformed,
        "the configuration is of " + four_cc_text(body->codec) + ", not of " + four_cc_text(codec));
  }
  return body->payload;
}

}  // namespace sluice::rtmp
