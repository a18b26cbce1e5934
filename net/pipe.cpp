#include "net/pipe.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "net/kernel.h"

namespace sluice::net {

namespace {

constexpr mode_t kModeOwnerOnly = 0600;

Result<sockaddr_un, Failure> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return Unexpected{Failure{"\"" + path + "\" cannot be a Unix socket: its path must have 1 to " +
                              std::to_string(sizeof address.sun_path - 1) + " bytes"}};
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

/// sockaddr is the C way to pass any address family.
const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

Failure path_failure(const char* what, const std::string& path, int error_number) {
  return system_failure(std::string{what} + " \"" + path + "\"", error_number);
}

Result<Fd, Failure> open_unix() {
  Fd fd = open_socket(AF_UNIX, SOCK_STREAM);
  if (!fd.valid()) return Unexpected{system_failure("cannot open a Unix socket", errno)};
  return fd;
}

/// Removes what a dead process left behind; a socket that answers, or no socket at all, stays.
Status<Failure> remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat found {};

  if (lstat(path.c_str(), &found) != 0) return Done{};
  if (!S_ISSOCK(found.st_mode)) {
    return Unexpected{
        Failure{"\"" + path + "\" exists and is no socket; remove it or choose another path"}};
  }
  const auto probe = open_unix();
  if (!probe) return Unexpected{probe.error()};
  const bool refused = ::connect(probe.value().get(), generic(address), sizeof address) != 0 &&
                       errno == ECONNREFUSED;
  if (!refused) {
    return Unexpected{
        Failure{"\"" + path + "\" is in use by another process; stop it or choose another path"}};
  }
  if (unlink(path.c_str()) != 0 && errno != ENOENT) {
    return Unexpected{path_failure("cannot remove the stale socket", path, errno)};
  }
  return Done{};
}

ino_t inode_of(const std::string& path) {
  struct stat found {};

  return lstat(path.c_str(), &found) == 0 ? found.st_ino : 0;
}

}  // namespace

Result<std::unique_ptr<PipeConnection>, Failure> PipeConnection::connect(Loop& loop,
                                                                         const std::string& path) {
  const auto address = unix_address(path);
  if (!address) return Unexpected{address.error()};
  auto fd = open_unix();
  if (!fd) return Unexpected{fd.error()};
  if (::connect(fd->get(), generic(*address), sizeof *address) != 0) {
    return Unexpected{path_failure("cannot connect to", path, errno)};
  }
  return adopt(loop, std::move(*fd));
}

Result<std::unique_ptr<PipeConnection>, Failure> PipeConnection::adopt(Loop& loop, Fd fd) {
  const auto peer = user_of_peer(fd.get());
  if (!peer) {
    return Unexpected{system_failure("cannot tell who is at the other end", errno)};
  }
  auto connection = std::make_unique<PipeConnection>(loop);
  connection->peer_uid_ = *peer;
  int error = uv_pipe_init(loop.uv(), connection->handle_.get(), 0);
  if (error == 0) error = uv_pipe_open(connection->handle_.get(), fd.get());
  if (error != 0) return Unexpected{system_failure("cannot take a Unix connection", -error)};
  fd.release();
  return connection;
}

PipeListener::PipeListener(Loop& loop, Callback<std::unique_ptr<PipeConnection>> on_connection)
    : loop_(loop),
      on_connection_(on_connection),
      acceptor_(loop, Callback<Fd>::to<&PipeListener::handle_connection>(this)) {}

PipeListener::~PipeListener() {
  // Somebody may have replaced the file meanwhile; then it is theirs.
  if (inode_ != 0 && inode_of(path_) == inode_) unlink(path_.c_str());
}

Status<Failure> PipeListener::listen(const std::string& path) {
  const auto address = unix_address(path);
  if (!address) return Unexpected{address.error()};
  if (auto removed = remove_stale(path, *address); !removed) return removed;
  auto fd = open_unix();
  if (!fd) return Unexpected{fd.error()};
  // Linux makes the file with the socket's own mode: set before bind there is no moment in which
  // others could connect, and no process-wide umask to change.
  if (fchmod(fd->get(), kModeOwnerOnly) != 0 ||
      ::bind(fd->get(), generic(*address), sizeof *address) != 0) {
    return Unexpected{path_failure("cannot listen on", path, errno)};
  }
  path_ = path;
  inode_ = inode_of(path);
  return acceptor_.open(std::move(*fd));
}

void PipeListener::handle_connection(Fd fd) {
  auto connection = PipeConnection::adopt(loop_, std::move(fd));
  if (!connection) return;
  if (!may_control(connection.value()->peer_uid(), geteuid())) return refused_peers_.add();
  on_connection_(std::move(*connection));
}

}  // namespace sluice::net
