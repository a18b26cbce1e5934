#include "net/uv_stream.h"

#include <memory>
#include <vector>

#include "proto/base/check.h"

namespace sluice::net {

namespace {

/// Lives until libuv answers, also when the stream is gone by then.
struct WriteRequest {
  uv_write_t raw{};
  std::vector<std::byte> bytes;
};

/// uv_buf_t has no const variant; libuv only reads what it writes.
uv_buf_t buffer_of(Bytes bytes) {
  return uv_buf_init(const_cast<char*>(as_text(bytes).data()), static_cast<unsigned>(bytes.size()));
}

}  // namespace

template <class T>
void UvStream<T>::start(const StreamHandlers& handlers) {
  CHECK(state_ == State::kIdle);
  handlers_ = handlers;
  state_ = State::kOpening;
  if (begin()) opened();
}

template <class T>
void UvStream<T>::opened() {
  state_ = State::kOpen;
  if (const int error = uv_read_start(handle_.stream(), handle_alloc, handle_read); error != 0) {
    return failed(error);
  }
  const auto on_open = handlers_.on_open;  // the stream may die in it
  on_open();
}

template <class T>
WriteResult UvStream<T>::write(Bytes bytes) {
  if (state_ != State::kOpen) return WriteResult::kNotOpen;
  if (bytes.size() > kStreamQueueBytesMax - queued_bytes_) return WriteResult::kFull;
  if (queued_bytes_ == 0) {
    const uv_buf_t buffer = buffer_of(bytes);
    const int sent = uv_try_write(handle_.stream(), &buffer, 1);
    // A broken connection is told by the read side, outside of this call.
    if (sent < 0 && sent != UV_EAGAIN) return WriteResult::kNotOpen;
    if (sent > 0) bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return bytes.empty() || queue_rest(bytes) ? WriteResult::kQueued : WriteResult::kNotOpen;
}

template <class T>
bool UvStream<T>::queue_rest(Bytes rest) {
  auto request = std::make_unique<WriteRequest>();
  request->raw.data = request.get();
  request->bytes.assign(rest.begin(), rest.end());
  const uv_buf_t buffer = buffer_of(request->bytes);
  if (uv_write(&request->raw, handle_.stream(), &buffer, 1, handle_written) != 0) return false;
  queued_bytes_ += request.release()->bytes.size();
  return true;
}

template <class T>
void UvStream<T>::handle_written(uv_write_t* raw, int status) {
  const std::unique_ptr<WriteRequest> request{static_cast<WriteRequest*>(raw->data)};
  auto* self = static_cast<UvStream*>(raw->handle->data);
  if (self == nullptr) return;
  self->queued_bytes_ -= request->bytes.size();
  if (status < 0) self->failed(status);
}

template <class T>
void UvStream<T>::close() {
  if (state_ == State::kClosing || state_ == State::kClosed) return;
  if (state_ != State::kOpen) return finish(CloseReason::kLocal);
  state_ = State::kClosing;
  auto request = std::make_unique<uv_shutdown_t>();
  if (uv_shutdown(request.get(), handle_.stream(), handle_shutdown) != 0) {
    return finish(CloseReason::kLocal);
  }
  static_cast<void>(request.release());  // handle_shutdown takes it back
}

template <class T>
void UvStream<T>::handle_shutdown(uv_shutdown_t* raw, int /*status*/) {
  const std::unique_ptr<uv_shutdown_t> request{raw};
  // A peer that went away before it read everything is closed all the same.
  if (auto* self = static_cast<UvStream*>(raw->handle->data)) self->finish(CloseReason::kLocal);
}

template <class T>
void UvStream<T>::handle_alloc(uv_handle_t* handle, std::size_t /*suggested*/, uv_buf_t* buffer) {
  auto* self = static_cast<UvStream*>(handle->data);
  const MutableBytes memory = self == nullptr ? MutableBytes{} : self->loop_.read_buffer();
  *buffer = buffer_of(memory);
}

template <class T>
void UvStream<T>::handle_read(uv_stream_t* stream, ssize_t bytes, const uv_buf_t* /*buffer*/) {
  if (auto* self = static_cast<UvStream*>(stream->data)) self->read_done(bytes);
}

template <class T>
void UvStream<T>::read_done(ssize_t bytes) {
  if (bytes == 0) return;  // libuv's way to say EAGAIN
  // While closing, input is read and dropped: closing a TCP socket with unread input would reset it
  // and take our last bytes with it.
  if (state_ == State::kClosing) return;
  loop_.refresh_now();
  if (bytes == UV_EOF) return finish(CloseReason::kPeer);
  if (bytes < 0) return failed(static_cast<int>(bytes));
  const auto on_bytes = handlers_.on_bytes;  // the stream may die in it
  on_bytes(loop_.read_buffer().first(static_cast<std::size_t>(bytes)));
}

template <class T>
void UvStream<T>::failed(int uv_error) {
  error_ = uv_strerror(uv_error);
  finish(CloseReason::kError);
}

template <class T>
void UvStream<T>::finish(CloseReason reason) {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  handle_.reset();
  const auto on_closed = handlers_.on_closed;  // the stream may die in it
  on_closed(reason);
}

template class UvStream<uv_tcp_t>;
template class UvStream<uv_pipe_t>;

}  // namespace sluice::net
