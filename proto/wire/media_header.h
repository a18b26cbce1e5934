// The MEDIA header (P-MEDIA-01): every offset, bit and width of it, in this one place. It is the
// same for everybody from the pusher through every relay (P-MEDIA-02), so the *ring form* of a
// part, header and body with the length flag clear, is what lies in packet rings and is sealed from
// there; only the track byte and the length flag are written per link.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "proto/base/limits.h"
#include "proto/base/seq.h"

namespace sluice::wire {

inline constexpr std::uint8_t kMediaTypeBit = 0x80;
inline constexpr std::uint8_t kMediaKeyBit = 0x40;
inline constexpr std::uint8_t kMediaDiscardableBit = 0x20;
inline constexpr std::uint8_t kMediaConfigBit = 0x10;
inline constexpr std::uint8_t kMediaLayerBits = 0x0C;
inline constexpr std::uint8_t kMediaLastShortBit = 0x02;
inline constexpr std::uint8_t kMediaLengthBit = 0x01;

inline constexpr std::size_t kMediaTypeOffset = 0;
inline constexpr std::size_t kMediaTrackOffset = 1;
inline constexpr std::size_t kMediaSeqOffset = 2;
inline constexpr std::size_t kMediaIndexOffset = 5;
inline constexpr std::size_t kMediaDtsOffset = 8;
inline constexpr std::size_t kMediaDepOffset = 11;
static_assert(kMediaDepOffset + 1 == kMediaHeaderBytes);

/// The body length behind the header of a part that shares its packet (P-MEDIA-07).
inline constexpr std::size_t kMediaLengthBytes = 2;

/// Temporal layers: two bits.
inline constexpr std::size_t kTemporalLayers = 4;

/// `dep` of video (P-MEDIA-05): on nothing, and on everything since the key frame.
inline constexpr std::uint8_t kDependsOnNothing = 0;
inline constexpr std::uint8_t kDependsOnAll = 255;

/// `dep` of audio whose level nobody measured.
inline constexpr std::uint8_t kAudioLevelUnknown = 127;

struct MediaHeader {
  bool keyframe = false;
  bool discardable = false;
  bool config = false;      // codec configuration inside the frame's unit
  std::uint8_t layer = 0;   // temporal layer, 0..3
  bool last_short = false;  // the frame's last part is shorter; informative
  TrackId track{};
  Seq seq{};
  std::uint16_t index = 0;  // of this part, below count
  std::uint16_t count = 1;  // parts of the frame
  std::uint32_t dts = 0;    // low 24 bits of the RTMP timestamp, ms
  std::uint8_t dep = 0;     // video: depends-on delta; audio: level

  constexpr Seq first_seq() const { return seq - index; }

  constexpr Seq last_seq() const { return first_seq() + (count - 1U); }

  constexpr bool is_last() const { return index + 1U == count; }

  bool operator==(const MediaHeader&) const = default;
};

/// Encodes into the first kMediaHeaderBytes of `out`, with the length flag clear.
constexpr void encode_media_header(const MediaHeader& header,
                                   std::span<std::byte, kMediaHeaderBytes> out) {
  unsigned type = kMediaTypeBit | (header.layer << 2U & kMediaLayerBits);
  if (header.keyframe) type |= kMediaKeyBit;
  if (header.discardable) type |= kMediaDiscardableBit;
  if (header.config) type |= kMediaConfigBit;
  if (header.last_short) type |= kMediaLastShortBit;
  out[kMediaTypeOffset] = static_cast<std::byte>(type);
  out[kMediaTrackOffset] = static_cast<std::byte>(header.track);
  store_be<3>(&out[kMediaSeqOffset], header.seq.value());
  store_be<3>(&out[kMediaIndexOffset], (header.index & 0xFFFU) << 12U | (header.count & 0xFFFU));
  store_be<3>(&out[kMediaDtsOffset], header.dts);
  out[kMediaDepOffset] = static_cast<std::byte>(header.dep);
}

/// Decodes any 12 bytes; whether the values make sense is FrameReader's and check_part()'s matter.
/// Where `header` lies in memory this form is the faster: a copy of fields just stored one by one
/// has to wait for them.
constexpr void decode_media_header(std::span<const std::byte, kMediaHeaderBytes> in,
                                   MediaHeader& header) {
  const std::uint8_t type = to_u8(in[kMediaTypeOffset]);
  const auto split = static_cast<std::uint32_t>(load_be<3>(&in[kMediaIndexOffset]));
  header.keyframe = (type & kMediaKeyBit) != 0;
  header.discardable = (type & kMediaDiscardableBit) != 0;
  header.config = (type & kMediaConfigBit) != 0;
  header.layer = static_cast<std::uint8_t>((type & kMediaLayerBits) >> 2U);
  header.last_short = (type & kMediaLastShortBit) != 0;
  header.track = TrackId{to_u8(in[kMediaTrackOffset])};
  header.seq = Seq{static_cast<std::uint32_t>(load_be<3>(&in[kMediaSeqOffset]))};
  header.index = static_cast<std::uint16_t>(split >> 12U);
  header.count = static_cast<std::uint16_t>(split & 0xFFFU);
  header.dts = static_cast<std::uint32_t>(load_be<3>(&in[kMediaDtsOffset]));
  header.dep = to_u8(in[kMediaDepOffset]);
}

constexpr MediaHeader decode_media_header(std::span<const std::byte, kMediaHeaderBytes> in) {
  MediaHeader header;
  decode_media_header(in, header);
  return header;
}

/// One part of a media frame, as a view into a packet or a ring.
struct MediaView {
  MediaHeader header{};
  Bytes body{};
  /// The ring form where it lies, header and body; empty when a length stands between them.
  Bytes whole{};
};

}  // namespace sluice::wire
