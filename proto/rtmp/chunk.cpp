#include "proto/rtmp/chunk.h"

#include <algorithm>

#include "proto/base/check.h"

namespace sluice::rtmp {
namespace {

constexpr std::uint32_t kTimeIsExtended = 0xFFFFFF;
constexpr std::uint8_t kSetChunkSize = 1;
constexpr std::uint8_t kAbort = 2;
constexpr std::uint32_t kChunkBytesMax = 0x7FFFFFFF;
constexpr std::uint32_t kChunkStreamMax = 65599;

// Bytes of the message header by its type, and of the extended time behind it.
constexpr std::array<std::size_t, 4> kMessageHeaderBytes{11, 7, 3, 0};
constexpr std::size_t kExtendedTimeBytes = 4;

constexpr std::uint8_t kFull = 0;
constexpr std::uint8_t kNoStream = 1;
constexpr std::uint8_t kTimeOnly = 2;
constexpr std::uint8_t kNothing = 3;

constexpr std::uint8_t header_type(std::byte first) {
  return static_cast<std::uint8_t>(to_u8(first) >> 6U);
}

void append_be(std::uint64_t value, std::size_t bytes, std::vector<std::byte>& out) {
  for (std::size_t at = bytes; at-- > 0;) out.push_back(static_cast<std::byte>(value >> (8 * at)));
}

void append_basic_header(std::uint8_t type, std::uint32_t id, std::vector<std::byte>& out) {
  const unsigned high = static_cast<unsigned>(type) << 6U;
  if (id < 64) {
    append_be(high | id, 1, out);
    return;
  }
  const std::uint32_t rest = id - 64;
  append_be(high | (rest < 256 ? 0U : 1U), 1, out);
  append_be(rest & 0xFFU, 1, out);
  if (rest >= 256) append_be(rest >> 8U, 1, out);
}

}  // namespace

std::string_view chunk_fault_name(ChunkFault fault) {
  switch (fault) {
    case ChunkFault::kChunkSize:
      return "chunk_size";
    case ChunkFault::kMessageTooLong:
      return "message_too_long";
    case ChunkFault::kTooMuchUnderWay:
      return "too_much_under_way";
    case ChunkFault::kTooManyStreams:
      return "too_many_streams";
    case ChunkFault::kNoHeaderBefore:
      return "no_header_before";
    case ChunkFault::kHeaderInMessage:
      return "header_in_message";
  }
  return "unknown";
}

Result<std::optional<ChunkMessage>, ChunkFault> ChunkReader::read(Bytes& input) {
  if (fault_) return Unexpected{*fault_};
  while (true) {
    if (stage_ == Stage::kHeader) {
      if (!take_header(input)) return std::optional<ChunkMessage>{};
      if (const auto begun = begin_chunk(); !begun) {
        fault_ = begun.error();
        return Unexpected{*fault_};
      }
    }
    Stream& stream = streams_[current_];
    const std::size_t count = std::min(chunk_left_, input.size());
    const Bytes piece = input.first(count);
    stream.body.insert(stream.body.end(), piece.begin(), piece.end());
    input = input.subspan(count);
    chunk_left_ -= count;
    if (chunk_left_ > 0) return std::optional<ChunkMessage>{};
    stage_ = Stage::kHeader;
    if (stream.body.size() < stream.length) continue;
    auto ended = end_message(stream);
    if (!ended) fault_ = ended.error();
    if (!ended || *ended) return ended;
  }
}

/// True when a whole header is in header_.
bool ChunkReader::take_header(Bytes& input) {
  while (header_bytes_ < header_bytes_wanted()) {
    const std::size_t count = std::min(header_bytes_wanted() - header_bytes_, input.size());
    if (count == 0) return false;
    std::copy_n(input.begin(), count, header_.begin() + static_cast<std::ptrdiff_t>(header_bytes_));
    header_bytes_ += count;
    input = input.subspan(count);
  }
  return true;
}

std::size_t ChunkReader::basic_bytes() const {
  const unsigned low = to_u8(header_[0]) & 0x3FU;
  return low == 0 ? 2 : low == 1 ? 3 : 1;
}

/// How long the header is as far as its bytes tell; grows as they come.
std::size_t ChunkReader::header_bytes_wanted() const {
  if (header_bytes_ == 0) return 1;
  const std::size_t basic = basic_bytes();
  if (header_bytes_ < basic) return basic;
  const std::uint8_t type = header_type(header_[0]);
  const std::size_t whole = basic + kMessageHeaderBytes.at(type);
  if (header_bytes_ < whole) return whole;
  bool extended = false;
  if (type == kNothing) {
    const Stream* stream = find(header_stream());
    extended = stream != nullptr && stream->extended;
  } else {
    extended = load_be<3>(header_.data() + basic) == kTimeIsExtended;
  }
  return whole + (extended ? kExtendedTimeBytes : 0);
}

std::uint32_t ChunkReader::header_stream() const {
  switch (basic_bytes()) {
    case 2:
      return 64U + to_u8(header_[1]);
    case 3:
      return 64U + to_u8(header_[1]) + 256U * to_u8(header_[2]);
    default:
      return to_u8(header_[0]) & 0x3FU;
  }
}

const ChunkReader::Stream* ChunkReader::find(std::uint32_t id) const {
  const auto at =
      std::find_if(streams_.begin(), streams_.end(), [id](const Stream& s) { return s.id == id; });
  return at == streams_.end() ? nullptr : &*at;
}

Result<ChunkReader::Stream*, ChunkFault> ChunkReader::stream_of_header() {
  const std::uint32_t id = header_stream();
  const std::uint8_t type = header_type(header_[0]);
  const Stream* known = find(id);
  if (known == nullptr) {
    // librtmp begins its control chunk stream with type 1: nothing is missing in it but the message
    // stream, which is 0 there.
    if (type == kTimeOnly || type == kNothing) return Unexpected{ChunkFault::kNoHeaderBefore};
    if (streams_.size() >= limits_.chunk_streams_max) {
      return Unexpected{ChunkFault::kTooManyStreams};
    }
    streams_.emplace_back().id = id;
    known = &streams_.back();
  }
  if (known->partial && type != kNothing) return Unexpected{ChunkFault::kHeaderInMessage};
  current_ = static_cast<std::size_t>(known - streams_.data());
  return &streams_[current_];
}

Status<ChunkFault> ChunkReader::begin_chunk() {
  const auto stream = stream_of_header();
  if (!stream) return Unexpected{stream.error()};
  Stream& s = **stream;
  if (!s.partial) {
    read_header_fields(s);
    if (const auto begun = begin_message(s); !begun) return begun;
  }
  chunk_left_ = std::min<std::size_t>(chunk_bytes_, s.length - s.body.size());
  header_bytes_ = 0;
  stage_ = Stage::kBody;
  return Done{};
}

void ChunkReader::read_header_fields(Stream& stream) const {
  const std::uint8_t type = header_type(header_[0]);
  Reader in{Bytes{header_}.first(header_bytes_)};
  in.skip(basic_bytes());
  if (type != kNothing) {
    stream.time_field = in.u24();
    stream.extended = stream.time_field == kTimeIsExtended;
  }
  if (type <= kNoStream) {
    stream.length = in.u24();
    stream.type = in.u8();
  }
  // The one little-endian field of RTMP.
  if (type == kFull) {
    stream.message_stream = in.u8();
    for (unsigned shift = 8; shift < 32; shift += 8) {
      stream.message_stream |= static_cast<std::uint32_t>(in.u8()) << shift;
    }
  }
  if (stream.extended) stream.time_field = in.u32();
  // Behind a full header a type 3 repeats its timestamp as the delta (section 5.3.1.2.4).
  stream.timestamp_ms = type == kFull ? stream.time_field : stream.timestamp_ms + stream.time_field;
}

Status<ChunkFault> ChunkReader::begin_message(Stream& stream) {
  if (stream.length > limits_.message_bytes_max) return Unexpected{ChunkFault::kMessageTooLong};
  if (under_way_bytes_ + stream.length > limits_.under_way_bytes_max) {
    return Unexpected{ChunkFault::kTooMuchUnderWay};
  }
  under_way_bytes_ += stream.length;
  stream.partial = true;
  stream.body.clear();  // grows as bytes come, never by what a header claims
  return Done{};
}

Result<std::optional<ChunkMessage>, ChunkFault> ChunkReader::end_message(Stream& stream) {
  stream.partial = false;
  under_way_bytes_ -= stream.length;
  if (stream.type == kSetChunkSize) {
    if (const auto set = set_chunk_bytes(stream.body); !set) return Unexpected{set.error()};
    return std::optional<ChunkMessage>{};
  }
  if (stream.type == kAbort) {
    abort_message(stream.body);
    return std::optional<ChunkMessage>{};
  }
  return std::optional<ChunkMessage>{ChunkMessage{stream.id, stream.type, stream.message_stream,
                                                  stream.timestamp_ms, stream.body}};
}

Status<ChunkFault> ChunkReader::set_chunk_bytes(Bytes body) {
  Reader in{body};
  const std::uint32_t bytes = in.u32();
  if (!in.ok() || bytes == 0 || bytes > kChunkBytesMax) return Unexpected{ChunkFault::kChunkSize};
  chunk_bytes_ = bytes;
  return Done{};
}

/// One that names no message under way changes nothing, as the specification has no answer to it.
void ChunkReader::abort_message(Bytes body) {
  Reader in{body};
  const std::uint32_t id = in.u32();
  for (Stream& stream : streams_) {
    if (!in.ok() || stream.id != id || !stream.partial) continue;
    stream.partial = false;
    under_way_bytes_ -= stream.length;
  }
}

void append_message(const ChunkMessage& message, std::size_t chunk_bytes,
                    std::vector<std::byte>& out) {
  CHECK(message.chunk_stream >= 2 && message.chunk_stream <= kChunkStreamMax);
  CHECK(message.body.size() <= 0xFFFFFF && chunk_bytes > 0);
  const bool extended = message.timestamp_ms >= kTimeIsExtended;
  append_basic_header(kFull, message.chunk_stream, out);
  append_be(extended ? kTimeIsExtended : message.timestamp_ms, 3, out);
  append_be(message.body.size(), 3, out);
  append_be(message.type, 1, out);
  for (unsigned shift = 0; shift < 32; shift += 8) {
    append_be(message.message_stream >> shift & 0xFFU, 1, out);
  }
  for (Bytes left = message.body;;) {
    if (extended) append_be(message.timestamp_ms, kExtendedTimeBytes, out);
    const Bytes piece = left.first(std::min(chunk_bytes, left.size()));
    out.insert(out.end(), piece.begin(), piece.end());
    left = left.subspan(piece.size());
    if (left.empty()) return;
    append_basic_header(kNothing, message.chunk_stream, out);
  }
}

}  // namespace sluice::rtmp
