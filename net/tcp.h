// TCP on libuv: TcpListener hands out accepted TcpConnections, TcpConnection::connect() makes one.
// Nagle's algorithm is off. Both are ByteStreams (stream.h).
#pragma once

#include <memory>

#include "net/acceptor.h"
#include "net/callback.h"
#include "net/loop.h"
#include "net/socket.h"
#include "net/uv_stream.h"
#include "proto/base/address.h"
#include "proto/base/result.h"

namespace sluice::net {

class TcpConnection final : public UvStream<uv_tcp_t> {
 public:
  /// For connect() and adopt() alone.
  explicit TcpConnection(Loop& loop) : UvStream(loop) {}

  /// Dials at start(). Fails here only when no socket can be had.
  static Result<std::unique_ptr<TcpConnection>, Failure> connect(Loop& loop, const Address& to);

  /// A connected, non-blocking socket becomes a stream.
  static Result<std::unique_ptr<TcpConnection>, Failure> adopt(Loop& loop, Fd fd);

  Address peer() const { return peer_; }

 private:
  bool begin() override;
  static void handle_connected(uv_connect_t* raw, int status);

  Address peer_;
  bool dials_ = false;
};

class TcpListener {
 public:
  TcpListener(Loop& loop, Callback<std::unique_ptr<TcpConnection>> on_connection);

  /// Binds and listens; the result is where, with the port the kernel chose for 0.
  Result<Address, Failure> listen(const Address& address, bool reuse_port = false);

  Address address() const { return address_; }

 private:
  void handle_connection(Fd fd);

  Loop& loop_;
  Callback<std::unique_ptr<TcpConnection>> on_connection_;
  Address address_;
  Acceptor acceptor_;
};

}  // namespace sluice::net
