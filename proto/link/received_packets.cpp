#include "proto/link/received_packets.h"

#include <algorithm>

#include "proto/link/loss.h"
#include "proto/link/sent_packets.h"

namespace sluice::link {

void ReceivedPackets::record(Instant now, PacketNumber number, const PacketTraits& traits) {
  const std::uint64_t n = number.value;
  const std::uint64_t expected = range_count_ == 0 ? 0 : ranges_[range_count_ - 1].last + 1;
  bool losses = false;
  if (n >= expected) {
    if (n > expected) lossy_until_ = now + kLossyFor;
    losses = losses_to_tell(expected == 0 ? 0 : expected - 1, n);
    missing_ += n - expected;
    highest_at_ = now;
  } else if (missing_ > 0) {
    --missing_;
  }
  insert(now, n);
  arrivals_[n % kArrivals] = {static_cast<std::uint32_t>(n),
                              static_cast<std::uint32_t>(to_us(now))};
  if (traits.media_bytes > 0) budget_.earn(now, traits.media_bytes);
  asked_ = asked_ || traits.ping || traits.control;
  if (traits.congestion_mark) ce_ = (ce_ + 1) & 0xFFFFFFU;
  if (losses) ask_by(now);
  schedule(now, traits);
}

/// A missing number is now kReorderPackets below the highest and was not before: the sender will
/// take it for lost. Sooner, feedback would only say what the next one says as well.
bool ReceivedPackets::losses_to_tell(std::uint64_t highest_before, std::uint64_t number) const {
  if (number < kReorderPackets) return false;
  const std::uint64_t last = number - kReorderPackets;
  const std::uint64_t told =
      highest_before < kReorderPackets ? 0 : highest_before + 1 - kReorderPackets;
  return told <= last && !has_all(told, last);
}

bool ReceivedPackets::has_all(std::uint64_t first, std::uint64_t last) const {
  for (std::size_t i = range_count_; i-- > 0;) {
    if (ranges_[i].first > last) continue;
    return ranges_[i].first <= first && last <= ranges_[i].last;
  }
  return false;
}

// P-FEEDBACK-04.
void ReceivedPackets::schedule(Instant now, const PacketTraits& traits) {
  incomplete_due_ = traits.incomplete_for ? now + *traits.incomplete_for : kNever;
  if (!traits.asks_feedback) return;
  ++unreported_;
  const bool lossy = now < lossy_until_;
  repeats_left_ = lossy ? kFeedbackRepeats : 0;
  if (traits.ping || unreported_ >= kFeedbackPackets) {
    ask_by(now);
  } else if (lossy) {
    ask_by(std::max(now, last_feedback_ + kLossyFeedbackInterval));
  } else {
    ask_by(now + (traits.control ? kControlFeedbackDelay : kFeedbackDelay));
  }
}

bool ReceivedPackets::fill(Instant now, Duration horizon, wire::Feedback& feedback) {
  if (range_count_ == 0) return false;
  feedback.number = feedback_number_;
  feedback.age = std::min(now - highest_at_, wire::kFeedbackAgeMax);
  feedback.ce = ce_;
  feedback.range_count = 0;
  for (std::size_t i = range_count_; i-- > 0;) {
    const Range& range = ranges_[i];
    if (i + 1 < range_count_ && range.newest_arrival + horizon < highest_at_) break;
    if (!feedback.add_range({{range.first}, {range.last}})) break;
  }
  fill_times(feedback);
  return true;
}

// P-FEEDBACK-02.
void ReceivedPackets::fill_times(wire::Feedback& feedback) const {
  feedback.time_count = 0;
  std::optional<std::uint32_t> later;
  std::int64_t carry_us = 0;  // what rounding left over: errors must not add up
  for (const wire::AckRange& range : feedback.ranges()) {
    for (std::uint64_t n = range.last.value; n >= times_from_; --n) {
      const std::optional<std::uint32_t> at = arrival_of(n);
      if (!at) return;
      if (later) {
        carry_us += static_cast<std::int32_t>(*later - *at);
        const std::int64_t units = carry_us / wire::kReceiveTimeUnit.count();
        if (!feedback.add_time(static_cast<std::int32_t>(units))) return;
        carry_us -= units * wire::kReceiveTimeUnit.count();
      }
      later = at;
      if (n == range.first.value) break;
    }
    if (range.first.value <= times_from_) return;
  }
}

void ReceivedPackets::on_feedback_sent(Instant now, std::size_t bytes, Duration round_trip) {
  budget_.spend(now, bytes, round_trip);
  asked_ = false;
  ++feedback_number_;
  times_from_ = last_highest_;
  last_highest_ = range_count_ == 0 ? 0 : ranges_[range_count_ - 1].last;
  last_feedback_ = now;
  unreported_ = 0;
  due_ = kNever;
  if (incomplete_due_ <= now) {
    incomplete_due_ = kNever;
    repeats_left_ = std::max(repeats_left_, kFeedbackRepeats);
  }
  if (repeats_left_ == 0) return;
  --repeats_left_;
  due_ = now + kLossyFeedbackInterval;
}

std::optional<PacketNumber> ReceivedPackets::highest() const {
  if (range_count_ == 0) return std::nullopt;
  return PacketNumber{ranges_[range_count_ - 1].last};
}

// P-DATA-05: nobody but the sender knows which numbers it left out, so as many as it may have.
std::uint64_t ReceivedPackets::missing() const {
  if (range_count_ == 0) return 0;
  const std::uint64_t left_out = ranges_[range_count_ - 1].last / kSkipEvery;
  return missing_ - std::min(missing_, left_out);
}

std::optional<std::uint32_t> ReceivedPackets::arrival_of(std::uint64_t number) const {
  const Arrival& arrival = arrivals_[number % kArrivals];
  if (arrival.number_low != static_cast<std::uint32_t>(number)) return std::nullopt;
  return arrival.at_us_low;
}

void ReceivedPackets::insert(Instant now, std::uint64_t number) {
  // From the top: a new packet nearly always extends the highest range.
  std::size_t i = range_count_;
  while (i > 0 && ranges_[i - 1].first > number) --i;
  // Now ranges_[i - 1], if there is one, begins at or below the number, and ranges_[i] above it.
  if (i > 0 && number <= ranges_[i - 1].last) return;
  const bool extends_below = i > 0 && ranges_[i - 1].last + 1 == number;
  const bool extends_above = i < range_count_ && ranges_[i].first == number + 1;
  if (extends_below && extends_above) {
    ranges_[i - 1].last = ranges_[i].last;
    ranges_[i - 1].newest_arrival = now;
    erase_at(i);
  } else if (extends_below) {
    ranges_[i - 1].last = number;
    ranges_[i - 1].newest_arrival = now;
  } else if (extends_above) {
    ranges_[i].first = number;
    ranges_[i].newest_arrival = now;
  } else {
    insert_at(i, {number, number, now});
  }
}

// Overload policy: the oldest range is forgotten; its packets were stated many times by then.
void ReceivedPackets::insert_at(std::size_t index, const Range& range) {
  if (range_count_ == ranges_.size()) {
    if (index == 0) return;
    erase_at(0);
    --index;
  }
  std::move_backward(ranges_.begin() + static_cast<std::ptrdiff_t>(index),
                     ranges_.begin() + static_cast<std::ptrdiff_t>(range_count_),
                     ranges_.begin() + static_cast<std::ptrdiff_t>(range_count_ + 1));
  ranges_[index] = range;
  ++range_count_;
}

void ReceivedPackets::erase_at(std::size_t index) {
  std::move(ranges_.begin() + static_cast<std::ptrdiff_t>(index + 1),
            ranges_.begin() + static_cast<std::ptrdiff_t>(range_count_),
            ranges_.begin() + static_cast<std::ptrdiff_t>(index));
  --range_count_;
}

}  // namespace sluice::link
