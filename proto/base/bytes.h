// Reader and Writer: the only places that know our byte order (big-endian, as RTMP and FLV). A
// Reader never reads past its end: the first short read makes it fail for good, every later read
// gives 0, and ok() is asked once at the end. A Writer behaves the same way when its buffer is
// full.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

namespace sluice {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

inline Bytes as_bytes(std::string_view text) { return std::as_bytes(std::span{text}); }

inline std::string_view as_text(Bytes bytes) {
  // char may alias any object; the span's lifetime is the caller's.
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

constexpr std::uint8_t to_u8(std::byte b) { return std::to_integer<std::uint8_t>(b); }

/// Loads and stores of N-byte big-endian integers at a place known to be large enough. Written out
/// by index, not looped: at -O2 compilers make one swapped access of the former and N of a loop,
/// and a wide read of bytes stored one by one has to wait for them.
template <std::size_t N>
constexpr std::uint64_t load_be(const std::byte* at) {
  return [at]<std::size_t... kAt>(std::index_sequence<kAt...>) {
    return ((std::uint64_t{to_u8(at[kAt])} << (8 * (N - 1 - kAt))) | ...);
  }
  (std::make_index_sequence<N>{});
}

template <std::size_t N>
constexpr void store_be(std::byte* at, std::uint64_t value) {
  [ at, value ]<std::size_t... kAt>(std::index_sequence<kAt...>) {
    ((at[kAt] = static_cast<std::byte>(value >> (8 * (N - 1 - kAt)) & 0xFFU)), ...);
  }
  (std::make_index_sequence<N>{});
}

class Reader {
 public:
  constexpr explicit Reader(Bytes bytes) : bytes_(bytes) {}

  constexpr std::uint8_t u8() { return static_cast<std::uint8_t>(integer<1>()); }

  constexpr std::uint16_t u16() { return static_cast<std::uint16_t>(integer<2>()); }

  constexpr std::uint32_t u24() { return static_cast<std::uint32_t>(integer<3>()); }

  constexpr std::uint32_t u32() { return static_cast<std::uint32_t>(integer<4>()); }

  constexpr std::uint64_t u48() { return integer<6>(); }

  constexpr std::uint64_t u64() { return integer<8>(); }

  /// Unsigned LEB128, at most 10 bytes; an overlong or overflowing one fails the reader.
  constexpr std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint64_t b = u8();
      if (shift == 63 && b > 1) break;
      value |= (b & 0x7FU) << shift;
      if ((b & 0x80U) == 0) return value;
    }
    fail();
    return 0;
  }

  /// Zig-zag coded signed varint.
  constexpr std::int64_t zigzag() {
    const std::uint64_t v = varint();
    return static_cast<std::int64_t>(v >> 1U) ^ -static_cast<std::int64_t>(v & 1U);
  }

  /// The next `count` bytes; empty, and the reader failed, when there are fewer.
  constexpr Bytes bytes(std::size_t count) {
    if (count > remaining()) {
      fail();
      return {};
    }
    const Bytes result = bytes_.subspan(offset_, count);
    offset_ += count;
    return result;
  }

  constexpr Bytes rest() { return bytes(remaining()); }

  constexpr void skip(std::size_t count) { static_cast<void>(bytes(count)); }

  constexpr std::size_t remaining() const { return bytes_.size() - offset_; }

  constexpr std::size_t offset() const { return offset_; }

  constexpr bool ok() const { return ok_; }

  /// True when everything was read and nothing was missing.
  constexpr bool finished() const { return ok_ && remaining() == 0; }

  constexpr void fail() {
    ok_ = false;
    offset_ = bytes_.size();
  }

 private:
  template <std::size_t N>
  constexpr std::uint64_t integer() {
    if (remaining() < N) {
      fail();
      return 0;
    }
    const std::uint64_t value = load_be<N>(bytes_.data() + offset_);
    offset_ += N;
    return value;
  }

  Bytes bytes_;
  std::size_t offset_ = 0;
  bool ok_ = true;
};

class Writer {
 public:
  constexpr explicit Writer(MutableBytes buffer) : buffer_(buffer) {}

  constexpr void u8(std::uint8_t v) { integer<1>(v); }

  constexpr void u16(std::uint16_t v) { integer<2>(v); }

  constexpr void u24(std::uint32_t v) { integer<3>(v); }

  constexpr void u32(std::uint32_t v) { integer<4>(v); }

  constexpr void u48(std::uint64_t v) { integer<6>(v); }

  constexpr void u64(std::uint64_t v) { integer<8>(v); }

  constexpr void varint(std::uint64_t v) {
    for (; v >= 0x80; v >>= 7U) u8(static_cast<std::uint8_t>(v | 0x80U));
    u8(static_cast<std::uint8_t>(v));
  }

  constexpr void zigzag(std::int64_t v) {
    varint((static_cast<std::uint64_t>(v) << 1U) ^ static_cast<std::uint64_t>(v >> 63));
  }

  void bytes(Bytes data) {
    const MutableBytes at = reserve(data.size());
    if (!at.empty()) std::memcpy(at.data(), data.data(), data.size());
  }

  /// Room for `count` bytes that the caller fills in; empty when the buffer is full.
  constexpr MutableBytes reserve(std::size_t count) {
    if (count > remaining()) {
      ok_ = false;
      return {};
    }
    const MutableBytes at = buffer_.subspan(offset_, count);
    offset_ += count;
    return at;
  }

  void zeros(std::size_t count) {
    const MutableBytes at = reserve(count);
    if (!at.empty()) std::memset(at.data(), 0, at.size());
  }

  constexpr std::size_t remaining() const { return ok_ ? buffer_.size() - offset_ : 0; }

  constexpr std::size_t size() const { return offset_; }

  constexpr bool ok() const { return ok_; }

  /// What was written so far.
  constexpr MutableBytes written() const { return buffer_.first(offset_); }

 private:
  template <std::size_t N>
  constexpr void integer(std::uint64_t value) {
    const MutableBytes at = reserve(N);
    if (!at.empty()) store_be<N>(at.data(), value);
  }

  MutableBytes buffer_;
  std::size_t offset_ = 0;
  bool ok_ = true;
};

}  // namespace sluice
