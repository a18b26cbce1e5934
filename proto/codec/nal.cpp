#include "proto/codec/nal.h"

#include <algorithm>

#include "proto/codec/bit_reader.h"
#include "proto/codec/picture.h"

namespace sluice::codec {
namespace {

/// Calls `each(unit)` for every NAL unit; false when a length leads beyond the payload.
template <class Each>
bool for_each_nal(Bytes payload, std::size_t length_bytes, Each each) {
  while (payload.size() >= length_bytes) {
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < length_bytes; ++i) bytes = bytes << 8U | to_u8(payload[i]);
    payload = payload.subspan(length_bytes);
    if (bytes > payload.size()) return false;
    if (bytes > 0) each(payload.first(bytes));
    payload = payload.subspan(bytes);
  }
  return payload.empty();
}

/// What the slices of one picture say together.
struct Slices {
  bool any = false;
  bool referred = false;
  std::uint8_t layer = 0;
};

Picture picture_of(const Slices& slices, bool well_formed) {
  if (!well_formed || !slices.any) return {};
  return {!slices.referred, slices.layer};
}

constexpr unsigned kAvcSliceMin = 1, kAvcSliceMax = 5;
constexpr unsigned kAvcPrefix = 14, kAvcExtension = 20;

/// temporal_id of nal_unit_header_svc_extension (G.7.3.1.1); 0 when it is another extension's.
std::uint8_t svc_temporal_id(Bytes nal) {
  constexpr unsigned kBeforeTemporalId = 6 + 1 + 1 + 3 + 4;  // idr, priority ... quality_id
  BitReader bits(nal.subspan(1));
  const bool svc = bits.flag();
  bits.skip(kBeforeTemporalId);
  const auto id = static_cast<std::uint8_t>(bits.bits(3));
  return svc && bits.ok() ? id : 0;
}

}  // namespace

Picture read_avc_picture(Bytes payload, std::size_t length_bytes) {
  Slices slices;
  const bool well_formed = for_each_nal(payload, length_bytes, [&slices](Bytes nal) {
    const unsigned header = to_u8(nal[0]);
    const unsigned type = header & 0x1FU;
    const bool slice = type >= kAvcSliceMin && type <= kAvcSliceMax;
    if (type == kAvcPrefix || type == kAvcExtension) {
      slices.layer = std::max(slices.layer, svc_temporal_id(nal));
    }
    if (!slice && type != kAvcExtension) return;
    slices.any = true;
    slices.referred = slices.referred || (header & 0x60U) != 0;
  });
  return picture_of(slices, well_formed);
}

Picture read_hevc_picture(Bytes payload, std::size_t length_bytes, std::uint8_t layers) {
  constexpr unsigned kNonReferenceMax = 14;  // even up to RSV_VCL_N14: table 7-1
  constexpr unsigned kSliceMax = 31;
  Slices slices;
  const bool well_formed = for_each_nal(payload, length_bytes, [&slices, layers](Bytes nal) {
    if (nal.size() < 2) return;
    const unsigned type = to_u8(nal[0]) >> 1U & 0x3FU;
    const unsigned id_plus_1 = to_u8(nal[1]) & 7U;
    if (type > kSliceMax || id_plus_1 == 0) return;
    slices.any = true;
    slices.layer = std::max(slices.layer, static_cast<std::uint8_t>(id_plus_1 - 1));
    const bool non_reference = type <= kNonReferenceMax && type % 2 == 0;
    slices.referred = slices.referred || !non_reference || id_plus_1 < layers || layers == 0;
  });
  return picture_of(slices, well_formed);
}

}  // namespace sluice::codec
