// sluice://HOST[:PORT]/ROOM/NAME: where a stream is pushed to or pulled from. HOST is a name, an
// IPv4 address or an IPv6 address in brackets; without PORT the credentials' address tells it.
// Called by the command line and by whoever uses libsluice with text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "client/error.h"
#include "proto/base/name.h"

namespace sluice::client {

struct StreamUrl {
  std::string host;        // without brackets
  std::uint16_t port = 0;  // 0: not given
  RoomName room;
  StreamName stream;
};

/// The error (kBadInput) quotes the text and says what is expected.
Result<StreamUrl, Error> parse_url(std::string_view text);

}  // namespace sluice::client
