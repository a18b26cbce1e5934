// The one file with spdlog and fmt, whose headers need exceptions; none leaves it.
#include "net/log.h"

#include <time.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <mutex>
#include <utility>

#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "net/log_files.h"

namespace sluice::net {

namespace {

/// Lines of these levels into files; what cannot be written there goes to stderr.
class FilesSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  FilesSink(LogFilesConfig config, spdlog::level::level_enum from, spdlog::level::level_enum to)
      : files_(std::move(config)), to_(to) {
    set_level(from);
  }

  Status<Failure> open() { return files_.open(wall_clock(std::chrono::system_clock::now())); }

 private:
  static UnixSeconds wall_clock(std::chrono::system_clock::time_point at) {
    return {std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count()};
  }

  void sink_it_(const spdlog::details::log_msg& message) override {
    if (message.level > to_) return;
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    if (files_.write({line.data(), line.size()}, wall_clock(message.time))) return;
    std::fwrite(line.data(), 1, line.size(), stderr);
  }

  void flush_() override {}

  LogFiles files_;
  spdlog::level::level_enum to_;
};

constexpr std::int64_t kLimitIntervalUs = 1'000'000;

constexpr std::string_view kLevelNames[] = {"debug", "info", "warning", "error", "off"};

struct Sink {
  std::atomic<LogLevel> level{LogLevel::kInfo};
  LogFormat format = LogFormat::kText;
  spdlog::logger logger{"sluice", std::make_shared<spdlog::sinks::stderr_sink_mt>()};
};

void set_pattern(Sink& sink) {
  sink.logger.set_level(spdlog::level::trace);  // ours decides, before anything is formatted
  sink.logger.flush_on(spdlog::level::trace);
  sink.logger.set_pattern(sink.format == LogFormat::kJson
                              ? R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l",%v})"
                              : "%Y-%m-%dT%H:%M:%S.%fZ %l %v",
                          spdlog::pattern_time_type::utc);
}

/// Never destroyed: threads may log while the process ends.
Sink& sink() {
  static Sink& instance = *[] {
    auto made = std::make_unique<Sink>();
    set_pattern(*made);
    return made.release();
  }();
  return instance;
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      break;
  }
  return spdlog::level::off;
}

using Buffer = fmt::memory_buffer;

void append(Buffer& out, std::string_view text) {
  out.append(text.data(), text.data() + text.size());
}

/// As a JSON string. All but printable ASCII is escaped byte by byte: nothing that came from a peer
/// can break a line or pretend to be another field.
void append_quoted(Buffer& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20 || byte >= 0x7F) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

bool needs_quotes(std::string_view text) {
  if (text.empty()) return true;
  for (const char c : text) {
    if (c <= ' ' || c >= 0x7F || c == '"' || c == '=' || c == '\\') return true;
  }
  return false;
}

void append_value(Buffer& out, const LogField::Value& value, LogFormat format) {
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    if (format == LogFormat::kJson || needs_quotes(*text)) return append_quoted(out, *text);
    return append(out, *text);
  }
  if (const auto* number = std::get_if<double>(&value);
      number != nullptr && !std::isfinite(*number)) {
    return append(out, "null");
  }
  std::visit([&](const auto& plain) { fmt::format_to(std::back_inserter(out), "{}", plain); },
             value);
}

void append_field(Buffer& out, const LogField& field, LogFormat format) {
  if (format == LogFormat::kJson) {
    out.push_back(',');
    append_quoted(out, field.key());
    out.push_back(':');
  } else {
    out.push_back(' ');
    append(out, field.key());
    out.push_back('=');
  }
  append_value(out, field.value(), format);
}

void write_line(LogLevel level, std::string_view event, std::initializer_list<LogField> fields,
                std::uint64_t suppressed) {
  Sink& to = sink();
  Buffer line;
  if (to.format == LogFormat::kJson) {
    append(line, R"("event":)");
    append_quoted(line, event);
  } else {
    append(line, event);
  }
  for (const LogField& field : fields) append_field(line, field, to.format);
  if (suppressed > 0) append_field(line, {"suppressed", suppressed}, to.format);
  to.logger.log(spdlog_level(level), std::string_view{line.data(), line.size()});
}

std::int64_t coarse_now_us() {
  timespec at{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &at);
  return std::int64_t{at.tv_sec} * 1'000'000 + at.tv_nsec / 1000;
}

}  // namespace

Result<LogLevel, Failure> parse_log_level(std::string_view text) {
  for (std::size_t i = 0; i < std::size(kLevelNames); ++i) {
    if (text == kLevelNames[i]) return static_cast<LogLevel>(i);
  }
  return Unexpected{Failure{"\"" + std::string{text} +
                            "\" is no log level; use debug, info, warning, error or off"}};
}

Status<Failure> configure_log(const LogConfig& config) {
  Sink& to = sink();
  to.level.store(config.level, std::memory_order_relaxed);
  to.format = config.format;
  if (!config.folder.empty()) {
    namespace level = spdlog::level;
    const auto files = [&](const char* stem, level::level_enum from, level::level_enum until) {
      return std::make_shared<FilesSink>(
          LogFilesConfig{config.folder, stem, config.file_bytes_max, config.files_max}, from,
          until);
    };
    auto errors = files("errors", level::warn, level::critical);
    auto rest = files("requests", level::trace, level::info);
    if (auto opened = errors->open(); !opened) return opened;
    if (auto opened = rest->open(); !opened) return opened;
    to.logger.sinks() = {std::move(errors), std::move(rest)};
    set_pattern(to);
    return Done{};
  }
  try {
    if (config.file.empty()) {
      to.logger.sinks() = {std::make_shared<spdlog::sinks::stderr_sink_mt>()};
    } else {
      to.logger.sinks() = {std::make_shared<spdlog::sinks::basic_file_sink_mt>(config.file)};
    }
  } catch (const spdlog::spdlog_ex& error) {
    return Unexpected{Failure{"cannot write the log file \"" + config.file + "\": " + error.what() +
                              "; name a file in a directory this user may write to"}};
  }
  set_pattern(to);
  return Done{};
}

bool log_enabled(LogLevel level) {
  return level != LogLevel::kOff && level >= sink().level.load(std::memory_order_relaxed);
}

void log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  if (log_enabled(level)) write_line(level, event, fields, 0);
}

bool LogLimit::allow(std::uint64_t& suppressed) {
  const std::int64_t now = coarse_now_us();
  std::int64_t next = next_us_.load(std::memory_order_relaxed);
  if (now < next || !next_us_.compare_exchange_strong(next, now + kLimitIntervalUs)) {
    suppressed_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  suppressed = suppressed_.exchange(0, std::memory_order_relaxed);
  return true;
}

void log_limited(LogLimit& limit, LogLevel level, std::string_view event,
                 std::initializer_list<LogField> fields) {
  std::uint64_t suppressed = 0;
  if (log_enabled(level) && limit.allow(suppressed)) write_line(level, event, fields, suppressed);
}

}  // namespace sluice::net
