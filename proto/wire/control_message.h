// The outside of every message on the control streams: `type u8 | length u16 | body` (P-CTRL-01).
// MessageReader cuts an ordered byte stream into messages, in whatever pieces it arrives; what is
// in them is room_message.h's and application_message.h's matter. Control plane: vectors are
// allowed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/limits.h"
#include "proto/base/result.h"

namespace sluice::wire {

inline constexpr std::size_t kMessageHeaderBytes = 1 + 2;

/// A message whose body is not decoded yet.
struct MessageView {
  std::uint8_t type = 0;
  Bytes body;
};

class MessageReader {
 public:
  /// Appends the stream's next bytes. Invalidates views given before. The caller bounds what it
  /// feeds between two drained readings by the stream's window.
  void feed(Bytes bytes);

  /// The next whole message; nothing when more bytes are needed. Error: kControlTooLarge, for good.
  std::optional<Result<MessageView>> next();

  /// Bytes of a message that has begun and is not whole.
  std::size_t pending_bytes() const { return buffer_.size() - consumed_; }

 private:
  std::vector<std::byte> buffer_;
  std::size_t consumed_ = 0;
};

}  // namespace sluice::wire
