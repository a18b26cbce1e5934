#include "daemon/private_folder.h"

#include <unistd.h>

#include <cerrno>

#include <sys/stat.h>

#include "net/socket.h"

namespace sluice::daemon {

Status<Failure> make_private_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return Unexpected{net::system_failure("cannot make the folder " + path, errno)};
  }

  struct stat status {};

  // lstat: a link that somebody else put there is not our folder.
  if (::lstat(path.c_str(), &status) != 0) {
    return Unexpected{net::system_failure("cannot look at the folder " + path, errno)};
  }
  if (!S_ISDIR(status.st_mode) || status.st_uid != ::geteuid() || (status.st_mode & 077U) != 0) {
    return Unexpected{Failure{path +
                              ": is not a folder of this user that others cannot enter; remove it "
                              "or set XDG_RUNTIME_DIR to one"}};
  }
  return Done{};
}

Result<std::string, Failure> runtime_folder(Environment environment) {
  const char* const base = environment("XDG_RUNTIME_DIR");
  const bool has_base = base != nullptr && *base == '/';
  std::string path =
      has_base ? std::string{base} + "/sluice" : "/tmp/sluice-" + std::to_string(::geteuid());
  if (auto made = make_private_folder(path); !made) return Unexpected{made.error()};
  return path;
}

}  // namespace sluice::daemon
