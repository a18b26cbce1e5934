// The payloads of INIT and ACCEPT: `tag u8 | length u16 | value` until tag 0, then zeros (P-HS-05).
// Inner header of proto/crypto. The reader only ever sees bytes whose tag verified.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>

#include "proto/base/bytes.h"
#include "proto/base/result.h"

namespace sluice::crypto {

enum class InitTag : std::uint8_t { kVersions = 1, kEarlyRoomBytes = 2, kPlayOutBounds = 3 };

enum class AcceptTag : std::uint8_t {
  kStatus = 1,
  kLink = 2,
  kResume = 3,
  kAddress = 4,
  kAlternative = 5,
  kSuite = 6,
};

/// Values by tag, as spans into the payload.
class TlvList {
 public:
  /// kMalformed: a tag twice, a value beyond the end, no end tag, padding that is not zero.
  static Result<TlvList> parse(Bytes payload) {
    TlvList list;
    std::bitset<256> seen;
    Reader reader{payload};
    for (;;) {
      const std::uint8_t tag = reader.u8();
      if (!reader.ok()) return Unexpected{DropReason::kMalformed};
      if (tag == 0) break;
      const Bytes value = reader.bytes(reader.u16());
      if (!reader.ok() || seen.test(tag)) return Unexpected{DropReason::kMalformed};
      seen.set(tag);
      if (tag < kKnownTags) list.values_[tag] = value;
    }
    for (const std::byte b : reader.rest()) {
      if (b != std::byte{0}) return Unexpected{DropReason::kMalformed};
    }
    return list;
  }

  template <class Tag>
  std::optional<Bytes> find(Tag tag) const {
    return values_[static_cast<std::size_t>(tag)];
  }

 private:
  static constexpr std::size_t kKnownTags = 7;
  std::array<std::optional<Bytes>, kKnownTags> values_{};
};

/// Writes into `writer`, whose owner checks ok() at the end.
class TlvWriter {
 public:
  explicit TlvWriter(Writer& writer) : writer_(writer) {}

  template <class Tag>
  void add(Tag tag, Bytes value) {
    begin(tag, value.size()).bytes(value);
  }

  template <class Tag>
  void add_u8(Tag tag, std::uint8_t value) {
    begin(tag, 1).u8(value);
  }

  /// The caller writes exactly `size` bytes of value.
  template <class Tag>
  Writer& begin(Tag tag, std::size_t size) {
    writer_.u8(static_cast<std::uint8_t>(tag));
    writer_.u16(static_cast<std::uint16_t>(size));
    return writer_;
  }

  void end() { writer_.u8(0); }

 private:
  Writer& writer_;
};

}  // namespace sluice::crypto
