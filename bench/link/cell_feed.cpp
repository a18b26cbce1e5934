#include "bench/link/cell_feed.h"

#include <algorithm>
#include <cmath>

#include "sim/xoshiro.h"

namespace sluice::bench {
namespace {

constexpr TrackId kAudioTrack{1}, kVideoTrack{2};

/// Frame type and codec, packet type, composition time: FLV's five bytes before H.264.
constexpr std::size_t kAvcHeaderBytes = 5;

constexpr std::byte kKeyByte{0x17}, kInterByte{0x27}, kDisposableByte{0x37}, kAacByte{0xAF};

/// The smallest body that still says what it is.
constexpr std::size_t kBodyBytesMin = 16;

std::vector<std::byte> bytes_of(std::initializer_list<int> values) {
  std::vector<std::byte> bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

std::size_t size_from(double bytes) {
  return std::max(kBodyBytesMin, static_cast<std::size_t>(std::lround(std::max(bytes, 0.0))));
}

}  // namespace

CellFeed::CellFeed(const CellOptions& options)
    : options_(options),
      gop_frames_(options.fps * static_cast<std::uint64_t>(to_us(kKeyEvery)) / 1'000'000),
      reference_(options.layers),
      config_(bytes_of({0x17, 0, 0, 0, 0, 1, 0x42, 0xC0, 0x1F, 0xFF, 0xE0, 0})),
      audio_config_(bytes_of({0xAF, 0, 0x12, 0x10})) {
  size_frames();
  audio_bytes_ = size_from(static_cast<double>(options.audio_bits_per_s) / 8 * kAudioFrameMs / 1e3);
  body_.resize(std::max(
      {key_bytes_, audio_bytes_, *std::max_element(layer_bytes_.begin(), layer_bytes_.end())}));
  sim::Xoshiro{options.seed}.source()(body_);
}

// One layer: a key frame of `key_factor` times the other frames. Several: layer 0, the key frame
// included, has `base_share` of all bytes; the rest is shared alike by the frames above.
void CellFeed::size_frames() {
  const auto frames = static_cast<double>(gop_frames_);
  const double total = static_cast<double>(options_.bits_per_s) / 8 * frames / options_.fps;
  const double mean = total / (frames - 1 + options_.key_factor);
  key_bytes_ = size_from(mean * options_.key_factor);
  if (options_.layers == 1) {
    layer_bytes_ = {size_from(mean)};
    return;
  }
  double base_frames = 0;
  for (std::uint64_t i = 1; i < gop_frames_; ++i) base_frames += layer_of(i) == 0 ? 1 : 0;
  const double base_total = total * options_.base_share - mean * options_.key_factor;
  const double upper_total = total * (1 - options_.base_share);
  layer_bytes_.assign(options_.layers, size_from(upper_total / (frames - 1 - base_frames)));
  layer_bytes_[0] = size_from(base_total / base_frames);
}

// Two layers: 0 1 0 1; three: 0 2 1 2.
std::uint8_t CellFeed::layer_of(std::uint64_t in_gop) const {
  if (options_.layers == 1) return 0;
  if (options_.layers == 2) return in_gop % 2 == 0 ? 0 : 1;
  if (in_gop % 4 == 0) return 0;
  return in_gop % 4 == 2 ? 1 : 2;
}

std::vector<wire::TrackDescription> CellFeed::tracks() const {
  std::vector<wire::TrackDescription> tracks;
  if (options_.audio_bits_per_s > 0) {
    tracks.push_back({.id = kAudioTrack,
                      .kind = TrackKind::kAudio,
                      .codec = FourCC::kAac,
                      .config = audio_config_});
  }
  tracks.push_back(
      {.id = kVideoTrack, .kind = TrackKind::kVideo, .codec = FourCC::kAvc, .config = config_});
  return tracks;
}

std::uint32_t CellFeed::video_ms() const {
  return static_cast<std::uint32_t>(video_frames_ * 1000 / options_.fps);
}

std::uint32_t CellFeed::audio_ms() const {
  return static_cast<std::uint32_t>(audio_frames_ * kAudioFrameMs);
}

std::uint32_t CellFeed::next_ms() const {
  return options_.audio_bits_per_s == 0 ? video_ms() : std::min(video_ms(), audio_ms());
}

CellFeed::Next CellFeed::next() {
  const bool audio = options_.audio_bits_per_s > 0 && audio_ms() < video_ms();
  return audio ? next_audio() : next_video();
}

CellFeed::Next CellFeed::next_audio() {
  Next next;
  next.frame = {TrackKind::kAudio,
                audio_frames_,
                audio_ms(),
                false,
                0,
                static_cast<std::uint32_t>(audio_bytes_),
                std::nullopt};
  body_[0] = kAacByte;
  body_[1] = std::byte{1};
  next.source.type = RtmpType::kAudio;
  next.source.timestamp_ms = audio_ms();
  next.source.config = audio_config_;
  next.source.body = Bytes{body_}.first(audio_bytes_);
  ++audio_frames_;
  return next;
}

CellFeed::Next CellFeed::next_video() {
  const std::uint64_t in_gop = video_frames_ % gop_frames_;
  const bool key = in_gop == 0;
  const std::uint8_t layer = layer_of(in_gop);
  const bool top = options_.layers > 1 && layer + 1U == options_.layers;
  const std::size_t bytes = key ? key_bytes_ : layer_bytes_[layer];
  Next next;
  next.frame = {TrackKind::kVideo,
                video_frames_,
                video_ms(),
                key,
                layer,
                static_cast<std::uint32_t>(bytes),
                key ? std::nullopt : reference_[layer]};
  body_[0] = key ? kKeyByte : top ? kDisposableByte : kInterByte;
  for (std::size_t i = 1; i < kAvcHeaderBytes; ++i) body_[i] = std::byte{i == 1};
  next.source.type = RtmpType::kVideo;
  next.source.timestamp_ms = video_ms();
  next.source.keyframe = key;
  next.source.discardable = top;
  next.source.layer = layer;
  next.source.config = config_;
  next.source.body = Bytes{body_}.first(bytes);
  if (!top) {
    const std::size_t lowest = key ? 0 : layer;
    std::fill(reference_.begin() + static_cast<std::ptrdiff_t>(lowest), reference_.end(),
              video_frames_);
  }
  ++video_frames_;
  return next;
}

}  // namespace sluice::bench
