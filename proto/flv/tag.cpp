#include "proto/flv/tag.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "proto/base/check.h"

namespace sluice::flv {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kAudioFlag = 4;
constexpr std::uint8_t kVideoFlag = 1;
constexpr std::uint8_t kEncryptedBit = 0x20;

constexpr std::uint8_t kAmf0Number = 0;
constexpr std::uint8_t kAmf0String = 2;
constexpr std::uint8_t kAmf0EcmaArray = 8;
constexpr std::uint8_t kAmf0ObjectEnd = 9;

std::string at(std::uint64_t offset) { return "offset " + std::to_string(offset); }

std::string hex(Bytes bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::byte b : bytes) {
    if (!text.empty()) text += ' ';
    text += kDigits[to_u8(b) >> 4U];
    text += kDigits[to_u8(b) & 0xFU];
  }
  return text;
}

std::string wrong_type(std::uint8_t found) {
  const unsigned plain = found & (0xFFU ^ kEncryptedBit);
  if (rtmp_type_from(static_cast<std::uint8_t>(plain)))
    return "it is encrypted, which is not carried";
  return "expected type 8, 9 or 18, found " + std::to_string(found);
}

void append(std::vector<std::byte>& out, Bytes bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

template <std::size_t N>
void append_be(std::vector<std::byte>& out, std::uint64_t value) {
  std::array<std::byte, N> bytes;
  store_be<N>(bytes.data(), value);
  append(out, bytes);
}

void append_name(std::vector<std::byte>& out, std::string_view name) {
  CHECK(name.size() <= 0xFFFF);
  append_be<2>(out, name.size());
  append(out, as_bytes(name));
}

}  // namespace

void TagReader::feed(Bytes bytes) {
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(consumed_));
  base_ += consumed_;
  consumed_ = 0;
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

std::optional<Result<Tag, ReadError>> TagReader::next() {
  if (state_ == State::kFileHeader && take_file_header()) state_ = State::kFirstSize;
  if (state_ == State::kFirstSize && take_first_size()) state_ = State::kTag;
  if (state_ == State::kTag) {
    if (const std::optional<Tag> tag = take_tag()) return Result<Tag, ReadError>{*tag};
  }
  if (state_ == State::kFailed) return Result<Tag, ReadError>{Unexpected{error_}};
  return std::nullopt;
}

Status<ReadError> TagReader::end() const {
  if (state_ == State::kFailed) return Unexpected{error_};
  const std::uint64_t length = position() + unread().size();
  const auto truncated = [length](const std::string& where) -> Status<ReadError> {
    return Unexpected{ReadError{ReadError::Reason::kTruncated, length,
                                "the input ends at " + at(length) + ", " + where}};
  };
  switch (state_) {
    case State::kFileHeader:
      if (length < 3) {
        return Unexpected{ReadError{
            ReadError::Reason::kNotFlv, 0,
            "no FLV header at offset 0: the input has " + std::to_string(length) + " bytes"}};
      }
      return truncated("inside the FLV header");
    case State::kFirstSize:
      return truncated("right behind the FLV header");
    case State::kTag:
      if (unread().empty()) return Done{};
      return truncated("inside the tag at " + at(position()));
    case State::kFailed:
      break;
  }
  return Unexpected{error_};
}

bool TagReader::take_file_header() {
  const Bytes bytes = unread();
  if (bytes.size() < 3) return false;
  if (as_text(bytes.first(3)) != "FLV") {
    fail(ReadError::Reason::kNotFlv, 0,
         "no FLV header at offset 0: expected 46 4c 56, found " + hex(bytes.first(3)));
    return false;
  }
  if (bytes.size() < kFileHeaderBytes) return false;
  Reader reader(bytes.subspan(3));
  const std::uint8_t version = reader.u8();
  const std::uint8_t flags = reader.u8();
  const std::uint32_t header_bytes = reader.u32();
  if (version != kVersion) {
    fail(ReadError::Reason::kNotFlv, 3,
         "FLV header at offset 3: expected version 1, found " + std::to_string(version));
    return false;
  }
  if (header_bytes < kFileHeaderBytes || header_bytes > kFileHeaderBytesMax) {
    fail(ReadError::Reason::kNotFlv, 5,
         "FLV header at offset 5: expected a header size of 9, found " +
             std::to_string(header_bytes));
    return false;
  }
  if (bytes.size() < header_bytes) return false;
  header_flags_ = flags;
  consumed_ += header_bytes;
  return true;
}

