// Media frames and their parts (P-MEDIA-02..06). Fragmenter, in a pusher, splits a media frame into
// equal parts and hands each, in ring form, to the caller's sink. check_part() and FrameShape are
// what a relay holds each arriving part against, without ever having the whole frame. Reassembler
// puts the parts of one frame back together in a buffer of the caller's. Nothing here allocates.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "proto/base/limits.h"
#include "proto/base/media.h"
#include "proto/base/result.h"
#include "proto/base/seq.h"
#include "proto/wire/media_header.h"

namespace sluice::wire {

/// One RTMP message to be sent. `config` is the whole body of the RTMP sequence-header message and
/// goes with every key frame, or once a second with audio (P-MEDIA-06); empty otherwise.
struct MediaFrame {
  RtmpType type = RtmpType::kVideo;
  std::uint32_t timestamp_ms = 0;
  bool keyframe = false;
  bool discardable = false;                 // no other frame depends on it
  std::uint8_t layer = 0;                   // temporal layer, 0..3
  std::uint8_t level = kAudioLevelUnknown;  // audio: 0-126 -dBov
  std::optional<std::uint64_t> stamp_us{};  // sending time by the pusher's monotonic clock
  Bytes config{};
  Bytes body{};
};

/// The split unit's own header: type 1, flags 1, timestamp 4, stamp 8, config length 2.
inline constexpr std::size_t kUnitHeaderBytesMax = 1 + 1 + 4 + 8 + 2;

/// The least a unit can be: no stamp, no config, empty body.
inline constexpr std::size_t kUnitBytesMin = 1 + 1 + 4;

inline constexpr std::uint8_t kUnitConfigFlag = 1;
inline constexpr std::uint8_t kUnitStampFlag = 2;

/// How a unit is split (P-MEDIA-04).
struct Split {
  std::size_t count = 0;
  std::size_t part_bytes = 0;  // of every part but perhaps the last
  std::size_t last_bytes = 0;
};

/// `unit_bytes` in 1..kMediaFrameBytesMax.
constexpr Split split_unit(std::size_t unit_bytes) {
  const std::size_t count = (unit_bytes + kPartBytesMax - 1) / kPartBytesMax;
  const std::size_t part = (unit_bytes + count - 1) / count;
  return {count, part, unit_bytes - part * (count - 1)};
}

/// The shortest a part other than the last can be in a frame of `count` parts, by P-MEDIA-04: what
/// keeps a peer from making 1785 parts out of a small frame.
constexpr std::size_t part_bytes_min(std::size_t count) {
  return ((count - 1) * kPartBytesMax + 1 + count - 1) / count;
}

/// The unit of a media frame as the pieces it is made of: copied from, never joined.
class Unit {
 public:
  /// Errors: kFrameTooLarge (unit or configuration), kMalformed (layer or level out of range).
  static Result<Unit> make(const MediaFrame& frame) noexcept;

  std::size_t size() const { return header_bytes_ + config_.size() + body_.size(); }

  /// Copies out.size() bytes of the unit from `offset`; both lie inside.
  void copy(std::size_t offset, MutableBytes out) const noexcept;

 private:
  std::array<std::byte, kUnitHeaderBytesMax> header_{};
  std::size_t header_bytes_ = 0;
  Bytes config_;
  Bytes body_;
};

/// Where a frame went.
struct FragmentedFrame {
  Seq first;
  std::uint16_t count = 0;
  std::size_t unit_bytes = 0;

  Seq last() const { return first + (count - 1U); }
};

/// One per pushed track: it numbers the parts one by one across frames and knows what the next
/// frame depends on (P-MEDIA-02, P-MEDIA-05).
class Fragmenter {
 public:
  explicit Fragmenter(TrackId track, Seq first = Seq{}) : track_(track), next_(first) {}

