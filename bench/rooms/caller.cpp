#include "bench/rooms/caller.h"

#include <utility>

namespace sluice::bench {

void Caller::call(const client::HttpQuestion& question, Answered answered) {
  request_ = client::request_text(question, host_, client::HttpAfter::kKeep);
  reader_ = {};
  answered_ = std::move(answered);
  if (!connection_) return connect();
  if (open_) handle_open();
}

void Caller::connect() {
  auto connection = net::TcpConnection::connect(loop_, service_);
  if (!connection) return finish(nullptr);
  connection_ = std::move(*connection);
  connection_->start({net::Callback<>::to<&Caller::handle_open>(this),
                      net::Callback<Bytes>::to<&Caller::handle_bytes>(this),
                      net::Callback<net::CloseReason>::to<&Caller::handle_closed>(this)});
}

void Caller::handle_open() {
  open_ = true;
  // Where it is refused, the end of the connection says so.
  static_cast<void>(connection_->write(as_bytes(request_)));
}

void Caller::handle_bytes(Bytes bytes) {
  if (!busy()) return;
  switch (reader_.handle_bytes(bytes)) {
    case client::HttpAnswerReader::State::kMore:
      return;
    case client::HttpAnswerReader::State::kDone:
      return finish(&reader_.answer());
    case client::HttpAnswerReader::State::kBroken:
      return handle_closed(net::CloseReason::kError);
  }
}

void Caller::handle_closed(net::CloseReason) {
  connection_.reset();
  open_ = false;
  finish(nullptr);
}

void Caller::finish(const client::HttpAnswer* answer) {
  // The receiver may call again, which makes the reader anew.
  const client::HttpAnswer kept = answer != nullptr ? *answer : client::HttpAnswer{};
  const Answered answered = std::exchange(answered_, nullptr);
  if (answered) answered(answer != nullptr ? &kept : nullptr);
}

}  // namespace sluice::bench
