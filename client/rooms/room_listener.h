// RoomListener: hears on a loop what happens in a room, as docs/API.md has its events. Where the
// connection is lost it comes back and goes on behind the last event, so that none is heard twice
// and a gap is told.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "client/error.h"
#include "client/rooms/event_stream.h"
#include "client/rooms/room_session.h"
#include "net/callback.h"
#include "net/loop.h"
#include "net/stream.h"
#include "proto/base/name.h"

namespace sluice::client {

class RoomListener {
 public:
  struct Handlers {
    /// It hears everything from here on; again after a loss.
    net::Callback<> on_open;
    /// An event, as JSON text.
    net::Callback<const std::string&> on_event;
    /// The service ended it for good: kOk with its reason (dissolved, left, timeout, kicked,
    /// banned), or why it was refused. Nothing follows.
    net::Callback<const Error&> on_end;
  };

  /// `url` outlives it.
  RoomListener(net::Loop& loop, const RoomUrl& url, const Handlers& handlers);

  /// Of whom `token` is must be in the room, or moderate it.
  void listen(const RoomName& room, const std::string& token);

 private:
  void connect();
  void handle_open();
  void handle_bytes(Bytes bytes);
  void handle_closed(net::CloseReason reason);
  void take_end();
  void lose();

  /// A service that was restarted is back long before; half of it asks twice as often.
  static constexpr Duration kAgainIn = std::chrono::milliseconds{500};

  /// From dialling to the first byte.
  static constexpr Duration kOpenWithin = std::chrono::seconds{5};
  /// The service pings each 25 s: of a connection that died without a word nothing else tells.
  static constexpr Duration kSilenceMax = std::chrono::seconds{60};

  net::Loop& loop_;
  const RoomUrl& url_;
  Handlers handlers_;
  std::string path_, token_;
  std::uint64_t last_seq_ = 0;  // 0: none heard yet
  EventStream stream_;
  std::unique_ptr<net::ByteStream> connection_;
  net::Timer again_, silence_;
};

}  // namespace sluice::client
