#include "proto/congestion/train_capacity.h"

#include <algorithm>

namespace sluice::congestion {

namespace {

/// Packets that left within this of the first are one train: a turn of the sender's loop.
constexpr std::int64_t kBackToBackUs = 200;

/// Of so many packets beyond the first of their trains a second must consist to be believed.
constexpr std::uint32_t kPacketsMin = 5;

/// A bottleneck spreads all trains alike; where jitter does, the fastest of those with so many
/// packets says more. The half of it, as jitter may have pressed that one together.
constexpr std::uint32_t kLongPackets = 4;
constexpr double kOfFastest = 0.5;

/// No rate can be told from less than one grain of the receive times.
constexpr std::int64_t kSpanMinUs = 250;

/// Delays that jitter by more than this make short trains look long. Then a capacity too high is
/// the smaller evil: at one too low each large frame would wait for nothing.
constexpr std::int64_t kNoiseMinUs = 2'000;
constexpr std::int64_t kNoiseTimes = 2, kSpanPartMin = 8;

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

/// Asked many times between two trains.
void TrainCapacity::sum_up() {
  Second sum = second(newest_);
  largest_ = std::max(largest_before_, sum.bits_per_s());
  const Second& before = seconds_[slot(newest_ - 1)];
  sum.bytes += before.bytes;
  sum.span_us += before.span_us;
  sum.packets += before.packets;
  sum.fastest = std::max(sum.fastest, before.fastest);
  recent_ = sum.bits_per_s();
}

void TrainCapacity::end_train() {
  std::int64_t span_us = last_arrival_us_ - first_arrival_us_;
  if (noise_us_ > kNoiseMinUs) {
    span_us = std::max(span_us - noise_us_ * kNoiseTimes, span_us / kSpanPartMin);
  }
  if (train_packets_ > 1 && span_us >= 0 && span_us <= kSpanMaxUs) {
    second(train_sent_us_ / 1'000'000).add(train_bytes_, span_us, train_packets_ - 1);
    if (train_sent_us_ >= anew_from_us_) {
      anew_.add(train_bytes_, span_us, train_packets_ - 1);
    }
    sum_up();
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
  if (more_packets < kLongPackets) return;
  const auto time_us = static_cast<double>(std::max(more_us, kSpanMinUs));
  fastest = std::max(fastest, static_cast<double>(more_bytes) * 8e6 / time_us);
}

double TrainCapacity::Second::bits_per_s() const {
  if (packets < kPacketsMin) return 0;
  const double mean =
      static_cast<double>(bytes) * 8e6 / static_cast<double>(std::max(span_us, kSpanMinUs));
  return std::max(mean, fastest * kOfFastest);
}

TrainCapacity::Second& TrainCapacity::second(std::int64_t index) {
  if (newest_ == INT64_MIN || index - newest_ >= kSeconds) {
    seconds_.fill({});
    newest_ = index;
    largest_before_ = 0;
  }
  for (std::int64_t i = newest_ + 1; i <= index; ++i) {
    seconds_[slot(i)] = {};
  }
  if (index > newest_) {
    newest_ = index;
    largest_before_ = 0;
    for (const Second& s : seconds_) largest_before_ = std::max(largest_before_, s.bits_per_s());
  }
  return seconds_[slot(newest_)];
}

}  // namespace sluice::congestion
