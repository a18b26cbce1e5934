// Parts in ring form for tests of stream/: made by the pusher's own Fragmenter, or bent on purpose.
#pragma once

#include <cstdint>
#include <vector>

#include "proto/wire/fragment.h"
#include "relay/stream/track.h"

namespace sluice::relay {

using Part = std::vector<std::byte>;

inline Instant at_ms(std::int64_t ms) { return instant_from_us(1'000'000 + ms * 1000); }

/// A pusher's track: frames in, parts out.
class PartSource {
 public:
  explicit PartSource(RtmpType type, Seq first = Seq{})
      : type_(type), fragmenter_(TrackId{7}, first) {}

  std::vector<Part> frame(std::uint32_t timestamp_ms, std::size_t bytes, bool keyframe = false,
                          bool discardable = false, std::uint8_t layer = 0) {
    const std::vector<std::byte> body(bytes, static_cast<std::byte>(timestamp_ms));
    const std::vector<std::byte> config(keyframe ? 40 : 0, std::byte{0x42});
    wire::MediaFrame frame;
    frame.type = type_;
    frame.timestamp_ms = timestamp_ms;
    frame.keyframe = keyframe;
    frame.discardable = discardable;
    frame.layer = layer;
    frame.config = config;
    frame.body = body;
    std::vector<Part> parts;
    const auto written = fragmenter_.write(
        frame, [&](const wire::MediaHeader&, Bytes p) { parts.emplace_back(p.begin(), p.end()); });
    CHECK(written.has_value());
    return parts;
  }

 private:
  RtmpType type_;
  wire::Fragmenter fragmenter_;
};

inline wire::MediaView view_of(const Part& part) {
  const Bytes bytes{part};
  return {wire::decode_media_header(bytes.first<kMediaHeaderBytes>()),
          bytes.subspan(kMediaHeaderBytes)};
}

/// The same part with another header.
inline Part with_header(const Part& part, const wire::MediaHeader& header) {
  Part bent = part;
  wire::encode_media_header(header, std::span<std::byte>{bent}.first<kMediaHeaderBytes>());
  return bent;
}

inline wire::TrackDescription video_description(bool key_on_request = true) {
  wire::TrackDescription description;
  description.id = TrackId{7};
  description.kind = TrackKind::kVideo;
  description.codec = FourCC::kAvc;
  description.key_on_request = key_on_request;
  return description;
}

inline wire::TrackDescription audio_description() {
  wire::TrackDescription description;
  description.id = TrackId{8};
  description.kind = TrackKind::kAudio;
  description.codec = FourCC::kAac;
  return description;
}

}  // namespace sluice::relay
