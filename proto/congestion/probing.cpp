#include "proto/congestion/probing.h"

#include <algorithm>

namespace sluice::congestion {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Of 15 to 30 ms: shorter drowns in the grain of the receive times, longer fills queues.
constexpr double kSeconds = 0.02;
constexpr std::uint32_t kBytesMin = 5 * 1200;
constexpr std::uint32_t kBytesMax = 256 * 1200;

constexpr double kDouble = 2;
/// Below this above the estimate the ordinary rise is as quick.
constexpr double kWorthwhile = 1.15;
/// A little below what trains say: they know nothing of what others send between them.
constexpr double kOfCapacity = 0.95;

/// Trains say so much more than at the last probe: jitter alone does not make them.
constexpr double kWider = 1.4;

constexpr double kReceivedMin = 0.8;  // of the packets, for a verdict at all
constexpr double kPassed = 0.85;      // of the rate sent, to arrive
constexpr double kUsed = 0.95;        // of what was measured

constexpr Duration kGap = seconds{5};
constexpr Duration kGapMax = seconds{20};
constexpr Duration kAfterFall = seconds{2};
constexpr Duration kRetry = milliseconds{500};
constexpr Duration kLookAgain = milliseconds{20};

/// The owner has nothing to send, or no time: the wish lapses.
constexpr Duration kSendingMax = milliseconds{500};
/// Feedback for the last packet is late by more: judge with what came.
constexpr Duration kFeedbackMax = milliseconds{200};

}  // namespace

std::optional<ProbeWish> Probing::wish() const {
  if (state_ != State::kSending) return std::nullopt;
  return wish_;
}

void Probing::on_sent(Instant now, std::uint32_t bytes, ProbeId probe) {
  if (state_ != State::kSending || probe != wish_.id) return;
  bytes_out_ += bytes;
  sent_at_ = now;
  wish_.bytes -= std::min(wish_.bytes, bytes);
  if (wish_.bytes == 0) await(now);
}

void Probing::add(const PacketResult& result, bool timed) {
  if (state_ == State::kIdle || result.probe != wish_.id) return;
  seen_.bytes_sent += result.bytes;
  seen_.first_sent = std::min(seen_.first_sent, result.sent_at);
  if (result.sent_at >= seen_.last_sent) {
    seen_.last_sent = result.sent_at;
    seen_.last_bytes = result.bytes;
  }
  if (result.lost) {
    ++seen_.lost;
    return;
  }
  ++seen_.arrived;
  if (!timed) return;
  seen_.bytes_arrived += result.bytes;
  if (*result.arrival < seen_.first_arrival) {
    seen_.first_arrival = *result.arrival;
    seen_.first_bytes = result.bytes;
  }
  seen_.last_arrival = std::max(seen_.last_arrival, *result.arrival);
}

std::optional<double> Probing::update(const ProbeConditions& conditions) {
  const Instant now = conditions.now;
  if (conditions.fell_at > fell_at_) {
    fell_at_ = conditions.fell_at;
    next_ = fell_at_ + kAfterFall;
    retry_.reset();
  }
  if (state_ == State::kSending && now - asked_at_ > kSendingMax) {
    next_ = now + kGap;
    state_ = State::kIdle;
    if (bytes_out_ >= kBytesMin / 2) await(now);
  }
  if (state_ == State::kAwaiting) {
    judge_by_ = sent_at_ + conditions.srtt * 2 + kFeedbackMax;
    if (seen_.bytes_sent < bytes_out_ && now < judge_by_) return std::nullopt;
    return judge(conditions);
  }
  if (state_ != State::kIdle) return std::nullopt;
  if (conditions.capacity > 0) capacity_before_ = std::min(capacity_before_, conditions.capacity);
  if (conditions.capacity > kWider * capacity_before_) {
    // The path became wider: what failed before says nothing.
    failures_ = 0;
    retry_.reset();
    capacity_before_ = conditions.capacity;
    next_ = std::min(next_, now);
  }
  if (now < next_) return std::nullopt;
  if (!conditions.calm) {
    next_ = now + kLookAgain;
    return std::nullopt;
  }
  const std::optional<double> rate = rate_to_ask(conditions);
  if (rate) {
    ask(conditions, *rate);
  } else {
    next_ = now + seconds{1};
  }
  return std::nullopt;
}

