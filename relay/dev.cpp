#include "relay/dev.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <limits>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "daemon/file.h"
#include "net/socket.h"
#include "proto/base/bytes.h"

namespace sluice::relay {
std::string dev_entry_as_json(const DevEntry& entry) {
  const nlohmann::ordered_json json{{"address", entry.address}, {"relay_key", entry.relay_key},
                                    {"control", entry.control}, {"http", entry.http},
                                    {"pid", entry.pid},         {"boot_id", entry.boot_id}};
  return json.dump(2) + "\n";
}

Result<DevFile, Failure> DevFile::write(const std::string& path, const DevEntry& entry) {
  const std::string draft = path + "." + std::to_string(entry.pid);
  ::unlink(draft.c_str());  // of an earlier process with this pid
  const net::Fd fd{::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (!fd.valid()) return Unexpected{net::system_failure("cannot write " + draft, errno)};

  struct stat status {};

  const bool written = daemon::write_all(fd.get(), dev_entry_as_json(entry)) &&
                       ::fstat(fd.get(), &status) == 0 &&
                       ::rename(draft.c_str(), path.c_str()) == 0;
  if (!written) {
    const int error = errno;
    ::unlink(draft.c_str());
    return Unexpected{net::system_failure("cannot write " + path, error)};
  }
  return DevFile{path, status.st_dev, status.st_ino};
}

bool is_taken(const std::string& path) {
  std::ifstream file(path);
  const auto json = nlohmann::json::parse(file, nullptr, false);
  if (!json.is_object()) return false;
  const auto pid = json.find("pid");
  if (pid == json.end() || !pid->is_number_integer()) return false;
  const auto number = pid->get<std::int64_t>();
  if (number <= 0 || number > std::numeric_limits<pid_t>::max()) return false;
  return ::kill(static_cast<pid_t>(number), 0) == 0 || errno == EPERM;
}

DevFile::DevFile(DevFile&& other) noexcept
    : path_(std::exchange(other.path_, {})), device_(other.device_), inode_(other.inode_) {}

DevFile::~DevFile() {
  struct stat status {};

  if (path_.empty() || ::lstat(path_.c_str(), &status) != 0) return;
  if (status.st_dev == device_ && status.st_ino == inode_) ::unlink(path_.c_str());
}

std::string dev_greeting(const DevEntry& entry, bool name_control) {
  const std::string host = entry.address.substr(0, entry.address.rfind(':'));
  const std::string options = name_control ? " --control " + entry.control : "";
  const std::string url = "sluice://" + host + "/demo/camera";
  std::string text = "sluice-relay --dev, for this machine alone: udp " + entry.address;
  if (!entry.http.empty()) text += ", http://" + entry.http + "/metrics";
  text += "\n\nPush a file, in another terminal:\n  sluice push" + options + " " + url +
          " FILE.flv --loop\nand watch it, in a third:\n  sluice pull" + options + " " + url +
          " -o - | ffplay -\n\nCtrl-C ends it.\n";
  return text;
}

}  // namespace sluice::relay
