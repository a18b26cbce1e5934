// RTMP chunk streams (specification 1.0, section 5.3): bytes of a connection into whole messages,
// and messages into bytes. The reader takes any cut of the byte stream, obeys Set Chunk Size and
// Abort itself, as they govern the chunks right behind them, and holds no more memory than
// ChunkLimits allow. The writer has no state: each message begins with a full header (type 0), so
// that the bytes of one message are the same for every connection with the same chunk size and
// message stream, and can be shared.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/result.h"

namespace sluice::rtmp {

/// Why a byte stream is no RTMP chunk stream; the connection ends, as nothing behind can be read.
enum class ChunkFault : std::uint8_t {
  kChunkSize,        // a chunk size of 0 or above 2^31 - 1, or a Set Chunk Size cut short
  kMessageTooLong,   // one message beyond the limit
  kTooMuchUnderWay,  // the messages begun and not ended are beyond the limit together
  kTooManyStreams,   // more chunk streams than the limit
  kNoHeaderBefore,   // a short header in a chunk stream that had no full one
  kHeaderInMessage,  // a new header before the message of its chunk stream was whole
};

/// Stable snake_case name.
std::string_view chunk_fault_name(ChunkFault fault);

struct ChunkMessage {
  std::uint32_t chunk_stream = 0;
  std::uint8_t type = 0;
  std::uint32_t message_stream = 0;
  std::uint32_t timestamp_ms = 0;  // wraps at 2^32, 49.7 days
  Bytes body;                      // valid until the next read
};

/// Chunk size of both directions until a Set Chunk Size (section 5.4.1).
inline constexpr std::size_t kChunkBytesDefault = 128;

/// What a reader holds at most. The defaults are for a pusher of media.
struct ChunkLimits {
  /// A key frame of 100 Mbit/s video is 2 MiB; half would refuse some, double only costs memory.
  std::size_t message_bytes_max = std::size_t{4} << 20U;

  /// Two of the longest at a time: a key frame with audio and commands between its chunks.
  std::size_t under_way_bytes_max = std::size_t{8} << 20U;

  /// Clients use up to eight; each costs its longest message. Half would be near real use.
  std::size_t chunk_streams_max = 32;
};

class ChunkReader {
 public:
  explicit ChunkReader(ChunkLimits limits = {}) : limits_(limits) {}

  /// Takes bytes from the front of `input` until a message is whole, or all are taken: then there
  /// is none. After a fault every later call gives the same one. Cost: one copy of each body.
  Result<std::optional<ChunkMessage>, ChunkFault> read(Bytes& input);

  std::size_t chunk_bytes() const { return chunk_bytes_; }

 private:
  struct Stream {
    std::uint32_t id = 0;
    bool extended = false;  // the last header's time was in the extended field
    bool partial = false;   // a message is under way
    std::uint8_t type = 0;
    std::uint32_t message_stream = 0;
    std::uint32_t timestamp_ms = 0;
    std::uint32_t time_field = 0;  // what a header of type 3 repeats: a delta, or a first timestamp
    std::uint32_t length = 0;
    std::vector<std::byte> body;
  };

  enum class Stage : std::uint8_t { kHeader, kBody };

  bool take_header(Bytes& input);
  std::size_t header_bytes_wanted() const;
  std::uint32_t header_stream() const;
  std::size_t basic_bytes() const;
  const Stream* find(std::uint32_t id) const;
  Status<ChunkFault> begin_chunk();
  Result<Stream*, ChunkFault> stream_of_header();
  void read_header_fields(Stream& stream) const;
  Status<ChunkFault> begin_message(Stream& stream);
  Result<std::optional<ChunkMessage>, ChunkFault> end_message(Stream& stream);
  Status<ChunkFault> set_chunk_bytes(Bytes body);
  void abort_message(Bytes body);

  ChunkLimits limits_;
  std::size_t chunk_bytes_ = kChunkBytesDefault;
  std::vector<Stream> streams_;
  std::size_t under_way_bytes_ = 0;  // lengths of the messages begun and not ended
  Stage stage_ = Stage::kHeader;
  std::array<std::byte, 3 + 11 + 4> header_{};
  std::size_t header_bytes_ = 0;
  std::size_t current_ = 0;     // of streams_, in stage kBody
  std::size_t chunk_left_ = 0;  // body bytes of this chunk still to come
  std::optional<ChunkFault> fault_;
};

/// Appends the chunks of `message` to `out`: one header of type 0, then headers of type 3. The
/// chunk stream is 2..65599, the body at most 2^24 - 1 bytes, and `chunk_bytes` at least 1: all our
/// own.
void append_message(const ChunkMessage& message, std::size_t chunk_bytes,
                    std::vector<std::byte>& out);

}  // namespace sluice::rtmp
