// H.264 and HEVC: pictures as length-prefixed NAL units (ISO/IEC 14496-15), of which the NAL unit
// headers alone are read.
#pragma once

#include <cstddef>
#include <cstdint>

#include "proto/base/bytes.h"

namespace sluice::codec {

struct Picture;

/// H.264 (ITU-T H.264 7.3.1): nal_ref_idc 0 in every slice makes a picture discardable; temporal_id
/// is that of Annex G's prefix and extension units.
Picture read_avc_picture(Bytes payload, std::size_t length_bytes);

/// HEVC (ITU-T H.265 7.4.2.2): a sub-layer non-reference picture of the highest temporal sub-layer
/// is discardable. `layers` is numTemporalLayers of hvcC; with 0, not known, nothing is.
Picture read_hevc_picture(Bytes payload, std::size_t length_bytes, std::uint8_t layers);

}  // namespace sluice::codec
