// A pushed track for tests: media frames split by the real fragmenter, each part kept in ring form,
// so that a test hands them on in whatever order, twice or never.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "client/jitter_buffer.h"
#include "proto/wire/fragment.h"

namespace sluice::client {

struct PushedFrame {
  std::vector<std::vector<std::byte>> parts;
  Seq first;
  std::uint32_t timestamp_ms = 0;
};

class PushedTrack {
 public:
  PushedTrack(TrackId id, TrackKind kind, Seq first = Seq{})
      : kind_(kind), fragmenter_(id, first) {}

  /// A frame of `bytes` bytes; every byte tells the timestamp.
  PushedFrame frame(std::uint32_t timestamp_ms, bool keyframe = false, std::size_t bytes = 100,
                    bool discardable = false) {
    const std::vector<std::byte> body(bytes, static_cast<std::byte>(timestamp_ms));
    wire::MediaFrame media;
    media.type = kind_ == TrackKind::kVideo ? RtmpType::kVideo : RtmpType::kAudio;
    media.timestamp_ms = timestamp_ms;
    media.keyframe = keyframe;
    media.discardable = discardable;
    media.stamp_us = 7;
    if (keyframe) media.config = config;
    media.body = body;
    PushedFrame result;
    const auto written = fragmenter_.write(media, [&](const wire::MediaHeader&, Bytes part) {
      result.parts.emplace_back(part.begin(), part.end());
    });
    result.first = written->first;
    result.timestamp_ms = timestamp_ms;
    return result;
  }

  std::vector<std::byte> config;

 private:
  TrackKind kind_;
  wire::Fragmenter fragmenter_;
};

}  // namespace sluice::client
