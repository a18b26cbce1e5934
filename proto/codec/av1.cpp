#include "proto/codec/av1.h"

#include <algorithm>
#include <cstddef>
#include <optional>

#include "proto/codec/bit_reader.h"
#include "proto/codec/picture.h"

namespace sluice::codec {
namespace {

enum ObuType : unsigned {
  kSequenceHeader = 1,
  kFrameHeader = 3,
  kFrame = 6,
};

enum FrameType : unsigned { kKey = 0, kInter = 1, kIntraOnly = 2, kSwitch = 3 };

struct Obu {
  unsigned type = 0;
  std::uint8_t temporal_id = 0;
  Bytes payload;
};

/// leb128 of at most 8 bytes, padded ones included (4.10.5).
std::optional<std::uint64_t> take_leb128(Bytes& from) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8 && i < from.size(); ++i) {
    const std::uint64_t b = to_u8(from[i]);
    value |= (b & 0x7FU) << (7 * i);
    if ((b & 0x80U) == 0) {
      from = from.subspan(i + 1);
      return value;
    }
  }
  return std::nullopt;
}

/// The next OBU; one without a size field is the last (5.3.1).
std::optional<Obu> take_obu(Bytes& from) {
  const unsigned header = to_u8(from.front());
  const bool extended = (header & 0x04U) != 0;
  const bool sized = (header & 0x02U) != 0;
  if ((header & 0x80U) != 0 || from.size() < (extended ? 2U : 1U)) return std::nullopt;
  Obu obu;
  obu.type = header >> 3U & 0xFU;
  if (extended) obu.temporal_id = to_u8(from[1]) >> 5U;
  from = from.subspan(extended ? 2 : 1);
  std::uint64_t size = from.size();
  if (sized) {
    const auto said = take_leb128(from);
    if (!said || *said > from.size()) return std::nullopt;
    size = *said;
  }
  obu.payload = from.first(static_cast<std::size_t>(size));
  from = from.subspan(obu.payload.size());
  return obu;
}

void skip_uvlc(BitReader& bits) {
  unsigned zeros = 0;
  while (bits.ok() && zeros < 32 && !bits.flag()) ++zeros;
  if (zeros < 32) bits.skip(zeros);
}

/// timing_info and decoder_model_info (5.5.3, 5.5.4). Returns the bits of a buffer delay.
unsigned read_timing(BitReader& bits, Av1Sequence& sequence) {
  bits.skip(32 + 32);
  sequence.equal_picture_interval = bits.flag();
  if (sequence.equal_picture_interval) skip_uvlc(bits);
  sequence.decoder_model = bits.flag();
  if (!sequence.decoder_model) return 0;
  const unsigned delay_bits = bits.bits(5) + 1;
  bits.skip(32 + 5);  // num_units_in_decoding_tick, buffer_removal_time_length_minus_1
  sequence.presentation_time_bits = static_cast<std::uint8_t>(bits.bits(5) + 1);
  return delay_bits;
}

void skip_operating_points(BitReader& bits, const Av1Sequence& sequence, unsigned delay_bits) {
  constexpr unsigned kLevelWithoutTier = 7;
  const bool display_delay = bits.flag();
  const unsigned count = bits.bits(5) + 1;
  for (unsigned i = 0; i < count; ++i) {
    bits.skip(12);  // operating_point_idc
    if (bits.bits(5) > kLevelWithoutTier) bits.skip(1);
    if (sequence.decoder_model && bits.flag()) bits.skip(2 * delay_bits + 1);
    if (display_delay && bits.flag()) bits.skip(4);
  }
}

/// Of sequence_header_obu, from enable_interintra_compound to order_hint_bits_minus_1.
void read_tools(BitReader& bits, Av1Sequence& sequence) {
  bits.skip(4);
  const bool order_hints = bits.flag();
  if (order_hints) bits.skip(2);
  const auto choice = [&bits] {
    constexpr auto kPerFrame = Av1Sequence::kPerFrame;
    return bits.flag() ? kPerFrame : static_cast<std::uint8_t>(bits.bits(1));
  };
  sequence.screen_content = choice();
  if (sequence.screen_content > 0) sequence.integer_mv = choice();
  if (order_hints) sequence.order_hint_bits = static_cast<std::uint8_t>(bits.bits(3) + 1);
}

/// sequence_header_obu (5.5.1).
Av1Sequence read_sequence(Bytes payload) {
  Av1Sequence sequence;
  BitReader bits(payload);
  bits.skip(3 + 1);
  if (bits.flag()) return sequence;  // reduced_still_picture_header
  const unsigned delay_bits = bits.flag() ? read_timing(bits, sequence) : 0;
  skip_operating_points(bits, sequence, delay_bits);
  const unsigned width_bits = bits.bits(4) + 1;
  const unsigned height_bits = bits.bits(4) + 1;
  bits.skip(width_bits + height_bits);
  if (bits.flag()) {
    const unsigned delta_bits = bits.bits(4) + 2;
    sequence.frame_id_bits = static_cast<std::uint8_t>(delta_bits + bits.bits(3) + 1);
  }
  bits.skip(3);  // superblock size, filter_intra, intra_edge_filter
  read_tools(bits, sequence);
  sequence.known = bits.ok();
  return sequence;
}

/// uncompressed_header (5.9.2) up to refresh_frame_flags. A frame that is shown again may be a key
/// frame, which would refresh everything: it is taken for one.
bool refreshes_nothing(Bytes header, const Av1Sequence& sequence) {
  if (!sequence.known) return false;
  BitReader bits(header);
  if (bits.flag()) return false;  // show_existing_frame
  const unsigned type = bits.bits(2);
  if (type == kKey || type == kSwitch) return false;
  const bool shown = bits.flag();
  if (!shown) {
    bits.skip(1);  // showable_frame
  } else if (sequence.decoder_model && !sequence.equal_picture_interval) {
    bits.skip(sequence.presentation_time_bits);
  }
  const bool error_resilient = bits.flag();
  bits.skip(1);  // disable_cdf_update
  const bool screen_content =
      sequence.screen_content == Av1Sequence::kPerFrame ? bits.flag() : sequence.screen_content > 0;
  if (screen_content && sequence.integer_mv == Av1Sequence::kPerFrame) bits.skip(1);
  bits.skip(sequence.frame_id_bits);
  bits.skip(1);  // frame_size_override_flag
  bits.skip(sequence.order_hint_bits);
  if (type != kIntraOnly && !error_resilient) bits.skip(3);  // primary_ref_frame
  if (sequence.decoder_model && bits.flag()) return false;   // buffer_removal_time: rare
  return bits.bits(8) == 0 && bits.ok();
}

}  // namespace

Picture read_av1_unit(Bytes payload, Av1Sequence& sequence) {
  Picture picture;
  bool any = false, needed = false;
  while (!payload.empty()) {
    const auto obu = take_obu(payload);
    if (!obu) return {};
    if (obu->type == kSequenceHeader) sequence = read_sequence(obu->payload);
    if (obu->type != kFrame && obu->type != kFrameHeader) continue;
    any = true;
    needed = needed || !refreshes_nothing(obu->payload, sequence);
    picture.layer = std::max(picture.layer, obu->temporal_id);
  }
  picture.discardable = any && !needed;
  return picture;
}

}  // namespace sluice::codec
