// StatusLine: how a running client tells a person what happens, on stderr: one line redrawn four
// times a second on a terminal, a plain line every 5 s otherwise. Text only, time is an argument;
// colour only on a terminal and without NO_COLOR. Called by the command line with what the pusher
// or subscriber counts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/base/time.h"

namespace sluice::client {

struct Progress {
  std::string_view verb;         // "push", "pull"
  std::uint64_t bytes_wire = 0;  // since the start: the bitrate is its slope
  std::uint64_t frames = 0;
  std::uint64_t packets = 0, lost = 0;  // since the start: the loss is their slope
  Duration rtt{};
  /// Of a live pull: its play-out delay.
  std::optional<Duration> delay = std::nullopt;
  /// What else a person should know, as it is.
  std::string_view note = {};
  /// Packets of the relay, where they must keep coming: unset when it may well be silent.
  std::optional<std::uint64_t> answers = std::nullopt;
};

class StatusLine {
 public:
  struct Terminal {
    bool is_terminal = false;
    bool colour = false;
  };

  explicit StatusLine(Terminal terminal) : terminal_(terminal) {}

  Instant next_due() const { return next_due_; }

  /// The bytes to write to stderr now, empty when it is not yet time.
  std::string draw(Instant now, const Progress& progress);

  /// What ends a redrawn line, so that the next message begins on its own; else empty.
  std::string finish();

 private:
  std::string text(Duration elapsed, const Progress& progress) const;
  std::string silence(Instant now, const Progress& progress);

  Terminal terminal_;
  Instant next_due_ = kLongAgo;
  Instant last_at_ = kLongAgo;
  Instant answered_at_ = kLongAgo;
  Progress last_{};
  bool drawn_ = false;
};

}  // namespace sluice::client
