// BitReader: bits of a codec's header, the first one highest. Like Reader it never reads past its
// end: what is not there is zeros, and ok() is asked once at the end.
#pragma once

#include <cstddef>
#include <cstdint>

#include "proto/base/bytes.h"

namespace sluice::codec {

class BitReader {
 public:
  explicit BitReader(Bytes bytes) : bytes_(bytes) {}

  bool flag() { return bits(1) != 0; }

  /// At most 32 bits.
  std::uint32_t bits(unsigned count) {
    std::uint32_t value = 0;
    for (; count > 0; --count) value = value << 1U | next();
    return value;
  }

  void skip(unsigned count) { at_ += count; }

  /// True while nothing was read beyond the end.
  bool ok() const { return at_ <= bytes_.size() * 8; }

 private:
  std::uint32_t next() {
    const std::size_t at = at_++;
    if (at / 8 >= bytes_.size()) return 0;
    return std::uint32_t{to_u8(bytes_[at / 8])} >> (7 - at % 8) & 1U;
  }

  Bytes bytes_;
  std::size_t at_ = 0;
};

}  // namespace sluice::codec
