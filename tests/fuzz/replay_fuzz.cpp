// The replay window against a set of everything seen. Each operation is three bytes: how the number
// is made from the newest one (its sign and scale), and a distance.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>

#include "proto/base/bytes.h"
#include "proto/base/check.h"
#include "proto/crypto/replay_window.h"

namespace sluice::crypto {
namespace {

std::uint64_t number_from(std::uint64_t newest, std::uint8_t kind, std::uint64_t distance) {
  switch (kind % 6) {
    case 0:
      return newest + distance % 64;
    case 1:
      return newest + distance;
    case 2:
      return newest + (distance << 12U);
    case 3:
      return newest - std::min(newest, distance % 128);
    case 4:
      return newest - std::min(newest, distance);
    default:
      return newest - std::min(newest, kReplayWindowPackets - 8 + distance % 16);
  }
}

void run(Bytes operations) {
  ReplayWindow window;
  std::set<std::uint64_t> seen;
  Reader reader{operations};
  while (reader.remaining() >= 3) {
    const std::uint8_t kind = reader.u8();
    const std::uint64_t newest = seen.empty() ? 0 : *seen.rbegin();
    const PacketNumber number{number_from(newest, kind, reader.u16())};
    const bool expected = seen.empty() || (number.value + kReplayWindowPackets > newest &&
                                           seen.count(number.value) == 0);
    CHECK(window.check(number).has_value() == expected);
    CHECK(window.is_newest(number) == (seen.empty() || number.value > newest));
    // Bit 7: the tag did not verify, so nothing is marked.
    if (!expected || (kind & 0x80U) != 0) continue;
    window.mark(number);
    seen.insert(number.value);
  }
}

}  // namespace
}  // namespace sluice::crypto

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sluice::crypto::run(std::as_bytes(std::span{data, size}));
  return 0;
}
