#include "bench/report/report_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace sluice::bench {

Status<Failure> check_report_file(const std::string& file) {
  if (file == "-") return Done{};
  if (file.empty()) return Unexpected{Failure{"no file is named"}};
  const std::filesystem::path path{file};
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return Unexpected{Failure{file + " is a folder"}};
  }
  const std::string folder = path.has_parent_path() ? path.parent_path().string() : ".";
  const std::string wanted = std::filesystem::exists(path, ignored) ? file : folder;
  if (::access(wanted.c_str(), W_OK) == 0) return Done{};
  return Unexpected{Failure{"cannot write " + file + ": " + std::strerror(errno)}};
}

bool write_report_file(const std::string& file, const std::string& text) {
  if (file == "-") return std::fputs(text.c_str(), stdout) >= 0;
  std::FILE* out = std::fopen(file.c_str(), "w");
  if (out == nullptr) return false;
  const bool whole = std::fputs(text.c_str(), out) >= 0;
  return std::fclose(out) == 0 && whole;
}

Result<std::string, Failure> read_report_file(const std::string& file) {
  std::ifstream in{file};
  if (!in) return Unexpected{Failure{"cannot read " + file + ": " + std::strerror(errno)}};
  return std::string{std::istreambuf_iterator<char>{in}, {}};
}

}  // namespace sluice::bench
