#include "proto/fec/coded_symbol.h"

#include <algorithm>

namespace sluice::fec {

namespace {

// Bits of a MEDIA frame's type (P-MEDIA-01).
constexpr std::uint8_t kTypeMediaBit = 0x80;
constexpr std::uint8_t kTypeLengthBit = 0x01;

bool is_zero(std::byte b) { return b == std::byte{0}; }

}  // namespace

bool is_well_formed(const RepairWindow& window) noexcept {
  if (window.span == 0 || window.span > kRepairSpanMax) return false;
  if (window.bitmap.empty()) return true;
  if (window.bitmap.size() != (window.span + 7U) / 8U) return false;
  const unsigned beyond = window.span % 8U == 0 ? 0U : 0xFFU << window.span % 8U & 0xFFU;
  if ((to_u8(window.bitmap.back()) & beyond) != 0) return false;
  return !std::all_of(window.bitmap.begin(), window.bitmap.end(), is_zero);
}

void SymbolSum::add(Bytes ring_part, std::uint8_t factor) noexcept {
  const std::size_t body_bytes = ring_part.size() - kMediaHeaderBytes;
  const Head head{static_cast<std::uint8_t>(body_bytes >> 8U),
                  static_cast<std::uint8_t>(body_bytes & 0xFFU), to_u8(ring_part[kRingTypeOffset])};
  if (head != head_) {
    flush_head();
    head_ = head;
  }
  head_factor_ ^= factor;
  terms_[count_++] = {ring_part.subspan(kRingIndexOffset), factor};
  if (count_ == terms_.size()) flush_terms();
}

void SymbolSum::finish() noexcept {
  flush_head();
  flush_terms();
}

void SymbolSum::flush_head() noexcept {
  for (std::size_t i = 0; i < head_.size(); ++i)
    sum_[i] ^= std::byte(multiply(head_factor_, head_[i]));
  head_factor_ = 0;
}

void SymbolSum::flush_terms() noexcept {
  mul_add(sum_.subspan(kSymbolIndexOffset), std::span{terms_}.first(count_));
  count_ = 0;
}

bool is_plausible_symbol(Bytes symbol) noexcept {
  Reader reader{symbol};
  const std::size_t body_bytes = reader.u16();
  const std::uint8_t type = reader.u8();
  const std::uint32_t split = reader.u24();
  if (!reader.ok() || body_bytes == 0 || body_bytes > kPartBytesMax) return false;
  if (kCodedFieldsBytes + body_bytes > symbol.size()) return false;
  if ((type & kTypeMediaBit) == 0 || (type & kTypeLengthBit) != 0) return false;
  const std::uint32_t index = split >> 12U;
  const std::uint32_t count = split & 0xFFFU;
  if (index >= count || count > kPartsPerFrameMax) return false;
  const Bytes padding = symbol.subspan(kCodedFieldsBytes + body_bytes);
  return std::all_of(padding.begin(), padding.end(), is_zero);
}

Bytes make_ring_form(MutableBytes memory, std::uint8_t track, Seq seq) noexcept {
  const MutableBytes symbol = memory.subspan(kSymbolHeadroom);
  const auto body_bytes = static_cast<std::size_t>(load_be<kSymbolLengthBytes>(symbol.data()));
  const std::byte type = symbol[kSymbolTypeOffset];
  const MutableBytes part = memory.first(kMediaHeaderBytes + body_bytes);
  part[kRingTypeOffset] = type;
  part[kRingTrackOffset] = std::byte{track};
  store_be<3>(&part[kRingSeqOffset], seq.value());
  return part;
}

}  // namespace sluice::fec
