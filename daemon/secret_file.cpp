#include "daemon/secret_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include <sys/stat.h>

#include "net/socket.h"

namespace sluice::daemon {
namespace {

Result<SecretBytes, Failure> make(const std::string& setting, const std::string& path,
                                  RandomSource random) {
  const net::Fd fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (!fd.valid()) {
    return Unexpected{net::system_failure(setting + ": cannot make " + path, errno)};
  }
  SecretBytes secret{};
  random(secret);
  if (::write(fd.get(), secret.data(), secret.size()) != static_cast<ssize_t>(secret.size()) ||
      ::fsync(fd.get()) != 0) {
    const int error = errno;
    ::unlink(path.c_str());
    return Unexpected{net::system_failure(setting + ": cannot write " + path, error)};
  }
  return secret;
}

}  // namespace

Result<SecretBytes, Failure> read_or_make_secret(const std::string& setting,
                                                 const std::string& path, RandomSource random) {
  const net::Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd.valid() && errno == ENOENT) return make(setting, path, random);
  if (!fd.valid()) {
    return Unexpected{net::system_failure(setting + ": cannot read " + path, errno)};
  }

  struct stat status {};

  if (::fstat(fd.get(), &status) != 0 || (status.st_mode & 077U) != 0) {
    return Unexpected{Failure{setting + ": others may read " + path +
                              "; chmod 600 it, or remove it and a new one is made"}};
  }
  SecretBytes secret{};
  const bool whole = status.st_size == static_cast<off_t>(secret.size()) &&
                     ::read(fd.get(), secret.data(), secret.size()) == status.st_size;
  if (!whole) {
    return Unexpected{Failure{setting + ": " + path +
                              " does not hold 32 bytes; remove it and a new one is made"}};
  }
  return secret;
}

}  // namespace sluice::daemon
