// Caller: one connection to the room service that is kept, with one call on it at a time.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "client/rooms/http_answer.h"
#include "net/loop.h"
#include "net/tcp.h"

namespace sluice::bench {

class Caller {
 public:
  /// Nothing: the connection was lost. The next call makes another one.
  using Answered = std::function<void(const client::HttpAnswer*)>;

  Caller(net::Loop& loop, const Address& service)
      : loop_(loop), service_(service), host_(service.to_string()) {}

  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  bool busy() const { return answered_ != nullptr; }

  /// Not while busy. `answered` may call again.
  void call(const client::HttpQuestion& question, Answered answered);

 private:
  void connect();
  void handle_open();
  void handle_bytes(Bytes bytes);
  void handle_closed(net::CloseReason reason);
  void finish(const client::HttpAnswer* answer);

  net::Loop& loop_;
  Address service_;
  std::string host_, request_;
  bool open_ = false;
  client::HttpAnswerReader reader_;
  Answered answered_;
  std::unique_ptr<net::TcpConnection> connection_;
};

}  // namespace sluice::bench
