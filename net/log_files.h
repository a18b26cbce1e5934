// LogFiles: log lines into files of a folder: a new one each day (UTC) and whenever one is full;
// the oldest go. A file is STEM-YYYY-MM-DD.log, the second of a day STEM-YYYY-MM-DD.1.log. A
// program that starts again goes on in the last one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/socket.h"
#include "proto/base/result.h"
#include "proto/base/time.h"

namespace sluice::net {

struct LogFilesConfig {
  std::string folder, stem;
  std::uint64_t bytes_max = 16U << 20U;  // of one file
  std::uint64_t files_max = 20;          // of this stem, the one being written included
};

class LogFiles {
 public:
  explicit LogFiles(LogFilesConfig config) : config_(std::move(config)) {}

  /// Whether a file can be written now. The Failure names it and the cure.
  Status<Failure> open(UnixSeconds at);

  /// A whole line with its end, at this time. False when it could not be written: the line is lost
  /// and the next one tries again.
  bool write(std::string_view line, UnixSeconds at);

 private:
  std::string name_of(unsigned part) const;
  Status<Failure> open_next();
  void forget_oldest() const;

  LogFilesConfig config_;
  Fd fd_;
  std::string day_;
  unsigned part_ = 0;  // of the day
  std::uint64_t bytes_ = 0;
};

/// Names of a folder that LogFiles could have given, of any stem; the newest of each stem first.
/// Nothing else can be asked for by name.
std::vector<std::string> log_file_names(const std::string& folder);

}  // namespace sluice::net
