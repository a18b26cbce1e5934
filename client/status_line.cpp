#include "client/status_line.h"

#include <array>
#include <cstdio>

namespace sluice::client {
namespace {

/// Redrawing faster than four times a second reads as flicker; a log wants fewer lines.
constexpr Duration kRedraw = std::chrono::milliseconds{250};
constexpr Duration kPlain = std::chrono::seconds{5};

/// A relay answers media within 50 ms and a round trip.
constexpr Duration kSilence = std::chrono::seconds{2};

constexpr std::string_view kEraseLine = "\r\x1b[K";

std::string bitrate(double bits_per_second) {
  std::array<char, 32> out{};
  if (bits_per_second >= 1e6) {
    std::snprintf(out.data(), out.size(), "%.2f Mbit/s", bits_per_second / 1e6);
  } else {
    std::snprintf(out.data(), out.size(), "%.0f kbit/s", bits_per_second / 1e3);
  }
  return out.data();
}

double slope(std::uint64_t now, std::uint64_t before) {
  return now >= before ? static_cast<double>(now - before) : 0.0;
}

}  // namespace

std::string StatusLine::draw(Instant now, const Progress& progress) {
  if (now < next_due_) return {};
  const bool first = last_at_ == kLongAgo;
  next_due_ = now + (terminal_.is_terminal ? kRedraw : kPlain);
  const Duration elapsed = first ? Duration{0} : now - last_at_;
  const std::string silent = silence(now, progress);
  const std::string line = first ? std::string{} : text(elapsed, progress) + silent;
  last_at_ = now;
  last_ = progress;
  if (line.empty()) return {};
  if (!terminal_.is_terminal) return line + "\n";
  drawn_ = true;
  return std::string{kEraseLine} + line;
}

std::string StatusLine::finish() {
  if (!drawn_) return {};
  drawn_ = false;
  return "\n";
}

/// A relay that is gone looks like a clean path until the link is given up: said early.
std::string StatusLine::silence(Instant now, const Progress& progress) {
  const bool answered = !progress.answers || progress.answers != last_.answers;
  if (answered || answered_at_ == kLongAgo) answered_at_ = now;
  if (now - answered_at_ < kSilence) return {};
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - answered_at_);
  return "  no answer for " + std::to_string(seconds.count()) + " s";
}

std::string StatusLine::text(Duration elapsed, const Progress& progress) const {
  const double seconds = static_cast<double>(to_us(elapsed)) / 1e6;
  const double bits = slope(progress.bytes_wire, last_.bytes_wire) * 8;
  const double lost = slope(progress.lost, last_.lost);
  const double all = slope(progress.packets, last_.packets) + lost;
  const double loss_percent = all > 0 ? 100 * lost / all : 0;
  std::array<char, 160> out{};
  const char* bold = terminal_.colour ? "\x1b[1m" : "";
  const char* warn = terminal_.colour && loss_percent >= 1 ? "\x1b[33m" : "";
  const char* plain = terminal_.colour ? "\x1b[0m" : "";
  std::snprintf(out.data(), out.size(), "%s%.*s%s  %s  rtt %.1f ms  loss %s%.1f %%%s  frames %llu",
                bold, static_cast<int>(progress.verb.size()), progress.verb.data(), plain,
                bitrate(seconds > 0 ? bits / seconds : 0).c_str(),
                static_cast<double>(to_us(progress.rtt)) / 1e3, warn, loss_percent, plain,
                static_cast<unsigned long long>(progress.frames));
  std::string line = out.data();
  if (progress.delay) {
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(*progress.delay).count();
    line += "  delay " + std::to_string(ms) + " ms";
  }
  if (!progress.note.empty()) line += "  " + std::string{progress.note};
  return line;
}

}  // namespace sluice::client
