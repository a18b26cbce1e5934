#include "proto/codec/picture.h"

#include <algorithm>

#include "proto/codec/nal.h"
#include "proto/codec/vp9.h"

namespace sluice::codec {
namespace {

/// ISO/IEC 14496-15: avcC 5.3.3.1, hvcC 8.3.3.1.
constexpr std::size_t kAvcLengthSizeAt = 4;
constexpr std::size_t kHevcLayersAt = 21;
/// AV1 in ISO-BMFF 2.3.3: the OBUs of av1C follow four bytes.
constexpr std::size_t kAv1ObusAt = 4;

std::size_t length_bytes(std::byte b) { return (to_u8(b) & 3U) + 1U; }

}  // namespace

void PictureReader::configure(Bytes record) {
  switch (codec_) {
    case FourCC::kAvc:
      if (record.size() > kAvcLengthSizeAt) {
        nal_length_bytes_ = length_bytes(record[kAvcLengthSizeAt]);
      }
      break;
    case FourCC::kHevc:
      if (record.size() > kHevcLayersAt) {
        nal_length_bytes_ = length_bytes(record[kHevcLayersAt]);
        hevc_layers_ = to_u8(record[kHevcLayersAt]) >> 3U & 7U;
      }
      break;
    case FourCC::kAv1:
      if (record.size() > kAv1ObusAt) read_av1_unit(record.subspan(kAv1ObusAt), av1_);
      break;
    default:
      break;
  }
}

Picture PictureReader::read(Bytes payload) {
  Picture picture;
  switch (codec_) {
    case FourCC::kAvc:
      picture = read_avc_picture(payload, nal_length_bytes_);
      break;
    case FourCC::kHevc:
      picture = read_hevc_picture(payload, nal_length_bytes_, hevc_layers_);
      break;
    case FourCC::kVp9:
      picture = read_vp9_picture(payload);
      break;
    case FourCC::kAv1:
      picture = read_av1_unit(payload, av1_);
      break;
    default:
      break;
  }
  picture.layer = std::min(picture.layer, kLayerMax);
  return picture;
}

}  // namespace sluice::codec
