// UvStream<T>: ByteStream over a libuv stream handle (uv_tcp_t, uv_pipe_t). Writes go to the kernel
// at once; what it does not take is copied into a request and counted against kStreamQueueBytesMax.
#pragma once

#include <uv.h>

#include <cstddef>
#include <string>

#include "net/loop.h"
#include "net/stream.h"
#include "net/uv_handle.h"

namespace sluice::net {

template <class T>
class UvStream : public ByteStream {
 public:
  void start(const StreamHandlers& handlers) override;
  [[nodiscard]] WriteResult write(Bytes bytes) override;
  void close() override;

  std::size_t queued_bytes() const override { return queued_bytes_; }

  const std::string& error() const override { return error_; }

 protected:
  explicit UvStream(Loop& loop) : loop_(loop), handle_(this) {}

  /// True when the stream is open already; else opened() or failed() is called later.
  virtual bool begin() { return true; }

  void opened();
  /// The last thing a caller does with `this`: on_closed may destroy it.
  void failed(int uv_error);

  Loop& loop_;
  UvHandle<T> handle_;

 private:
  enum class State : std::uint8_t { kIdle, kOpening, kOpen, kClosing, kClosed };

  static void handle_alloc(uv_handle_t* handle, std::size_t suggested, uv_buf_t* buffer);
  static void handle_read(uv_stream_t* stream, ssize_t bytes, const uv_buf_t* buffer);
  static void handle_written(uv_write_t* raw, int status);
  static void handle_shutdown(uv_shutdown_t* raw, int status);

  void read_done(ssize_t bytes);
  void finish(CloseReason reason);
  bool queue_rest(Bytes rest);

  StreamHandlers handlers_;
  State state_ = State::kIdle;
  std::size_t queued_bytes_ = 0;
  std::string error_;
};

extern template class UvStream<uv_tcp_t>;
extern template class UvStream<uv_pipe_t>;

}  // namespace sluice::net
