// Control streams: cutting bytes into messages in two kinds of pieces, and decoding each as a room
// and as an application message. What decodes must encode to the same bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "proto/base/check.h"
#include "proto/wire/application_message.h"
#include "proto/wire/room_message.h"

namespace sluice::wire {
namespace {

void check_coding(const std::vector<std::byte>& encoded, const MessageView& message) {
  CHECK(encoded.size() == kMessageHeaderBytes + message.body.size());
  CHECK(to_u8(encoded[0]) == message.type);
  CHECK(
      std::equal(message.body.begin(), message.body.end(), encoded.begin() + kMessageHeaderBytes));
}

void check_message(const MessageView& message) {
  std::vector<std::byte> encoded;
  const Result<RoomMessage> room = decode_room_message(message);
  if (room && !std::holds_alternative<UnknownMessage>(*room)) {
    CHECK(encode_room_message(*room, encoded).has_value());
    check_coding(encoded, message);
  }
  encoded.clear();
  const Result<ApplicationMessage> application = decode_application_message(message);
  if (application && !std::holds_alternative<UnknownMessage>(*application)) {
    CHECK(encode_application_message(*application, encoded).has_value());
    check_coding(encoded, message);
  }
}

/// Messages found when the input comes `step` bytes at a time.
std::size_t count_messages(Bytes input, std::size_t step) {
  MessageReader reader;
  std::size_t messages = 0;
  while (!input.empty()) {
    const Bytes piece = input.first(std::min(step, input.size()));
    input = input.subspan(piece.size());
    reader.feed(piece);
    while (const auto message = reader.next()) {
      if (!*message) return messages;
      ++messages;
      if (step > 1) check_message(**message);
    }
  }
  return messages;
}

}  // namespace
}  // namespace sluice::wire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 16384) return 0;
  const sluice::Bytes input = std::as_bytes(std::span{data, size});
  CHECK(sluice::wire::count_messages(input, size + 2) == sluice::wire::count_messages(input, 1));
  return 0;
}
