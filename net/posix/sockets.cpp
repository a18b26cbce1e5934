#include <fcntl.h>
#include <unistd.h>

#include <sys/socket.h>

#include "net/kernel.h"

namespace sluice::net {

namespace {

/// A child that is forked between the two calls inherits it: only Linux makes it in one.
Fd make_ready(Fd fd) {
  if (!fd.valid()) return fd;
  const int flags = fcntl(fd.get(), F_GETFL);
  if (flags < 0 || fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) < 0 ||
      fcntl(fd.get(), F_SETFD, FD_CLOEXEC) < 0) {
    return {};
  }
  return fd;
}

}  // namespace

Fd open_socket(int family, int type) { return make_ready(Fd{::socket(family, type, 0)}); }

Fd accept_socket(int fd) { return make_ready(Fd{::accept(fd, nullptr, nullptr)}); }

std::optional<uid_t> user_of_peer(int fd) {
#ifdef __linux__
  // glibc has no getpeereid().
  struct {
    pid_t pid;
    uid_t uid;
    gid_t gid;
  } peer{};

  socklen_t size = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  return peer.uid;
#else
  uid_t user = 0;
  gid_t group = 0;
  if (getpeereid(fd, &user, &group) != 0) return std::nullopt;
  return user;
#endif
}

}  // namespace sluice::net
