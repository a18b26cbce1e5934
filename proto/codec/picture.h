// What a coded picture says of itself that a relay can thin a stream by: whether any other picture
// needs it, and its temporal layer. Read from the codec's own headers, because few encoders mark
// it anywhere else: MEDIA's discardable bit and layer (P-MEDIA-01) are set from it. Where a header
// does not prove a picture to be free of dependents, it is not called discardable; bytes that are
// no picture say nothing. Sans-I/O, no allocation.
#pragma once

#include <cstddef>
#include <cstdint>

#include "proto/base/bytes.h"
#include "proto/base/media.h"
#include "proto/codec/av1.h"

namespace sluice::codec {

/// Temporal layers that MEDIA can tell apart: higher ones count as the highest.
inline constexpr std::uint8_t kLayerMax = 3;

struct Picture {
  bool discardable = false;  ///< no other picture depends on it
  std::uint8_t layer = 0;    ///< needs no picture of a higher one
};

class PictureReader {
 public:
  explicit PictureReader(FourCC codec) : codec_(codec) {}

  /// The track's configuration record (avcC, hvcC, av1C; vpcC says nothing that matters here).
  void configure(Bytes record);

  /// `payload` of one coded frame, as in an RTMP message behind the codec's header.
  Picture read(Bytes payload);

 private:
  FourCC codec_;
  std::size_t nal_length_bytes_ = 4;
  std::uint8_t hevc_layers_ = 0;  // 0: not said
  Av1Sequence av1_;
};

}  // namespace sluice::codec
