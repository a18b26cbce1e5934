// Closing: the end of a link as our side decides it: CLOSE three times, 0, 20 and 60 ms after the
// decision (P-CLOSE-01), because no answer will ever say that one arrived.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "proto/base/time.h"
#include "proto/link/link_types.h"
#include "proto/wire/frame.h"

namespace sluice::link {

/// A close reason of bounded length.
class CloseReason {
 public:
  CloseReason() = default;

  explicit CloseReason(std::string_view text) : size_(std::min(text.size(), text_.size())) {
    std::copy_n(text.begin(), size_, text_.begin());
  }

  std::string_view text() const { return {text_.data(), size_}; }

 private:
  std::array<char, wire::kCloseReasonBytesMax> text_{};
  std::size_t size_ = 0;
};

class Closing {
 public:
  void start(Instant now) { started_ = now; }

  bool started() const { return started_ != kNever; }

  /// When the next CLOSE must go; kNever before the start and after the last.
  Instant next_due() const {
    if (!started() || sent_ == kTimes.size()) return kNever;
    return started_ + kTimes[sent_];
  }

  void on_sent() { ++sent_; }

  /// When the link is over: the last CLOSE left, or there was no way to send it.
  Instant over_at() const {
    if (!started()) return kNever;
    return sent_ == kTimes.size() ? started_ + kTimes.back() : started_ + kPatience;
  }

 private:
  static constexpr std::array<Duration, 3> kTimes{Duration{0}, std::chrono::milliseconds{20},
                                                  std::chrono::milliseconds{60}};

  /// A socket that takes nothing must not keep a closed link alive.
  static constexpr Duration kPatience = std::chrono::milliseconds{500};

  Instant started_ = kNever;
  std::size_t sent_ = 0;
};

}  // namespace sluice::link
