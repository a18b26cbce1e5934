// SyntheticSource: video of a given bitrate without an encoder: 30 frames a second, a key frame
// every two seconds four times the mean, bodies that look like H.264 in FLV and cannot be
// compressed. Every source of one seed is the same. Pure; the load harness pushes from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "client/flv_demuxer.h"
#include "proto/wire/room_message.h"

namespace sluice::bench {

class SyntheticSource {
 public:
  static constexpr std::uint32_t kFramesPerSecond = 30;
  static constexpr std::uint32_t kFramesPerGop = 60;

  /// `bits_per_s` of bodies, from 10,000 up.
  SyntheticSource(std::uint64_t bits_per_s, std::uint64_t seed);

  std::vector<wire::TrackDescription> tracks() const;

  /// The next frame; its views live until the next call.
  client::SourceFrame next();

  /// What next() will have as its timestamp.
  std::uint32_t next_ms() const { return timestamp_of(number_); }

 private:
  static std::uint32_t timestamp_of(std::uint64_t number) {
    return static_cast<std::uint32_t>(number * 1000 / kFramesPerSecond);
  }

  std::size_t key_bytes_, inter_bytes_;
  std::vector<std::byte> config_;
  std::vector<std::byte> body_;
  std::uint64_t number_ = 0;
};

}  // namespace sluice::bench