  /// Calls `sink(const MediaHeader&, Bytes ring_part)` for each part in order; the bytes live until
  /// it returns. On an error nothing was sent and no number used: kFrameTooLarge, kMalformed.
  template <class Sink>
  Result<FragmentedFrame> write(const MediaFrame& frame, Sink&& sink) {
    const Result<Unit> unit = Unit::make(frame);
    if (!unit) return Unexpected{unit.error()};
    const Split split = split_unit(unit->size());
    MediaHeader header = begin_frame(frame, split);
    const FragmentedFrame result{header.seq, header.count, unit->size()};
    std::array<std::byte, kPartPlaintextBytesMax> part;
    for (; header.index < header.count; ++header.index, ++header.seq) {
      const std::size_t bytes = header.is_last() ? split.last_bytes : split.part_bytes;
      encode_media_header(header, std::span(part).template first<kMediaHeaderBytes>());
      unit->copy(header.index * split.part_bytes,
                 std::span(part).subspan(kMediaHeaderBytes, bytes));
      sink(static_cast<const MediaHeader&>(header), Bytes{part.data(), kMediaHeaderBytes + bytes});
    }
    end_frame(frame, result.last());
    return result;
  }

  /// The number the next part will have.
  Seq next_seq() const { return next_; }

  TrackId track() const { return track_; }

 private:
  MediaHeader begin_frame(const MediaFrame& frame, const Split& split) const noexcept;
  std::uint8_t depends_on(const MediaFrame& frame) const noexcept;
  void end_frame(const MediaFrame& frame, Seq last) noexcept;

  TrackId track_;
  Seq next_;
  /// By temporal layer: last part of the newest frame that a frame of this layer may refer to.
  std::array<std::optional<Seq>, kTemporalLayers> reference_{};
};

/// Checks a part by itself (P-MEDIA-04): index below count, count within limits, and a size that a
/// part of so many can have. Errors: kMalformed, kFrameTooLarge.
Status<> check_part(const MediaView& part) noexcept;

/// What the parts of one media frame have in common, learnt from those seen so far. 24 bytes: a
/// relay keeps one for each frame it still expects parts of.
class FrameShape {
 public:
  /// `part` passed check_part().
  explicit FrameShape(const MediaView& part) noexcept;

  /// Errors: kMalformed when `part` contradicts those seen before in count, flags, dts, dep or
  /// size.
  Status<> add(const MediaView& part) noexcept;

  Seq first_seq() const { return first_; }

  std::uint16_t count() const { return count_; }

 private:
  Status<> learn_size(const MediaView& part) noexcept;

  Seq first_;
  std::uint32_t dts_;
  std::uint16_t count_;
  std::uint16_t part_bytes_ = 0;  // 0: only the last part was seen
  std::uint16_t last_bytes_ = 0;  // 0: the last part was not seen
  std::uint8_t flags_;
  std::uint8_t dep_;
};

static_assert(sizeof(FrameShape) == 16);

/// A whole media frame. Views into the reassembled unit.
struct MediaFrameView {
  MediaHeader header;  // of part 0
  RtmpType type = RtmpType::kVideo;
  std::uint32_t timestamp_ms = 0;
  std::optional<std::uint64_t> stamp_us;
  Bytes config;
  Bytes body;
};

/// Parses a unit that belongs to a part with `header` (index 0). Errors: kMalformed.
Result<MediaFrameView> read_unit(const MediaHeader& header, Bytes unit) noexcept;

/// The most that the unit of this part's frame can have: how long a Reassembler's buffer must be.
constexpr std::size_t unit_bytes_max(const MediaHeader& header) {
  return header.count * kPartBytesMax;
}

/// Puts ONE frame together from its parts in order, part 0 first.
class Reassembler {
 public:
  /// `buffer` outlives the view; unit_bytes_max() of the frame is enough, kMediaFrameBytesMax
  /// always.
  explicit Reassembler(MutableBytes buffer) : buffer_(buffer) {}

  /// Errors: kMalformed (out of order, of another frame, or a bad size), kFrameTooLarge (the buffer
  /// is too small).
  Status<> add(const MediaView& part) noexcept;

  bool whole() const { return shape_ && next_index_ == shape_->count(); }

  /// The frame, once whole(); else kMalformed, as when the unit contradicts its parts.
  Result<MediaFrameView> finish() const noexcept;

 private:
  MutableBytes buffer_;
  std::size_t used_ = 0;
  std::size_t next_index_ = 0;
  MediaHeader header_;
  std::optional<FrameShape> shape_;
};

}  // namespace sluice::wire
