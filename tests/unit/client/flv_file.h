// FLV files for tests, built tag by tag: small, legal, and broken wherever a test wants.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "proto/flv/tag.h"

namespace sluice::client {

inline std::vector<std::byte> bytes_of(std::initializer_list<int> values) {
  std::vector<std::byte> out;
  for (const int value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

inline std::vector<std::byte> avc_header(int version = 1) {
  return bytes_of({0x17, 0, 0, 0, 0, version, 0x64, 0, 0x1f, 0xff});
}

inline std::vector<std::byte> avc_frame(bool keyframe, int content) {
  return bytes_of({keyframe ? 0x17 : 0x27, 1, 0, 0, 0, 0, 0, 0, 1, content});
}

inline std::vector<std::byte> aac_header() { return bytes_of({0xaf, 0, 0x11, 0x90}); }

inline std::vector<std::byte> aac_frame(int content) {
  return bytes_of({0xaf, 1, content, content});
}

inline std::vector<std::byte> metadata(double width, double height, double framerate) {
  const flv::MetadataNumber numbers[] = {
      {"duration", 12.5}, {"width", width}, {"height", height}, {"framerate", framerate}};
  std::vector<std::byte> body;
  flv::append_metadata_body(numbers, body);
  return body;
}

class FlvFile {
 public:
  explicit FlvFile(bool audio = true, bool video = true) {
    const auto header = flv::file_header(audio, video);
    bytes.assign(header.begin(), header.end());
  }

  /// Returns the offset of the tag.
  std::size_t add(RtmpType type, std::uint32_t timestamp_ms, const std::vector<std::byte>& body) {
    const std::size_t offset = bytes.size();
    flv::append_tag(type, timestamp_ms, body, bytes);
    return offset;
  }

  FlvFile& headers() {
    add(RtmpType::kVideo, 0, avc_header());
    add(RtmpType::kAudio, 0, aac_header());
    return *this;
  }

  /// `count` video frames 40 ms apart, the first one a key frame, each followed by an audio frame.
  FlvFile& frames(int count, std::uint32_t from_ms = 0) {
    for (int i = 0; i < count; ++i) {
      const std::uint32_t at = from_ms + static_cast<std::uint32_t>(i) * 40;
      add(RtmpType::kVideo, at, avc_frame(i == 0, i));
      add(RtmpType::kAudio, at + 5, aac_frame(i));
    }
    return *this;
  }

  std::vector<std::byte> bytes;
};

}  // namespace sluice::client
