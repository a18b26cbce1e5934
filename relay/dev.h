// --dev: a relay for this machine alone, with nothing to configure. It tells local clients where it
// is by a small JSON file in the user's runtime folder, dev.json. One started with --control PATH
// writes PATH.json beside its socket, so that several run side by side, and dev.json only while no
// other relay that lives has it. The files are private to the user and go with the relay, unless
// another one has replaced them since.
#pragma once

#include <cstdint>
#include <string>

#include <sys/types.h>

#include "proto/base/result.h"
#include "relay/config.h"

namespace sluice::relay {

/// What local clients read. The names are the JSON's.
struct DevEntry {
  std::string address;    // "127.0.0.1:4700"
  std::string relay_key;  // hex
  std::string control;    // the control socket's path
  std::string http;       // "127.0.0.1:8080"; empty: none
  std::string boot_id;    // hex
  std::int64_t pid = 0;
};

std::string dev_entry_as_json(const DevEntry& entry);

class DevFile {
 public:
  /// Written whole or not at all, mode 0600.
  static Result<DevFile, Failure> write(const std::string& path, const DevEntry& entry);

  /// Removes the file if it is still the one written here.
  ~DevFile();

  DevFile(DevFile&& other) noexcept;
  DevFile& operator=(DevFile&&) = delete;

  const std::string& path() const { return path_; }

 private:
  DevFile(std::string path, dev_t device, ino_t inode)
      : path_(std::move(path)), device_(device), inode_(inode) {}

  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

/// True when a relay that still runs wrote the file.
bool is_taken(const std::string& path);

/// What to type next: one push and one pull line. `control` is named in them when clients could not
/// find the relay by themselves.
std::string dev_greeting(const DevEntry& entry, bool name_control);

}  // namespace sluice::relay
