#include "client/stream_metadata.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace sluice::client {
namespace {

// AMF0 markers.
constexpr std::uint8_t kNumber = 0;
constexpr std::uint8_t kBoolean = 1;
constexpr std::uint8_t kString = 2;
constexpr std::uint8_t kObject = 3;
constexpr std::uint8_t kNull = 5;
constexpr std::uint8_t kUndefined = 6;
constexpr std::uint8_t kEcmaArray = 8;
constexpr std::uint8_t kObjectEnd = 9;
constexpr std::uint8_t kStrictArray = 10;
constexpr std::uint8_t kDate = 11;
constexpr std::uint8_t kLongString = 12;

/// Deeper than any tool writes (an index is an object of arrays); more is made to hurt.
constexpr int kDepthMax = 4;

/// What is true of a file alone.
constexpr std::array<std::string_view, 14> kOfTheFile{
    "duration",  "filesize",     "fileSize",  "lasttimestamp",
    "videosize", "audiosize",    "datasize",  "lastkeyframetimestamp",
    "keyframes", "canSeekToEnd", "starttime", "lastkeyframelocation",
    "cuePoints", "totalframes"};

std::string_view read_name(Reader& reader) { return as_text(reader.bytes(reader.u16())); }

void skip_value(Reader& reader, std::uint8_t marker, int depth);

void skip_properties(Reader& reader, int depth) {
  while (reader.ok()) {
    const std::string_view name = read_name(reader);
    const std::uint8_t marker = reader.u8();
    if (name.empty() && marker == kObjectEnd) return;
    skip_value(reader, marker, depth + 1);
  }
}

/// A value that is none of this stream's; makes the reader fail when it cannot be told how long it
/// is.
void skip_value(Reader& reader, std::uint8_t marker, int depth) {
  const auto fail = [&] { static_cast<void>(reader.bytes(reader.remaining() + 1)); };
  if (depth > kDepthMax) return fail();
  switch (marker) {
    case kNumber:
      reader.u64();
      return;
    case kBoolean:
      reader.u8();
      return;
    case kString:
      read_name(reader);
      return;
    case kEcmaArray:
      reader.u32();
      return skip_properties(reader, depth);
    case kObject:
      return skip_properties(reader, depth);
    case kStrictArray:
      for (std::uint32_t left = reader.u32(); left > 0 && reader.ok(); --left) {
        skip_value(reader, reader.u8(), depth + 1);
      }
      return;
    case kDate:
      reader.bytes(10);
      return;
    case kLongString:
      reader.bytes(reader.u32());
      return;
    case kNull:
    case kUndefined:
      return;
    default:
      return fail();
  }
}

bool is_scalar(std::uint8_t marker) {
  return marker == kNumber || marker == kBoolean || marker == kString;
}

bool is_of_the_file(std::string_view name) {
  return std::find(kOfTheFile.begin(), kOfTheFile.end(), name) != kOfTheFile.end();
}

void append(std::vector<std::byte>& out, Bytes bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void append_number(std::vector<std::byte>& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<std::byte>(value >> static_cast<unsigned>(shift) & 0xFFU));
  }
}

/// The first property: behind the event's name, and behind @setDataFrame where that stands.
bool read_to_properties(Reader& reader) {
  if (reader.u8() != kString) return false;
  std::string_view event = read_name(reader);
  if (event == "@setDataFrame") {
    if (reader.u8() != kString) return false;
    event = read_name(reader);
  }
  if (event != "onMetaData") return false;
  const std::uint8_t marker = reader.u8();
  if (marker == kEcmaArray) reader.u32();  // a hint of how many, often wrong
  return reader.ok() && (marker == kEcmaArray || marker == kObject);
}

}  // namespace

std::vector<std::byte> stream_metadata(Bytes body) {
  constexpr std::string_view kEvent = "onMetaData";
  constexpr std::size_t kFrame = 1 + 2 + kEvent.size() + 1 + 4 + 3;  // what stands around
  Reader reader(body);
  if (!read_to_properties(reader)) return {};
  std::vector<std::byte> properties;
  std::uint32_t count = 0;
  for (;;) {
    const std::size_t begin = body.size() - reader.remaining();
    const std::string_view name = read_name(reader);
    const std::uint8_t marker = reader.u8();
    if (!reader.ok() || (name.empty() && marker == kObjectEnd)) break;
    skip_value(reader, marker, 0);
    if (!reader.ok()) break;
    if (!is_scalar(marker) || name.empty() || is_of_the_file(name)) continue;
    const Bytes property = body.subspan(begin, body.size() - reader.remaining() - begin);
    if (kFrame + properties.size() + property.size() > kStreamMetadataBytesMax) continue;
    append(properties, property);
    ++count;
  }
  if (count == 0) return {};
  std::vector<std::byte> out{std::byte{kString}};
  append_number(out, kEvent.size(), 2);
  append(out, as_bytes(kEvent));
  out.push_back(std::byte{kEcmaArray});
  append_number(out, count, 4);
  append(out, properties);
  append_number(out, 0, 2);
  out.push_back(std::byte{kObjectEnd});
  return out;
}

}  // namespace sluice::client
