// AV1: the OBU headers of a temporal unit, the sequence header, and frame headers up to
// refresh_frame_flags (AV1 bitstream specification 5.3, 5.5, 5.9.2).
#pragma once

#include <cstdint>

#include "proto/base/bytes.h"

namespace sluice::codec {

struct Picture;

/// What of the sequence header decides where refresh_frame_flags stands in a frame header.
struct Av1Sequence {
  /// Values of the two "choose" fields; 0 and 1 are forced for every frame.
  static constexpr std::uint8_t kPerFrame = 2;

  bool known = false;  ///< and one whose frames can be read on: no still picture
  bool decoder_model = false;
  bool equal_picture_interval = false;
  std::uint8_t presentation_time_bits = 0;
  std::uint8_t frame_id_bits = 0;    ///< 0: frames have no ids
  std::uint8_t order_hint_bits = 0;  ///< 0: frames have no order hints
  std::uint8_t screen_content = kPerFrame;
  std::uint8_t integer_mv = kPerFrame;
};

/// Reads a temporal unit or the OBUs of av1C; a sequence header in it replaces `sequence`. A unit
/// is discardable when none of its frames refreshes a reference; its layer is the OBUs'
/// temporal_id.
Picture read_av1_unit(Bytes payload, Av1Sequence& sequence);

}  // namespace sluice::codec
