#include "net/tcp.h"

#include <cerrno>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "net/address.h"

namespace sluice::net {

namespace {

Address peer_of(int fd) {
  SocketAddress raw{};
  socklen_t size = sizeof raw;
  // Fails when the peer has left already; the stream will tell.
  if (getpeername(fd, &raw.generic, &size) != 0) return {};
  return read_sockaddr(raw);
}

}  // namespace

Result<std::unique_ptr<TcpConnection>, Failure> TcpConnection::connect(Loop& loop,
                                                                       const Address& to) {
  auto connection = std::make_unique<TcpConnection>(loop);
  connection->peer_ = to;
  connection->dials_ = true;
  if (const int error = uv_tcp_init(loop.uv(), connection->handle_.get()); error != 0) {
    return Unexpected{system_failure("cannot open a TCP socket", -error)};
  }
  return connection;
}

Result<std::unique_ptr<TcpConnection>, Failure> TcpConnection::adopt(Loop& loop, Fd fd) {
  auto connection = std::make_unique<TcpConnection>(loop);
  connection->peer_ = peer_of(fd.get());
  int error = uv_tcp_init(loop.uv(), connection->handle_.get());
  if (error == 0) error = uv_tcp_open(connection->handle_.get(), fd.get());
  if (error != 0) return Unexpected{system_failure("cannot take a TCP connection", -error)};
  fd.release();
  return connection;
}

bool TcpConnection::begin() {
  // A refusal costs latency only.
  if (!dials_) return uv_tcp_nodelay(handle_.get(), 1), true;
  auto request = std::make_unique<uv_connect_t>();
  SocketAddress to{};
  write_sockaddr(peer_, peer_.is_v4() ? AF_INET : AF_INET6, to);
  const int error = uv_tcp_connect(request.get(), handle_.get(), &to.generic, handle_connected);
  if (error != 0) return failed(error), false;
  static_cast<void>(request.release());  // handle_connected takes it back
  return false;
}

void TcpConnection::handle_connected(uv_connect_t* raw, int status) {
  const std::unique_ptr<uv_connect_t> request{raw};
  auto* self = static_cast<TcpConnection*>(static_cast<UvStream*>(raw->handle->data));
  if (self == nullptr) return;
  self->loop_.refresh_now();
  if (status != 0) return self->failed(status);
  static_cast<void>(uv_tcp_nodelay(self->handle_.get(), 1));
  self->opened();
}

TcpListener::TcpListener(Loop& loop, Callback<std::unique_ptr<TcpConnection>> on_connection)
    : loop_(loop),
      on_connection_(on_connection),
      acceptor_(loop, Callback<Fd>::to<&TcpListener::handle_connection>(this)) {}

Result<Address, Failure> TcpListener::listen(const Address& address, bool reuse_port) {
  auto fd = open_bound(address, {.type = SOCK_STREAM, .reuse_port = reuse_port});
  if (!fd) return Unexpected{fd.error()};
  address_ = bound_address(fd->get());
  if (auto opened = acceptor_.open(std::move(*fd)); !opened) return Unexpected{opened.error()};
  return address_;
}

void TcpListener::handle_connection(Fd fd) {
  // The connection that could not be taken is closed: its peer sees that.
  if (auto connection = TcpConnection::adopt(loop_, std::move(fd))) {
    on_connection_(std::move(*connection));
  }
}

}  // namespace sluice::net
