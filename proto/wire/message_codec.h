// How control messages are coded: an Encoder and a Decoder with the same calls, so that each
// message lists its fields once and both directions follow. Only *_message.cpp include it. After
// the first failure every call is without effect, and status() tells what it was.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/limits.h"
#include "proto/base/name.h"
#include "proto/base/result.h"
#include "proto/wire/control_message.h"

namespace sluice::wire {

class Encoder {
 public:
  template <class T>
  using Of = const T;

  /// Appends to `out`, which grows by the longest message at once and is cut by finish().
  Encoder(std::uint8_t type, std::vector<std::byte>& out)
      : out_(out), start_(out.size()), writer_({}) {
    out_.resize(start_ + kMessageHeaderBytes + kControlMessageBytesMax);
    writer_ = Writer(MutableBytes{out_}.subspan(start_));
    writer_.u8(type);
    writer_.u16(0);
  }

  template <class T>
  void u8(const T& value) {
    writer_.u8(static_cast<std::uint8_t>(value));
  }

  template <class T>
  void u16(const T& value) {
    writer_.u16(static_cast<std::uint16_t>(value));
  }

  template <class T>
  void u32(const T& value) {
    writer_.u32(static_cast<std::uint32_t>(value));
  }

  void u64(std::uint64_t value) { writer_.u64(value); }

  template <class E>
  void choice(const E& value, E /*first*/, E /*last*/) {
    u8(value);
  }

  /// Up to eight booleans as the low bits of a byte, the first lowest.
  template <class... Bools>
  void bits(const Bools&... flags) {
    unsigned value = 0, bit = 0;
    ((value |= (flags ? 1U : 0U) << bit++), ...);
    u8(value);
  }

  template <std::size_t N>
  void name(const Name<N>& value) {
    if (value.empty()) return fail();
    text8(value.view());
  }

  template <std::size_t N>
  void name_or_empty(const Name<N>& value) {
    text8(value.view());
  }

  void text8(std::string_view text) {
    if (text.size() > 0xFF) return fail();
    u8(text.size());
    writer_.bytes(as_bytes(text));
  }

  void bytes16(const std::vector<std::byte>& bytes, std::size_t bytes_max) {
    if (bytes.size() > bytes_max || bytes.size() > 0xFFFF) return fail();
    u16(bytes.size());
    writer_.bytes(bytes);
  }

  template <std::size_t N>
  void array(const std::array<std::byte, N>& bytes) {
    writer_.bytes(bytes);
  }

  void rest(const std::vector<std::byte>& bytes) { writer_.bytes(bytes); }

  void rest(std::string_view text) { writer_.bytes(as_bytes(text)); }

  template <class T, class EachField>
  void list8(const std::vector<T>& items, EachField&& each) {
    if (items.size() > 0xFF) return fail();
    u8(items.size());
    for (const T& item : items) each(item);
  }

  template <class T, class EachField>
  void list_to_end(const std::vector<T>& items, EachField&& each) {
    for (const T& item : items) each(item);
  }

  /// Sets the length, or puts `out` back as it was.
  Status<> finish() {
    const bool fits = writer_.ok();
    out_.resize(start_ + (fits && !failed_ ? writer_.size() : 0));
    if (failed_) return Unexpected{DropReason::kMalformed};
    if (!fits) return Unexpected{DropReason::kControlTooLarge};
    store_be<2>(&out_[start_ + 1], writer_.size() - kMessageHeaderBytes);
    return Done{};
  }

  void fail() { failed_ = true; }

 private:
  std::vector<std::byte>& out_;
  std::size_t start_;
  Writer writer_;
  bool failed_ = false;
};

class Decoder {
 public:
  template <class T>
  using Of = T;

  explicit Decoder(Bytes body) : reader_(body) {}

  template <class T>
  void u8(T& value) {
    value = T{reader_.u8()};
  }

  template <class T>
  void u16(T& value) {
    value = T{reader_.u16()};
  }

