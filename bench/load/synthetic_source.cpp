#include "bench/load/synthetic_source.h"

#include <algorithm>

namespace sluice::bench {
namespace {

/// Frame type and codec, packet type, composition time: FLV's five bytes before H.264.
constexpr std::size_t kAvcHeaderBytes = 5;

/// Key frames are this many times the mean.
constexpr std::size_t kKeyWeight = 4;

constexpr std::byte kKeyByte{0x17}, kInterByte{0x27};

}  // namespace

SyntheticSource::SyntheticSource(std::uint64_t bits_per_s, std::uint64_t seed)
    : config_{kKeyByte,        std::byte{0},    std::byte{0},    std::byte{0},
              std::byte{0},    std::byte{1},    std::byte{0x42}, std::byte{0xc0},
              std::byte{0x1f}, std::byte{0xff}, std::byte{0xe0}, std::byte{0}} {
  const std::size_t gop_bytes =
      static_cast<std::size_t>(bits_per_s) * kFramesPerGop / kFramesPerSecond / 8;
  const std::size_t mean = std::max<std::size_t>(gop_bytes / kFramesPerGop, kAvcHeaderBytes + 1);
  key_bytes_ = kKeyWeight * mean;
  inter_bytes_ = std::max((gop_bytes - std::min(gop_bytes, key_bytes_)) / (kFramesPerGop - 1),
                          kAvcHeaderBytes + 1);
  body_.resize(std::max(key_bytes_, inter_bytes_));
  // splitmix64: any bytes that do not compress.
  std::uint64_t state = seed;
  for (std::byte& b : body_) {
    state += 0x9E3779B97F4A7C15U;
    std::uint64_t z = (state ^ (state >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    b = static_cast<std::byte>(z >> 56U);
  }
  for (std::size_t i = 1; i < kAvcHeaderBytes; ++i) body_[i] = std::byte{i == 1};
}

std::vector<wire::TrackDescription> SyntheticSource::tracks() const {
  return {{.id = TrackId{1}, .kind = TrackKind::kVideo, .codec = FourCC::kAvc, .config = config_}};
}

client::SourceFrame SyntheticSource::next() {
  client::SourceFrame frame;
  frame.keyframe = number_ % kFramesPerGop == 0;
  frame.timestamp_ms = timestamp_of(number_);
  frame.config = config_;
  body_[0] = frame.keyframe ? kKeyByte : kInterByte;
  frame.body = Bytes{body_}.first(frame.keyframe ? key_bytes_ : inter_bytes_);
  ++number_;
  return frame;
}

}  // namespace sluice::bench
