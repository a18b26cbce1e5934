#include "proto/link/congestion_feed.h"

#include <algorithm>

#include "proto/link/loss.h"

namespace sluice::link {

namespace {

/// More numbers left out at once than P-DATA-05 can bring about: what was before is forgotten.
constexpr std::uint64_t kGapMax = 64;

/// Marks travel in 24 bits.
constexpr std::uint32_t kMarksModulus = 1U << 24U;

}  // namespace

void CongestionFeed::on_sent(Instant now, PacketNumber number, std::uint32_t bytes,
                             bool asks_feedback, congestion::ProbeId probe) {
  const std::uint64_t next = first_ + sent_.size();
  if (sent_.empty() || number.value < next || number.value - next > kGapMax) {
    sent_.clear();
    first_ = number.value;
  }
  while (first_ + sent_.size() < number.value) push().settled = true;
  Sent& sent = push();
  sent.sent_at = now;
  sent.bytes = bytes;
  sent.probe = probe;
  sent.asks_feedback = asks_feedback;
}

CongestionFeed::Sent& CongestionFeed::push() {
  if (sent_.full()) {
    sent_.pop_front();
    ++first_;
  }
  return *sent_.push_new();
}

std::span<const congestion::PacketResult> CongestionFeed::settle(Instant now,
                                                                 const wire::Feedback& feedback) {
  results_.clear();
  ce_packets_ = 0;
  if (feedback.range_count == 0) return results_;
  read_times(now, feedback);
  count_marks(feedback);
  const std::uint64_t end = first_ + sent_.size();
  highest_ = std::max(highest_.value_or(0), feedback.highest().value);
  // Both ascend: the packets in flight, and the ranges from the last to the first.
  const std::span<const wire::AckRange> ranges = feedback.ranges();
  std::size_t range = ranges.size();
  for (std::uint64_t n = first_; n < end && n <= *highest_; ++n) {
    while (range > 0 && ranges[range - 1].last.value < n) --range;
    const Sent& sent = sent_[n - first_];
    if (sent.settled) continue;
    const bool arrived = range > 0 && ranges[range - 1].first.value <= n;
    const bool lost = *highest_ - n >= kReorderPackets;
    if (arrived || lost) report(n, !arrived);
  }
  while (!sent_.empty() && sent_.front().settled) {
    sent_.pop_front();
    ++first_;
  }
  return results_;
}

// P-FEEDBACK-02: the difference to the received packet before, newest first, across the ranges.
void CongestionFeed::read_times(Instant now, const wire::Feedback& feedback) {
  clock_.begin(now, feedback.age, feedback.highest());
  std::size_t told = 0;
  bool first = true;
  for (const wire::AckRange& range : feedback.ranges()) {
    for (std::uint64_t n = range.last.value;; --n) {
      if (!first) {
        if (told == feedback.times().size()) return clock_.finish();
        clock_.add({n}, feedback.times()[told++]);
      }
      first = false;
      if (n == range.first.value) break;
    }
  }
  clock_.finish();
}

void CongestionFeed::count_marks(const wire::Feedback& feedback) {
  if (newest_feedback_ && !wire::newer_feedback(feedback.number, *newest_feedback_)) return;
  newest_feedback_ = feedback.number;
  ce_packets_ = (feedback.ce - ce_total_) % kMarksModulus;
  // A total that went back is no count: half of the range and more is a lie.
  if (ce_packets_ >= kMarksModulus / 2) ce_packets_ = 0;
  ce_total_ = feedback.ce;
}

void CongestionFeed::report(std::uint64_t number, bool lost) {
  Sent& sent = sent_[number - first_];
  sent.settled = true;
  if (lost && !sent.asks_feedback) return;
  congestion::PacketResult& result = results_.emplace_back();
  result.number = {number};
  result.sent_at = sent.sent_at;
  if (!lost) result.arrival = clock_.arrival_of({number});
  result.bytes = sent.bytes;
  result.lost = lost;
  result.probe = sent.probe;
}

}  // namespace sluice::link