  template <class T>
  void u32(T& value) {
    value = T{reader_.u32()};
  }

  void u64(std::uint64_t& value) { value = reader_.u64(); }

  template <class E>
  void choice(E& value, E first, E last) {
    const std::uint8_t raw = reader_.u8();
    if (raw < static_cast<std::uint8_t>(first) || raw > static_cast<std::uint8_t>(last))
      return fail();
    value = E{raw};
  }

  template <class... Bools>
  void bits(Bools&... flags) {
    const unsigned value = reader_.u8();
    if (value >> sizeof...(flags) != 0) return fail();
    unsigned bit = 0;
    ((flags = (value >> bit++ & 1U) != 0), ...);
  }

  template <std::size_t N>
  void name(Name<N>& value) {
    const std::optional<Name<N>> parsed = Name<N>::parse(as_text(reader_.bytes(reader_.u8())));
    if (!parsed) return fail();
    value = *parsed;
  }

  template <std::size_t N>
  void name_or_empty(Name<N>& value) {
    const Bytes text = reader_.bytes(reader_.u8());
    if (text.empty()) return;
    const std::optional<Name<N>> parsed = Name<N>::parse(as_text(text));
    if (!parsed) return fail();
    value = *parsed;
  }

  void text8(std::string& text) { text = as_text(reader_.bytes(reader_.u8())); }

  void bytes16(std::vector<std::byte>& bytes, std::size_t bytes_max) {
    const std::size_t count = reader_.u16();
    if (count > bytes_max) return fail();
    assign(bytes, reader_.bytes(count));
  }

  template <std::size_t N>
  void array(std::array<std::byte, N>& bytes) {
    const Bytes read = reader_.bytes(N);
    if (read.size() == N) std::copy(read.begin(), read.end(), bytes.begin());
  }

  void rest(std::vector<std::byte>& bytes) { assign(bytes, reader_.rest()); }

  void rest(std::string& text) { text = as_text(reader_.rest()); }

  template <class T, class EachField>
  void list8(std::vector<T>& items, EachField&& each) {
    const std::uint8_t count = reader_.u8();
    for (std::uint8_t i = 0; i < count && reader_.ok(); ++i) each(items.emplace_back());
  }

  template <class T, class EachField>
  void list_to_end(std::vector<T>& items, EachField&& each) {
    while (reader_.ok() && reader_.remaining() > 0) each(items.emplace_back());
  }

  void fail() { reader_.fail(); }

  /// Whether all was read, and nothing was missing or left over.
  bool finished() const { return reader_.finished(); }

 private:
  static void assign(std::vector<std::byte>& to, Bytes from) {
    to.assign(from.begin(), from.end());
  }

  Reader reader_;
};

/// `fields` lists the fields of each message of the variant `Message`, whose order is that of the
/// messages' numbers.
template <class Message, class Fields>
Status<> encode_message(const Message& message, std::vector<std::byte>& out, Fields&& fields) {
  return std::visit(
      [&](const auto& m) -> Status<> {
        if constexpr (std::is_same_v<decltype(m), const UnknownMessage&>) {
          return Unexpected{DropReason::kMalformed};
        } else {
          Encoder encoder(static_cast<std::uint8_t>(message.index() + 1), out);
          fields(encoder, m);
          return encoder.finish();
        }
      },
      message);
}

/// The alternative of `Message` whose number is the message's type.
template <class Message, std::size_t Index = 0, class Fields>
Result<Message> decode_message(const MessageView& message, Fields&& fields) {
  using M = std::variant_alternative_t<Index, Message>;
  if constexpr (std::is_same_v<M, UnknownMessage>) {
    return Message{UnknownMessage{message.type}};
  } else {
    if (message.type != Index + 1) return decode_message<Message, Index + 1>(message, fields);
    Decoder decoder(message.body);
    M decoded;
    fields(decoder, decoded);
    if (!decoder.finished()) return Unexpected{DropReason::kMalformed};
    return Message{std::move(decoded)};
  }
}

}  // namespace sluice::wire
