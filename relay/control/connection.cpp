#include "relay/control/connection.h"

#include <utility>

#include "net/log.h"

namespace sluice::relay {
namespace {

/// While a peer reads slower than we write: often enough for 50 MB/s, rare enough to cost nothing.
constexpr Duration kFlushInterval = std::chrono::milliseconds{5};

}  // namespace

ControlConnection::ControlConnection(net::Loop& loop, std::uint64_t id,
                                     std::unique_ptr<net::ByteStream> stream,
                                     const Handlers& handlers)
    : id_(id),
      handlers_(handlers),
      flush_timer_(loop, net::Callback<>::to<&ControlConnection::flush>(this)),
      life_timer_(loop, net::Callback<>::to<&ControlConnection::on_life_due>(this)),
      stream_(std::move(stream)) {}

void ControlConnection::start() {
  life_timer_.arm_in(kControlOpenTimeout);
  stream_->start({net::Callback<>::to<&ControlConnection::on_stream_open>(this),
                  net::Callback<Bytes>::to<&ControlConnection::on_stream_bytes>(this),
                  net::Callback<net::CloseReason>::to<&ControlConnection::on_stream_closed>(this)});
}

void ControlConnection::send(schema::Kind kind, std::uint64_t id, schema::Message message,
                             std::uint64_t generation) {
  if (!is_open()) return;
  const schema::Envelope envelope{id, kind, generation, std::move(message)};
  auto framed = schema::encode(envelope);
  if (!framed) {
    // Ours to fix; the peer must not wait for its deadline because of it.
    LOG(kError, "control_message_unsendable", {{"error", framed.error().message}});
    if (kind == schema::Kind::kResponse) {
      send_status(id, schema::StatusCode::kRefused, "the answer cannot be sent");
    }
    return;
  }
  outbox_bytes_ += framed->size();
  outbox_.push_back(*std::move(framed));
  if (outbox_bytes_ > kControlOutboxBytesMax) {
    LOG(kWarning, "control_peer_too_slow", {{"connection", id_}, {"queued_bytes", outbox_bytes_}});
    return cut();
  }
  flush();
}

void ControlConnection::send_status(std::uint64_t id, schema::StatusCode code, std::string text) {
  send(schema::Kind::kResponse, id, schema::Status{code, std::move(text)});
}

void ControlConnection::close() {
  if (closing_) return;
  closing_ = true;
  life_timer_.arm_in(kControlCloseTimeout);
  flush();
}

void ControlConnection::on_stream_open() {
  open_ = true;
  life_timer_.cancel();
  handlers_.on_open(*this);
}

void ControlConnection::on_stream_bytes(Bytes bytes) {
  while (!closing_) {
    const schema::FrameStep step = reader_.step(bytes);
    if (step.state == schema::FrameState::kNeedMore) return;
    if (step.state == schema::FrameState::kTooLong) {
      ++refused_messages_;
      send_status(0, schema::StatusCode::kMalformed,
                  "a message has 1 to 65536 bytes behind its length; closing");
      return close();
    }
    handle_frame(step.frame);
  }
}

void ControlConnection::handle_frame(Bytes frame) {
  auto decoded = schema::decode(frame);
  if (decoded) return handlers_.on_message(*this, *decoded);
  ++refused_messages_;
  send_status(decoded.error().id, decoded.error().code, decoded.error().text);
}

void ControlConnection::on_stream_closed(net::CloseReason reason) {
  if (reason == net::CloseReason::kError && !closing_) {
    LOG(kInfo, "control_connection_lost", {{"connection", id_}, {"error", stream_->error()}});
  }
  // Inside our own close() the owner may stand in a loop over its connections.
  if (in_close_) return life_timer_.arm_in(Duration::zero());
  handlers_.on_closed(*this);
}

void ControlConnection::on_life_due() {
  if (!open_) LOG(kInfo, "control_handshake_timeout", {{"connection", id_}});
  handlers_.on_closed(*this);
}

void ControlConnection::flush() {
  while (!outbox_.empty() && stream_->queued_bytes() < kControlFlushBytes) {
    const net::WriteResult result = stream_->write(outbox_.front());
    if (result == net::WriteResult::kFull) break;
    if (result == net::WriteResult::kNotOpen) {
      // Broken: on_stream_closed follows, and nobody will read the rest.
      outbox_.clear();
      outbox_bytes_ = 0;
      return;
    }
    outbox_bytes_ -= outbox_.front().size();
    outbox_.pop_front();
  }
  if (!outbox_.empty()) return flush_timer_.arm_in(kFlushInterval);
  if (!closing_) return;
  in_close_ = true;
  stream_->close();
  in_close_ = false;
}

void ControlConnection::cut() {
  // Not at once: the caller may stand inside one of our callbacks.
  closing_ = true;
  outbox_.clear();
  outbox_bytes_ = 0;
  flush_timer_.cancel();
  life_timer_.arm_in(Duration::zero());
}

}  // namespace sluice::relay
