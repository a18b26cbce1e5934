// ByteStream: an ordered stream of bytes over a Unix socket, TCP or TLS, as the control socket uses
// it. Life: start() -> on_open once -> on_bytes ... -> on_closed once, after which nothing is
// called and the owner destroys the stream (also from inside on_bytes or on_closed). Destroying it
// earlier cuts the connection without a call. The write queue is bounded: a full one refuses, the
// writer decides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "net/callback.h"
#include "proto/base/bytes.h"

namespace sluice::net {

enum class WriteResult : std::uint8_t {
  kQueued,
  kFull,     // nothing of it was taken
  kNotOpen,  // not open yet, closing, or closed
};

enum class CloseReason : std::uint8_t {
  kLocal,  // close() was called and all was sent
  kPeer,   // the peer ended the stream in order
  kError,  // ByteStream::error() says which
};

struct StreamHandlers {
  Callback<> on_open;  // from inside start() for a stream that was accepted
  Callback<Bytes> on_bytes;
  Callback<CloseReason> on_closed;
};

/// Unsent bytes a stream holds: two resynchronisations of a large relay. Half may refuse one.
inline constexpr std::size_t kStreamQueueBytesMax = 1U << 20U;

class ByteStream {
 public:
  ByteStream() = default;
  virtual ~ByteStream() = default;

  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  virtual void start(const StreamHandlers& handlers) = 0;

  /// Takes all of `bytes` (copied where the kernel does not take them at once) or nothing.
  [[nodiscard]] virtual WriteResult write(Bytes bytes) = 0;

  /// Reads no more, sends what is queued, then on_closed(kLocal). A peer that never reads holds it
  /// open: the owner's deadline, and its destructor, end that.
  virtual void close() = 0;

  virtual std::size_t queued_bytes() const = 0;

  /// Why on_closed(kError), one line for a person; else empty.
  virtual const std::string& error() const = 0;
};

}  // namespace sluice::net
