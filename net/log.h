// Structured log lines on stderr or in a file: an event name and fields, as `key=value` or one JSON
// object a line. Thread-safe; nothing on the packet path may call it above kDebug. Whoever logs
// keeps keys, tickets, payload and URL queries out, and full addresses below kInfo. spdlog and fmt
// live in log.cpp.
#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "proto/base/result.h"

namespace sluice::net {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError, kOff };

/// "debug", "info", "warning", "error", "off".
Result<LogLevel, Failure> parse_log_level(std::string_view text);

enum class LogFormat : std::uint8_t { kText, kJson };

struct LogConfig {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kText;
  std::string file;  // empty: stderr
  /// Not empty: files here instead, warnings and errors in errors-*.log, the rest in requests-*.log
  /// (log_files.h).
  std::string folder{};
  std::uint64_t file_bytes_max = 16U << 20U;
  std::uint64_t files_max = 20;  // of each of the two
};

/// At start-up, before other threads log. Without it: kInfo, text, stderr.
Status<Failure> configure_log(const LogConfig& config);

class LogField {
 public:
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

  template <class T>
  LogField(std::string_view key, const T& value) : key_(key), value_(convert(value)) {}

  std::string_view key() const { return key_; }

  const Value& value() const { return value_; }

 private:
  template <class T>
  static Value convert(const T& value) {
    if constexpr (std::is_same_v<T, bool>)
      return value;
    else if constexpr (std::is_floating_point_v<T>)
      return static_cast<double>(value);
    else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>)
      return std::int64_t{value};
    else if constexpr (std::is_integral_v<T>)
      return std::uint64_t{value};
    else
      return std::string_view{value};
  }

  std::string_view key_;
  Value value_;
};

bool log_enabled(LogLevel level);

void log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});

/// At most one line a second from the place that owns it; the next line says how many were
/// suppressed.
class LogLimit {
 public:
  /// True when a line may be written now; `suppressed` is then how many were not since the last.
  bool allow(std::uint64_t& suppressed);

 private:
  std::atomic<std::int64_t> next_us_{0};
  std::atomic<std::uint64_t> suppressed_{0};
};

void log_limited(LogLimit& limit, LogLevel level, std::string_view event,
                 std::initializer_list<LogField> fields = {});

}  // namespace sluice::net

/// Evaluates its fields only when the level is on: LOG(kDebug, "link_open", {{"link", id}}).
#define LOG(level, ...)                                                  \
  (::sluice::net::log_enabled(::sluice::net::LogLevel::level)            \
       ? ::sluice::net::log(::sluice::net::LogLevel::level, __VA_ARGS__) \
       : static_cast<void>(0))
