#include "proto/wire/fragment.h"

#include <algorithm>

#include "proto/base/check.h"

namespace sluice::wire {
namespace {

/// The type byte's bits that say the same in every part of a frame.
std::uint8_t frame_flags(const MediaHeader& header) {
  return static_cast<std::uint8_t>((header.keyframe ? kMediaKeyBit : 0U) |
                                   (header.discardable ? kMediaDiscardableBit : 0U) |
                                   (header.config ? kMediaConfigBit : 0U) |
                                   (static_cast<unsigned>(header.layer) << 2U & kMediaLayerBits));
}

Unexpected<DropReason> malformed() { return Unexpected{DropReason::kMalformed}; }

}  // namespace

Result<Unit> Unit::make(const MediaFrame& frame) noexcept {
  if (frame.layer >= kTemporalLayers || frame.level > kAudioLevelUnknown) return malformed();
  if (frame.config.size() > kCodecConfigBytesMax) return Unexpected{DropReason::kFrameTooLarge};
  if (frame.body.size() > kMediaFrameBytesMax) return Unexpected{DropReason::kFrameTooLarge};
  Unit unit;
  const std::uint8_t config_flag = frame.config.empty() ? std::uint8_t{0} : kUnitConfigFlag;
  const std::uint8_t stamp_flag = frame.stamp_us ? kUnitStampFlag : std::uint8_t{0};
  Writer writer(unit.header_);
  writer.u8(static_cast<std::uint8_t>(frame.type));
  writer.u8(config_flag | stamp_flag);
  writer.u32(frame.timestamp_ms);
  if (frame.stamp_us) writer.u64(*frame.stamp_us);
  if (!frame.config.empty()) writer.u16(static_cast<std::uint16_t>(frame.config.size()));
  unit.header_bytes_ = writer.size();
  unit.config_ = frame.config;
  unit.body_ = frame.body;
  if (unit.size() > kMediaFrameBytesMax) return Unexpected{DropReason::kFrameTooLarge};
  return unit;
}

void Unit::copy(std::size_t offset, MutableBytes out) const noexcept {
  for (const Bytes piece : {Bytes{header_}.first(header_bytes_), config_, body_}) {
    if (offset >= piece.size()) {
      offset -= piece.size();
      continue;
    }
    const std::size_t bytes = std::min(piece.size() - offset, out.size());
    if (bytes > 0) std::memcpy(out.data(), piece.data() + offset, bytes);
    out = out.subspan(bytes);
    offset = 0;
  }
  DCHECK(out.empty());
}

MediaHeader Fragmenter::begin_frame(const MediaFrame& frame, const Split& split) const noexcept {
  MediaHeader header;
  header.keyframe = frame.keyframe;
  header.discardable = frame.discardable;
  header.config = !frame.config.empty();
  header.layer = frame.layer;
  header.last_short = split.last_bytes < split.part_bytes;
  header.track = track_;
  header.seq = next_;
  header.count = static_cast<std::uint16_t>(split.count);
  header.dts = frame.timestamp_ms & 0xFFFFFFU;
  switch (frame.type) {
    case RtmpType::kAudio:
      header.dep = frame.level;
      break;
    case RtmpType::kData:
      header.dep = kDependsOnNothing;
      break;
    case RtmpType::kVideo:
      header.dep = depends_on(frame);
      break;
  }
  return header;
}

std::uint8_t Fragmenter::depends_on(const MediaFrame& frame) const noexcept {
  if (frame.keyframe) return kDependsOnNothing;
  const std::optional<Seq>& reference = reference_[frame.layer];
  if (!reference) return kDependsOnAll;
  const std::uint32_t delta = (next_.value() - reference->value()) & (Seq::kModulus - 1);
  return delta < kDependsOnAll ? static_cast<std::uint8_t>(delta) : kDependsOnAll;
}

void Fragmenter::end_frame(const MediaFrame& frame, Seq last) noexcept {
  next_ = last + 1;
  if (frame.type != RtmpType::kVideo || frame.discardable) return;
  // A frame may refer to frames of its own layer and of those below.
  const std::size_t lowest = frame.keyframe ? 0 : frame.layer;
  std::fill(reference_.begin() + static_cast<std::ptrdiff_t>(lowest), reference_.end(), last);
}

Status<> check_part(const MediaView& part) noexcept {
  const MediaHeader& header = part.header;
  const std::size_t bytes = part.body.size();
  if (header.index >= header.count || bytes == 0) return malformed();
  if (header.count > kPartsPerFrameMax || bytes > kPartBytesMax)
    return Unexpected{DropReason::kFrameTooLarge};
  if (header.is_last()) {
    // The first part alone holds the unit's header, so only a frame of one part is that short.
    return header.count > 1 || bytes >= kUnitBytesMin ? Status<>{Done{}} : malformed();
  }
  if (bytes < part_bytes_min(header.count)) return malformed();
  return Done{};
}

FrameShape::FrameShape(const MediaView& part) noexcept
    : first_(part.header.first_seq()),
      dts_(part.header.dts),
      count_(part.header.count),
      flags_(frame_flags(part.header)),
      dep_(part.header.dep) {
  const bool consistent = learn_size(part).has_value();
  DCHECK(consistent);  // nothing was known that it could contradict
  static_cast<void>(consistent);
}

Status<> FrameShape::add(const MediaView& part) noexcept {
  const MediaHeader& header = part.header;
  if (header.first_seq() != first_ || header.count != count_) return malformed();
  if (header.dts != dts_ || header.dep != dep_ || frame_flags(header) != flags_) return malformed();
  return learn_size(part);
}

Status<> FrameShape::learn_size(const MediaView& part) noexcept {
  const auto bytes = static_cast<std::uint16_t>(part.body.size());
  std::uint16_t& known = part.header.is_last() ? last_bytes_ : part_bytes_;
  if (known == bytes) return Done{};
  if (known != 0) return malformed();
  known = bytes;
  if (part_bytes_ == 0 || last_bytes_ == 0) return Done{};
  // Both sizes give the unit's, and a unit has one way to be split (P-MEDIA-04).
  const std::size_t unit_bytes = (count_ - 1U) * std::size_t{part_bytes_} + last_bytes_;
  const Split split = split_unit(unit_bytes);
  if (split.count != count_ || split.part_bytes != part_bytes_) return malformed();
  return Done{};
}

Result<MediaFrameView> read_unit(const MediaHeader& header, Bytes unit) noexcept {
  Reader reader(unit);
  MediaFrameView frame;
  frame.header = header;
  const std::optional<RtmpType> type = rtmp_type_from(reader.u8());
  const std::uint8_t flags = reader.u8();
  if (!type || flags > (kUnitConfigFlag | kUnitStampFlag)) return malformed();
  frame.type = *type;
  frame.timestamp_ms = reader.u32();
  if ((flags & kUnitStampFlag) != 0) frame.stamp_us = reader.u64();
  if ((flags & kUnitConfigFlag) != 0) {
    const std::uint16_t config_bytes = reader.u16();
    if (config_bytes == 0 || config_bytes > kCodecConfigBytesMax) return malformed();
    frame.config = reader.bytes(config_bytes);
  }
  frame.body = reader.rest();
  if (!reader.ok()) return malformed();
  // What the relay acted on without the unit must be what the unit says.
  if (header.config == frame.config.empty()) return malformed();
  if ((frame.timestamp_ms & 0xFFFFFFU) != header.dts) return malformed();
  return frame;
}

Status<> Reassembler::add(const MediaView& part) noexcept {
  if (part.header.index != next_index_) return malformed();
  const Status<> alone = check_part(part);
  if (!alone) return alone;
  if (shape_) {
    const Status<> together = shape_->add(part);
    if (!together) return together;
  } else {
    shape_.emplace(part);
    header_ = part.header;
  }
  if (part.body.size() > buffer_.size() - used_) return Unexpected{DropReason::kFrameTooLarge};
  std::memcpy(buffer_.data() + used_, part.body.data(), part.body.size());
  used_ += part.body.size();
  ++next_index_;
  return Done{};
}

Result<MediaFrameView> Reassembler::finish() const noexcept {
  if (!whole()) return malformed();
  if (used_ > kMediaFrameBytesMax) return Unexpected{DropReason::kFrameTooLarge};
  return read_unit(header_, Bytes{buffer_}.first(used_));
}

}  // namespace sluice::wire
