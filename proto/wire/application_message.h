// Messages of the application control stream (P-CTRL-07): what members say to each other through
// the relay, which reads only the two names. Coding is as strict as the room messages'.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/name.h"
#include "proto/base/result.h"
#include "proto/wire/control_message.h"
#include "proto/wire/room_message.h"

namespace sluice::wire {

struct TextMessage {
  UserName to{};    // empty: all
  UserName from{};  // set by the relay; empty from a client
  std::string text{};

  bool operator==(const TextMessage&) const = default;
};

struct BytesMessage {
  UserName to{};
  UserName from{};
  std::vector<std::byte> bytes{};

  bool operator==(const BytesMessage&) const = default;
};

using ApplicationMessage = std::variant<TextMessage, BytesMessage, UnknownMessage>;

/// As encode_room_message().
Status<> encode_application_message(const ApplicationMessage& message, std::vector<std::byte>& out);

/// Error: kMalformed.
Result<ApplicationMessage> decode_application_message(const MessageView& message);

}  // namespace sluice::wire
