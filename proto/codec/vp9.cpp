#include "proto/codec/vp9.h"

#include <array>
#include <cstddef>
#include <cstdint>

#include "proto/codec/bit_reader.h"
#include "proto/codec/picture.h"

namespace sluice::codec {
namespace {

constexpr std::uint32_t kFrameMarker = 2;
constexpr std::uint32_t kSyncCode = 0x498342;

/// True when no later frame needs this one (6.2, uncompressed_header).
bool free_of_dependents(Bytes frame) {
  BitReader bits(frame);
  if (bits.bits(2) != kFrameMarker) return false;
  const std::uint32_t profile = bits.bits(1) | bits.bits(1) << 1U;
  if (profile == 3) bits.skip(1);
  if (bits.flag()) return bits.ok();  // show_existing_frame: nothing is coded
  const bool key = !bits.flag();
  const bool shown = bits.flag();
  const bool error_resilient = bits.flag();
  if (key || !error_resilient) return false;
  const bool intra_only = shown ? false : bits.flag();
  if (intra_only) {
    if (bits.bits(24) != kSyncCode || profile > 0) return false;  // colours follow: rare
  }
  return bits.bits(8) == 0 && bits.ok();  // refresh_frame_flags
}

/// The frames of a superframe (Annex B); of anything else the one frame that it is.
class Frames {
 public:
  explicit Frames(Bytes payload) : sizes_{payload.size()} {
    if (payload.empty()) return;
    const unsigned marker = to_u8(payload.back());
    if ((marker & 0xE0U) != 0xC0) return;
    const std::size_t bytes = (marker >> 3U & 3U) + 1U;
    const std::size_t count = (marker & 7U) + 1U;
    const std::size_t index_bytes = 2 + bytes * count;
    if (payload.size() < index_bytes) return;
    const Bytes index = payload.last(index_bytes);
    if (index.front() != payload.back()) return;
    for (std::size_t frame = 0; frame < count; ++frame) {
      std::size_t size = 0;
      for (std::size_t i = bytes; i > 0; --i) {
        size = size << 8U | to_u8(index[frame * bytes + i]);  // little-endian
      }
      sizes_[frame] = size;
    }
    count_ = count;
  }

  std::size_t count() const { return count_; }

  std::size_t size(std::size_t frame) const { return sizes_[frame]; }

 private:
  std::array<std::size_t, 8> sizes_;
  std::size_t count_ = 1;
};

}  // namespace

Picture read_vp9_picture(Bytes payload) {
  const Frames frames(payload);
  for (std::size_t frame = 0; frame < frames.count(); ++frame) {
    const std::size_t bytes = frames.size(frame);
    if (bytes == 0 || bytes > payload.size()) return {};
    if (!free_of_dependents(payload.first(bytes))) return {};
    payload = payload.subspan(bytes);
  }
  return {true, 0};
}

}  // namespace sluice::codec
