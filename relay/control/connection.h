// ControlConnection: one peer of the control socket, over any ByteStream: frames cut and decoded on
// the way in, a bounded outbox on the way out. What cannot be understood is answered here, with a
// Status, and the connection stays; a length that cannot be ours ends it, for there is no way back
// into step. The owner destroys it in on_closed, which never comes from inside another of its
// calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "net/callback.h"
#include "net/loop.h"
#include "net/stream.h"
#include "proto/base/time.h"
#include "proto/schema/control.h"

namespace sluice::relay {

/// Unsent bytes of one connection, behind which it is cut: a resynchronisation of 10,000 members is
/// 2 MB. Half still holds that; double feeds a reader that has stopped.
inline constexpr std::size_t kControlOutboxBytesMax = 16U << 20U;

/// Handed to the stream at a time, so that its own queue (1 MiB) never refuses.
inline constexpr std::size_t kControlFlushBytes = 256U << 10U;

/// A TLS handshake on a slow path takes three round trips and two signatures; strangers get no
/// longer.
inline constexpr Duration kControlOpenTimeout = std::chrono::seconds{5};

/// For the last answer to reach a peer that is being cut.
inline constexpr Duration kControlCloseTimeout = std::chrono::seconds{1};

class ControlConnection {
 public:
  struct Handlers {
    net::Callback<ControlConnection&> on_open;
    net::Callback<ControlConnection&, schema::Envelope&> on_message;
    net::Callback<ControlConnection&> on_closed;
  };

  ControlConnection(net::Loop& loop, std::uint64_t id, std::unique_ptr<net::ByteStream> stream,
                    const Handlers& handlers);

  void start();

  void send(schema::Kind kind, std::uint64_t id, schema::Message message,
            std::uint64_t generation = 0);
  void send_status(std::uint64_t id, schema::StatusCode code, std::string text);

  /// Sends what is queued, then ends the connection.
  void close();

  std::uint64_t id() const { return id_; }

  bool is_open() const { return open_ && !closing_; }

  /// Bytes that were answered with a Status because they were no message for us.
  std::uint64_t refused_messages() const { return refused_messages_; }

  /// What the server keeps with a peer.
  struct Role {
    std::uint64_t epoch = 0;  // 0: a tool
    std::string name;
    std::size_t requests_under_way = 0;
  };

  Role role;

 private:
  void on_stream_open();
  void on_stream_bytes(Bytes bytes);
  void on_stream_closed(net::CloseReason reason);
  void on_life_due();
  void handle_frame(Bytes frame);
  void flush();
  void cut();

  const std::uint64_t id_;
  Handlers handlers_;
  schema::FrameReader reader_;
  std::deque<std::vector<std::byte>> outbox_;
  std::size_t outbox_bytes_ = 0;
  std::uint64_t refused_messages_ = 0;
  bool open_ = false;
  bool closing_ = false;
  bool in_close_ = false;
  net::Timer flush_timer_;
  net::Timer life_timer_;  // the opening's or the closing's deadline
  std::unique_ptr<net::ByteStream> stream_;
};

}  // namespace sluice::relay
