// VP9: the uncompressed headers of a frame, or of all frames of a superframe (VP9 bitstream
// specification 6.2, Annex B).
#pragma once

#include "proto/base/bytes.h"

namespace sluice::codec {

struct Picture;

/// Discardable is what refreshes no reference and is coded error resilient: others hand their
/// probabilities and motion vectors to the next frame. The stream names no layers.
Picture read_vp9_picture(Bytes payload);

}  // namespace sluice::codec
