#include "proto/wire/control_message.h"

namespace sluice::wire {

void MessageReader::feed(Bytes bytes) {
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(consumed_));
  consumed_ = 0;
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

std::optional<Result<MessageView>> MessageReader::next() {
  Reader reader(Bytes{buffer_}.subspan(consumed_));
  if (reader.remaining() < kMessageHeaderBytes) return std::nullopt;
  MessageView message;
  message.type = reader.u8();
  const std::uint16_t length = reader.u16();
  // Refused at its header: nothing of it is gathered first. Not consumed, so it is refused for
  // good.
  if (length > kControlMessageBytesMax) return Unexpected{DropReason::kControlTooLarge};
  if (reader.remaining() < length) return std::nullopt;
  message.body = reader.bytes(length);
  consumed_ += kMessageHeaderBytes + length;
  return message;
}

}  // namespace sluice::wire
