#include "proto/congestion/train_capacity.h"

#include <algorithm>

namespace sluice::congestion {

namespace {

/// Packets that left within this of the first are one train: a turn of the sender's loop.
constexpr std::int64_t kBackToBackUs = 200;

/// Of so many packets beyond the first of their trains a second must consist to be believed.
constexpr std::uint32_t kPacketsMin = 5;

/// No rate can be told from less than one grain of the receive times.
constexpr std::int64_t kSpanMinUs = 250;

/// A train over longer than this met an outage, not a bottleneck.
constexpr std::int64_t kSpanMaxUs = 500'000;

}  // namespace

void TrainCapacity::add(PacketNumber number, Instant sent_at, Duration arrival,
                        std::uint32_t bytes) {
  const std::int64_t sent_us = to_us(sent_at);
  const bool goes_on = train_packets_ > 0 && number.value == last_number_ + 1 &&
                       sent_us >= train_sent_us_ && sent_us - train_sent_us_ <= kBackToBackUs;
  if (!goes_on) {
    end_train();
    train_sent_us_ = sent_us;
    first_arrival_us_ = arrival.count();
  } else {
    train_bytes_ += bytes;
  }
  last_arrival_us_ = arrival.count();
  last_number_ = number.value;
  ++train_packets_;
}

double TrainCapacity::bits_per_s() const {
  double largest = 0;
  for (const Second& s : seconds_) largest = std::max(largest, s.bits_per_s());
  return largest;
}

double TrainCapacity::recent_bits_per_s() const {
  if (newest_ == INT64_MIN) return 0;
  Second sum = second(newest_);
  const Second& before = second(newest_ - 1);
  sum.bytes += before.bytes;
  sum.span_us += before.span_us;
  sum.packets += before.packets;
  return sum.bits_per_s();
}

void TrainCapacity::end_train() {
  const std::int64_t span_us = last_arrival_us_ - first_arrival_us_;
  if (train_packets_ > 1 && span_us >= 0 && span_us <= kSpanMaxUs) {
    second(train_sent_us_ / 1'000'000).add(train_bytes_, span_us, train_packets_ - 1);
    if (train_sent_us_ >= anew_from_us_) anew_.add(train_bytes_, span_us, train_packets_ - 1);
  }
  train_packets_ = 0;
  train_bytes_ = 0;
}

void TrainCapacity::begin_anew(Instant now) {
  anew_ = {};
  anew_from_us_ = to_us(now);
}

void TrainCapacity::Second::add(std::uint64_t more_bytes, std::int64_t more_us,
                                std::uint32_t more_packets) {
  bytes += more_bytes;
  span_us += more_us;
  packets += more_packets;
}

double TrainCapacity::Second::bits_per_s() const {
  if (packets < kPacketsMin) return 0;
  return static_cast<double>(bytes) * 8e6 / static_cast<double>(std::max(span_us, kSpanMinUs));
}

TrainCapacity::Second& TrainCapacity::second(std::int64_t index) {
  if (newest_ == INT64_MIN || index - newest_ >= kSeconds) {
    seconds_.fill({});
    newest_ = index;
  }
  for (std::int64_t i = newest_ + 1; i <= index; ++i) {
    seconds_[static_cast<std::size_t>((i % kSeconds + kSeconds) % kSeconds)] = {};
  }
  newest_ = std::max(newest_, index);
  return seconds_[static_cast<std::size_t>((newest_ % kSeconds + kSeconds) % kSeconds)];
}

const TrainCapacity::Second& TrainCapacity::second(std::int64_t index) const {
  return seconds_[static_cast<std::size_t>((index % kSeconds + kSeconds) % kSeconds)];
}

}  // namespace sluice::congestion
