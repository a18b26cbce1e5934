// Names that RTMP, FLV and the wire share: the kind of an RTMP message that carries media, the kind
// of a track, and codecs by FourCC (docs/PROTOCOL.md P-MEDIA-03, P-CTRL-04).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace sluice {

/// The RTMP message types that carry media; an FLV tag's type is the same number.
enum class RtmpType : std::uint8_t { kAudio = 8, kVideo = 9, kData = 18 };

enum class TrackKind : std::uint8_t { kAudio = 1, kVideo = 2, kData = 3 };

constexpr std::optional<RtmpType> rtmp_type_from(std::uint8_t value) {
  if (value == 8 || value == 9 || value == 18) return static_cast<RtmpType>(value);
  return std::nullopt;
}

constexpr std::optional<TrackKind> track_kind_from(std::uint8_t value) {
  if (value >= 1 && value <= 3) return static_cast<TrackKind>(value);
  return std::nullopt;
}

constexpr TrackKind track_kind_of(RtmpType type) {
  switch (type) {
    case RtmpType::kAudio:
      return TrackKind::kAudio;
    case RtmpType::kVideo:
      return TrackKind::kVideo;
    case RtmpType::kData:
      return TrackKind::kData;
  }
  return TrackKind::kData;
}

constexpr std::uint32_t four_cc(const char (&text)[5]) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8U | static_cast<std::uint8_t>(text[i]);
  return value;
}

/// A codec. Values that are none of these may come from a peer: ask is_carried().
enum class FourCC : std::uint32_t {
  kAvc = four_cc("avc1"),
  kHevc = four_cc("hvc1"),
  kAv1 = four_cc("av01"),
  kVp9 = four_cc("vp09"),
  kAac = four_cc("mp4a"),
  kOpus = four_cc("Opus"),
  kMp3 = four_cc(".mp3"),
  kData = four_cc("data"),
};

/// The kind of track that this codec makes; nothing for a codec that is not carried.
constexpr std::optional<TrackKind> kind_of_codec(FourCC codec) {
  switch (codec) {
    case FourCC::kAvc:
    case FourCC::kHevc:
    case FourCC::kAv1:
    case FourCC::kVp9:
      return TrackKind::kVideo;
    case FourCC::kAac:
    case FourCC::kOpus:
    case FourCC::kMp3:
      return TrackKind::kAudio;
    case FourCC::kData:
      return TrackKind::kData;
  }
  return std::nullopt;
}

constexpr bool is_carried(FourCC codec) { return kind_of_codec(codec).has_value(); }

/// Its four characters, others than printable ASCII as '?': safe in a log line.
inline std::string four_cc_text(FourCC codec) {
  std::string text;
  for (unsigned shift = 32; shift > 0; shift -= 8) {
    const auto c = static_cast<char>(static_cast<std::uint32_t>(codec) >> (shift - 8) & 0xFFU);
    text += c >= ' ' && c <= '~' ? c : '?';
  }
  return text;
}

}  // namespace sluice
