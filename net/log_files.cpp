#include "net/log_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <optional>
#include <tuple>
#include <utility>

#include <sys/stat.h>

namespace sluice::net {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kEnding = ".log";

std::string day_of(UnixSeconds at) {
  const auto seconds = static_cast<std::time_t>(at.value);
  std::tm utc{};
  std::array<char, 32> text{};
  if (gmtime_r(&seconds, &utc) == nullptr) return "0000-00-00";
  std::strftime(text.data(), text.size(), "%Y-%m-%d", &utc);
  return text.data();
}

struct Name {
  std::string stem, day;
  unsigned part = 0;

  auto order() const { return std::tie(stem, day, part); }
};

bool is_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_day(std::string_view text) {
  return text.size() == 10 && text[4] == '-' && text[7] == '-' && is_digits(text.substr(0, 4)) &&
         is_digits(text.substr(5, 2)) && is_digits(text.substr(8, 2));
}

/// Nothing for what no LogFiles names so.
std::optional<Name> parse_name(std::string_view text) {
  if (text.size() <= kEnding.size() || text.substr(text.size() - kEnding.size()) != kEnding) {
    return std::nullopt;
  }
  text.remove_suffix(kEnding.size());
  Name name;
  if (const std::size_t dot = text.rfind('.'); dot != std::string_view::npos) {
    const std::string_view part = text.substr(dot + 1);
    if (!is_digits(part) || part.size() > 6) return std::nullopt;
    std::from_chars(part.data(), part.data() + part.size(), name.part);
    text = text.substr(0, dot);
  }
  constexpr std::size_t kDayBytes = 10;
  if (text.size() < kDayBytes + 2 || text[text.size() - kDayBytes - 1] != '-') return std::nullopt;
  name.day = text.substr(text.size() - kDayBytes);
  name.stem = text.substr(0, text.size() - kDayBytes - 1);
  const bool plain =
      std::all_of(name.stem.begin(), name.stem.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  if (!plain || !is_day(name.day)) return std::nullopt;
  return name;
}

}  // namespace

std::vector<std::string> log_file_names(const std::string& folder) {
  std::vector<std::pair<Name, std::string>> found;
  std::error_code error;
  for (fs::directory_iterator at{folder, error}, end; !error && at != end; at.increment(error)) {
    const std::string text = at->path().filename().string();
    std::error_code ignored;
    if (auto name = parse_name(text);
        name && at->symlink_status(ignored).type() == fs::file_type::regular) {
      found.emplace_back(*std::move(name), text);
    }
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    if (a.first.stem != b.first.stem) return a.first.stem < b.first.stem;
    return a.first.order() > b.first.order();
  });
  std::vector<std::string> names;
  for (auto& [name, text] : found) names.push_back(std::move(text));
  return names;
}

std::string LogFiles::name_of(unsigned part) const {
  return config_.folder + "/" + config_.stem + "-" + day_ +
         (part == 0 ? "" : "." + std::to_string(part)) + std::string{kEnding};
}

Status<Failure> LogFiles::open(UnixSeconds at) {
  day_ = day_of(at);
  part_ = 0;
  // The first parts of a day may be gone by now.
  for (const std::string& text : log_file_names(config_.folder)) {
    const auto name = parse_name(text);
    if (name->stem == config_.stem && name->day == day_) part_ = std::max(part_, name->part);
  }
  return open_next();
}

Status<Failure> LogFiles::open_next() {
  constexpr mode_t kOwnerAndGroup = 0640;
  const std::string name = name_of(part_);
  fd_ = Fd{::open(name.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, kOwnerAndGroup)};

  struct stat status {};

  if (fd_.get() < 0 || ::fstat(fd_.get(), &status) != 0) {
    return Unexpected{Failure{"cannot write \"" + name + "\": " + std::strerror(errno) +
                              "; name a folder that is there and that this user may write to"}};
  }
  bytes_ = static_cast<std::uint64_t>(status.st_size);
  forget_oldest();
  return Done{};
}

bool LogFiles::write(std::string_view line, UnixSeconds at) {
  if (fd_.get() < 0 || day_of(at) != day_) {
    if (!open(at)) return false;
  }
  if (bytes_ > 0 && bytes_ + line.size() > config_.bytes_max) {
    ++part_;
    if (!open_next()) return false;
  }
  const ssize_t written = ::write(fd_.get(), line.data(), line.size());
  if (written > 0) bytes_ += static_cast<std::uint64_t>(written);
  return written == static_cast<ssize_t>(line.size());
}

void LogFiles::forget_oldest() const {
  std::uint64_t kept = 0;
  for (const std::string& name : log_file_names(config_.folder)) {
    if (parse_name(name)->stem != config_.stem || ++kept <= config_.files_max) continue;
    std::remove((config_.folder + "/" + name).c_str());
  }
}

}  // namespace sluice::net