bool TagReader::take_first_size() {
  const Bytes bytes = unread();
  if (bytes.size() < kPreviousTagSizeBytes) return false;
  const std::uint32_t size = Reader(bytes).u32();
  if (size != 0) {
    fail(ReadError::Reason::kBadTag, position(),
         "expected size 0 of the tag before the first at " + at(position()) + ", found " +
             std::to_string(size));
    return false;
  }
  consumed_ += kPreviousTagSizeBytes;
  return true;
}

std::optional<Tag> TagReader::take_tag() {
  const Bytes bytes = unread();
  if (bytes.size() < kTagHeaderBytes) return std::nullopt;
  Reader reader(bytes);
  const std::uint8_t type_byte = reader.u8();
  const std::optional<RtmpType> type = rtmp_type_from(type_byte);
  const std::uint32_t body_bytes = reader.u24();
  if (!type) return fail_tag(position(), wrong_type(type_byte));
  if (body_bytes > kMediaFrameBytesMax) {
    return fail_tag(position(), "a body of " + std::to_string(body_bytes) +
                                    " bytes, the largest carried is " +
                                    std::to_string(kMediaFrameBytesMax));
  }
  Tag tag;
  tag.type = *type;
  tag.offset = position();
  const std::uint32_t low = reader.u24();
  tag.timestamp_ms = static_cast<std::uint32_t>(reader.u8()) << 24U | low;
  reader.skip(3);  // stream id: always 0, and of no use when it is not
  if (reader.remaining() < body_bytes + kPreviousTagSizeBytes) return std::nullopt;
  tag.body = reader.bytes(body_bytes);
  const std::size_t expected = kTagHeaderBytes + body_bytes;
  const std::uint32_t found = reader.u32();
  if (found != expected) {
    const std::uint64_t size_offset = position() + expected;
    return fail_tag(size_offset, "expected its size " + std::to_string(expected) +
                                     " behind it at " + at(size_offset) + ", found " +
                                     std::to_string(found));
  }
  consumed_ += reader.offset();
  return tag;
}

std::nullopt_t TagReader::fail_tag(std::uint64_t offset, const std::string& what) {
  fail(ReadError::Reason::kBadTag, offset, "tag at " + at(position()) + ": " + what);
  return std::nullopt;
}

void TagReader::fail(ReadError::Reason reason, std::uint64_t offset, std::string message) {
  state_ = State::kFailed;
  error_ = {reason, offset, std::move(message)};
}

std::array<std::byte, kFileHeaderBytes + kPreviousTagSizeBytes> file_header(bool audio,
                                                                            bool video) {
  std::array<std::byte, kFileHeaderBytes + kPreviousTagSizeBytes> out;
  Writer writer(out);
  writer.bytes(as_bytes("FLV"));
  writer.u8(kVersion);
  writer.u8(static_cast<std::uint8_t>((audio ? kAudioFlag : 0U) | (video ? kVideoFlag : 0U)));
  writer.u32(kFileHeaderBytes);
  writer.u32(0);
  return out;
}

std::array<std::byte, kTagHeaderBytes> tag_header(RtmpType type, std::uint32_t timestamp_ms,
                                                  std::size_t body_bytes) {
  CHECK(body_bytes < 1U << 24U);
  std::array<std::byte, kTagHeaderBytes> out;
  Writer writer(out);
  writer.u8(static_cast<std::uint8_t>(type));
  writer.u24(static_cast<std::uint32_t>(body_bytes));
  writer.u24(timestamp_ms & 0xFFFFFFU);
  writer.u8(static_cast<std::uint8_t>(timestamp_ms >> 24U));
  writer.u24(0);
  return out;
}

std::array<std::byte, kPreviousTagSizeBytes> tag_trailer(std::size_t body_bytes) {
  std::array<std::byte, kPreviousTagSizeBytes> out;
  store_be<kPreviousTagSizeBytes>(out.data(), kTagHeaderBytes + body_bytes);
  return out;
}

void append_tag(RtmpType type, std::uint32_t timestamp_ms, Bytes body,
                std::vector<std::byte>& out) {
  append(out, tag_header(type, timestamp_ms, body.size()));
  append(out, body);
  append(out, tag_trailer(body.size()));
}

void append_metadata_body(std::span<const MetadataNumber> numbers, std::vector<std::byte>& out) {
  append_be<1>(out, kAmf0String);
  append_name(out, "onMetaData");
  append_be<1>(out, kAmf0EcmaArray);
  append_be<4>(out, numbers.size());
  for (const MetadataNumber& number : numbers) {
    append_name(out, number.name);
    append_be<1>(out, kAmf0Number);
    append_be<8>(out, std::bit_cast<std::uint64_t>(number.value));
  }
  append_name(out, "");
  append_be<1>(out, kAmf0ObjectEnd);
}

}  // namespace sluice::flv
