#include "tests/sim/congestion/tcp_flow.h"

#include <algorithm>

namespace sluice::sim {

namespace {

constexpr Duration kTimeoutMin = std::chrono::milliseconds{200};
constexpr Duration kTimeoutMax = std::chrono::seconds{60};

}  // namespace

Instant TcpFlow::next_deadline() const { return started_ ? timer_ : starts_; }

void TcpFlow::handle_timeout(Instant now) {
  if (!started_) {
    started_ = now >= starts_;
    return;
  }
  if (now < timer_) return;
  threshold_ = std::max(static_cast<double>(next_ - acked_) / 2, 2.0);
  window_ = 1;
  next_ = acked_;  // go back: what was sent is sent again as the window grows
  recovering_ = false;
  duplicates_ = 0;
  resend_.reset();
  timed_.reset();
  timeout_ = std::min(timeout_ * 2, kTimeoutMax);
  timer_ = now + timeout_;
}

std::optional<std::uint64_t> TcpFlow::poll_segment(Instant now) {
  if (!started_ || done()) return std::nullopt;
  std::uint64_t number = 0;
  if (resend_) {
    number = *resend_;
    resend_.reset();
  } else if (static_cast<double>(next_ - acked_) < window_ &&
             (segments_ == 0 || next_ < segments_)) {
    number = next_++;
    if (!timed_) timed_ = {number, now};
  } else {
    return std::nullopt;
  }
  if (timer_ == kNever) timer_ = now + timeout_;
  return number;
}

std::uint64_t TcpFlow::handle_segment(std::uint64_t number) {
  if (number >= expected_) out_of_order_.insert(number);
  while (!out_of_order_.empty() && *out_of_order_.begin() == expected_) {
    out_of_order_.erase(out_of_order_.begin());
    ++expected_;
  }
  return expected_;
}

void TcpFlow::handle_ack(Instant now, std::uint64_t next) {
  if (next > acked_) {
    const auto newly = static_cast<double>(next - acked_);
    measure(now, next);
    acked_ = next;
    next_ = std::max(next_, acked_);
    duplicates_ = 0;
    if (recovering_ && next < recover_) {
      resend_ = acked_;  // partial: the next hole
      window_ = std::max(window_ - newly + 1, 1.0);
    } else if (recovering_) {
      recovering_ = false;
      window_ = threshold_;
    } else {
      window_ += window_ < threshold_ ? newly : newly / window_;
    }
    timer_ = next_ == acked_ || done() ? kNever : now + timeout_;
    return;
  }
  if (next_ == acked_) return;
  ++duplicates_;
  if (recovering_) {
    window_ += 1;
  } else if (duplicates_ == 3) {
    lose(now);
  }
}

void TcpFlow::lose(Instant now) {
  threshold_ = std::max(static_cast<double>(next_ - acked_) / 2, 2.0);
  window_ = threshold_ + 3;
  recovering_ = true;
  recover_ = next_;
  resend_ = acked_;
  timed_.reset();
  timer_ = now + timeout_;
}

// Karn: only segments sent once, one at a time.
void TcpFlow::measure(Instant now, std::uint64_t next) {
  if (!timed_ || next <= timed_->first) return;
  const Duration sample = now - timed_->second;
  timed_.reset();
  if (srtt_ == Duration{0}) {
    srtt_ = sample;
    rttvar_ = sample / 2;
  } else {
    const Duration error = sample > srtt_ ? sample - srtt_ : srtt_ - sample;
    rttvar_ = (rttvar_ * 3 + error) / 4;
    srtt_ = (srtt_ * 7 + sample) / 8;
  }
  timeout_ = std::clamp(srtt_ + rttvar_ * 4, kTimeoutMin, kTimeoutMax);
}

}  // namespace sluice::sim
