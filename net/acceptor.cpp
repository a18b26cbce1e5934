#include "net/acceptor.h"

#include <cerrno>

#include <sys/socket.h>

#include "net/kernel.h"

namespace sluice::net {

namespace {

/// The kernel's queue of connections not yet accepted: a burst of reconnects; it cuts it to
/// somaxconn.
constexpr int kBacklog = 1024;

/// Connections taken a wake-up, so that a flood of them does not starve the rest.
constexpr int kAcceptsMax = 64;

/// How long to leave a full descriptor table alone.
constexpr Duration kPause = std::chrono::milliseconds{100};

bool out_of_resources(int error_number) {
  return error_number == EMFILE || error_number == ENFILE || error_number == ENOBUFS ||
         error_number == ENOMEM;
}

}  // namespace

Acceptor::Acceptor(Loop& loop, Callback<Fd> on_connection)
    : on_connection_(on_connection),
      loop_(loop),
      pause_(loop, Callback<>::to<&Acceptor::resume>(this)),
      poll_(loop, Callback<unsigned>::to<&Acceptor::handle_ready>(this)) {}

Status<Failure> Acceptor::open(Fd bound) {
  fd_ = std::move(bound);
  if (::listen(fd_.get(), kBacklog) != 0) return Unexpected{system_failure("cannot listen", errno)};
  if (auto opened = poll_.open(fd_.get()); !opened) return opened;
  poll_.watch(Poll::kReadable);
  return Done{};
}

void Acceptor::handle_ready(unsigned /*events*/) {
  for (int i = 0; i < kAcceptsMax; ++i) {
    Fd fd = accept_socket(fd_.get());
    if (fd.valid()) {
      on_connection_(std::move(fd));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return;
    } else if (out_of_resources(errno)) {
      poll_.watch(0);
      pause_.arm(loop_.now() + kPause);
      return;
    }
    // Anything else (ECONNABORTED, network errors) belongs to that one connection: the next may do.
  }
}

void Acceptor::resume() { poll_.watch(Poll::kReadable); }

}  // namespace sluice::net
