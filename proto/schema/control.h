// Bytes of the control socket: envelopes in FlatBuffers, each behind its length (u32, big-endian).
// Sans-I/O: the relay's server and the tools bring their own sockets. decode() verifies (depth,
// number of tables, every offset, on an aligned copy), then checks each value, then hands out plain
// structs; nothing of FlatBuffers is seen outside encode.cpp and decode.cpp. docs/CONTROL.md is the
// reference.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/result.h"
#include "proto/schema/messages.h"

namespace sluice::schema {

/// In front of every message: how many bytes follow.
inline constexpr std::size_t kLengthPrefixBytes = 4;

/// The framed message, ready to send. Fails when a value is outside its limits, naming it.
Result<std::vector<std::byte>, Failure> encode(const Envelope& envelope);

/// Why some bytes are no message for us. `code` is kMalformed or kUnknownMessage; `id` repeats the
/// asker's where it could be read, else it is 0.
struct DecodeError {
  StatusCode code = StatusCode::kMalformed;
  std::uint64_t id = 0;
  std::string text;
};

/// One message without its length prefix.
Result<Envelope, DecodeError> decode(Bytes message);

/// What Response, Request or Event carries, for logs and answers: "ListRooms".
std::string_view message_name(const Message& message);
std::string_view status_name(StatusCode code);
std::string_view leave_reason_name(LeaveReason reason);
std::string_view endpoint_name(EndpointKind kind);

enum class FrameState : std::uint8_t { kNeedMore, kFrame, kTooLong };

struct FrameStep {
  FrameState state = FrameState::kNeedMore;
  Bytes frame;  // of kFrame: valid until the next step
};

/// Cuts a byte stream into messages. Memory grows with what arrived, not with what was announced.
class FrameReader {
 public:
  /// Takes bytes from the front of `input` until one frame is whole or the input is used up. After
  /// kTooLong (a length of 0 or beyond kMessageBytesMax) there is no way back into step.
  FrameStep step(Bytes& input);

 private:
  std::vector<std::byte> buffer_;
  bool given_ = false;  // buffer_ holds a frame that was handed out
};

/// A tool's side of a connection: one request at a time, events skipped. The tool moves the bytes.
class Caller {
 public:
  /// The framed request.
  Result<std::vector<std::byte>, Failure> ask(Message message);

  /// Hands in bytes that arrived; the answer to the last ask() when it is among them. A Status
  /// other than ok is an answer too. Fails when the other end does not speak this protocol.
  Result<std::optional<Message>, Failure> handle_bytes(Bytes input);

  /// The relay's introduction, once it came.
  const std::optional<Hello>& hello() const { return hello_; }

 private:
  FrameReader reader_;
  std::uint64_t id_ = 0;
  std::optional<Hello> hello_;
};

}  // namespace sluice::schema
