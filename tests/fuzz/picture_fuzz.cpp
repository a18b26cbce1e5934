// Coded pictures of every codec: the first byte names the codec and the size of a configuration
// record, which comes next; the rest is one picture. Whatever it is, the answer is the same twice,
// and in range.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "proto/base/check.h"
#include "proto/codec/picture.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using sluice::FourCC;
  constexpr FourCC kCodecs[] = {FourCC::kAvc, FourCC::kHevc, FourCC::kVp9, FourCC::kAv1};
  if (size == 0) return 0;
  sluice::Bytes input = std::as_bytes(std::span{data, size});
  const unsigned first = sluice::to_u8(input[0]);
  input = input.subspan(1);
  sluice::codec::PictureReader reader{kCodecs[first % 4]};
  const std::size_t record = std::min<std::size_t>(first / 4, input.size());
  reader.configure(input.first(record));
  const auto picture = reader.read(input.subspan(record));
  CHECK(picture.layer <= sluice::codec::kLayerMax);
  const auto again = reader.read(input.subspan(record));
  CHECK(picture.layer == again.layer);
  return 0;
}