void Probing::want_more(double bits_per_s) {
  wanted_ = bits_per_s;
  if (state_ == State::kIdle) next_ = std::min(next_, asked_at_ + seconds{1});
}

Instant Probing::next_deadline() const {
  switch (state_) {
    case State::kIdle:
      return next_;
    case State::kSending:
      return asked_at_ + kSendingMax + Duration{1};
    case State::kAwaiting:
      return judge_by_;
  }
  return kNever;
}

void Probing::await(Instant now) {
  state_ = State::kAwaiting;
  judge_by_ = now + kFeedbackMax;
}

std::optional<double> Probing::rate_to_ask(const ProbeConditions& conditions) const {
  const double most = 2 * std::max(conditions.useful, wanted_);
  double rate = std::min(retry_.value_or(kDouble * conditions.estimate), most);
  if (conditions.capacity > 0) rate = std::min(rate, kOfCapacity * conditions.capacity);
  if (rate < kWorthwhile * conditions.estimate) return std::nullopt;
  return rate;
}

void Probing::ask(const ProbeConditions& conditions, double bits_per_s) {
  wish_.id = ++last_id_ == kNoProbe ? ++last_id_ : last_id_;
  wish_.bits_per_s = static_cast<std::uint64_t>(bits_per_s);
  wish_.bytes = static_cast<std::uint32_t>(
      std::clamp(bits_per_s / 8 * kSeconds, double{kBytesMin}, double{kBytesMax}));
  state_ = State::kSending;
  asked_at_ = sent_at_ = conditions.now;
  bytes_out_ = 0;
  seen_ = {};
}

std::optional<double> Probing::judge(const ProbeConditions& conditions) {
  state_ = State::kIdle;
  const double passes = 1 - conditions.floor;
  const auto packets = static_cast<double>(seen_.arrived + seen_.lost);
  const bool enough = seen_.arrived >= 4 && seen_.arrived >= kReceivedMin * passes * packets;
  double sent_rate = 0;
  const double rate = enough ? measured(sent_rate) / passes : 0;
  if (rate > 0 && rate >= kPassed * sent_rate) {
    failures_ = 0;
    retry_.reset();
    capacity_before_ = conditions.capacity;
    next_ = conditions.now + std::max(conditions.srtt, kLookAgain);  // on to twice as much
    return kUsed * std::min({rate, sent_rate, static_cast<double>(wish_.bits_per_s)});
  }
  ++failures_;
  capacity_before_ = conditions.capacity;
  const bool again = rate * 0.9 > kWorthwhile * conditions.estimate && failures_ < 3;
  retry_ = again ? std::optional{rate * 0.9} : std::nullopt;
  const auto shift = std::min(failures_ > 1 ? failures_ - 1 : 0U, 2U);
  next_ = conditions.now + (again ? kRetry : std::min(kGap * (1 << shift), kGapMax));
  wanted_ = 0;
  return std::nullopt;
}

// The last packet sent and the first to arrive bound the times; their bytes lie outside.
double Probing::measured(double& sent_rate) const {
  const Duration sent_for = seen_.last_sent - seen_.first_sent;
  if (sent_for <= Duration{0} || seen_.last_arrival <= seen_.first_arrival) return 0;
  const auto rate = [](std::uint64_t bytes, Duration time) {
    return static_cast<double>(bytes) * 8e6 / static_cast<double>(time.count());
  };
  sent_rate = rate(seen_.bytes_sent - seen_.last_bytes, sent_for);
  const Duration arrived_for = std::max(seen_.last_arrival - seen_.first_arrival, Duration{250});
  return rate(seen_.bytes_arrived - seen_.first_bytes, arrived_for);
}

}  // namespace sluice::congestion
