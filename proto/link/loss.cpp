#include "proto/link/loss.h"

#include <algorithm>

namespace sluice::link {

namespace {

/// A longer path is not for that a less even one: detection waits for it in every round.
constexpr Duration kLateMax = std::chrono::milliseconds{6};

/// More packets than a run holds do not wait for one another: their sending is spaced.
constexpr std::uint64_t kRunMost = kRunPacketsMax;

/// P-LOSS-01's allowance for a packet that is merely late. Jitter is the round trip's variation.
Duration late_allowance(const RttEstimator& rtt) {
  return std::max({Duration{std::chrono::milliseconds{5}}, std::min(rtt.srtt() / 8, kLateMax),
                   rtt.rttvar() * 2});
}

}  // namespace

void LossMeter::add(Instant now, std::uint32_t acknowledged, std::uint32_t lost) {
  const std::int64_t index = now.time_since_epoch() / kBucket;
  const std::int64_t stale = std::min(index - newest_, kBuckets);
  for (std::int64_t i = 0; i < stale; ++i) {
    buckets_[static_cast<std::size_t>(index - i) % kBuckets] = {};
  }
  newest_ = std::max(newest_, index);
  Bucket& bucket = buckets_[static_cast<std::size_t>(newest_) % kBuckets];
  bucket.acknowledged += acknowledged;
  bucket.lost += lost;
  lost_total_ += lost;
}

double LossMeter::ratio() const {
  std::uint64_t all = 0;
  std::uint64_t lost = 0;
  for (const Bucket& bucket : buckets_) {
    all += bucket.acknowledged + bucket.lost;
    lost += bucket.lost;
  }
  return all == 0 ? 0.0 : static_cast<double>(lost) / static_cast<double>(all);
}

Status<> LossDetector::handle_feedback(Instant now, const wire::Feedback& feedback,
                                       SentPackets& sent, RttEstimator& rtt,
                                       const LossContext& context) {
  acknowledged_.clear();
  lost_.clear();
  newest_ = false;
  // P-FEEDBACK-05, P-DATA-05: before anything is believed.
  for (const wire::AckRange& range : feedback.ranges()) {
    if (range.last >= sent.next_number() || sent.any_skipped(range.first, range.last)) {
      return Unexpected{DropReason::kFeedbackOfUnsent};
    }
  }
  newest_ = !newest_feedback_ || wire::newer_feedback(feedback.number, *newest_feedback_);
  if (newest_) newest_feedback_ = feedback.number;
  measure_rtt(now, feedback, sent, rtt);
  const std::uint64_t late_before = late_.total();
  late_.on_feedback(now, feedback);
  estimate_.take_back(static_cast<std::uint32_t>(late_.total() - late_before));
  Settled settled;
  for (const wire::AckRange& range : feedback.ranges()) {
    acknowledge(range, sent, context, settled);
  }
  const Duration age = feedback.highest() == highest_acknowledged_ ? feedback.age : Duration{0};
  const Instant shown = highest_sent_at_ ? *highest_sent_at_ + age - late_allowance(rtt) : kLongAgo;
  detect_losses(now, sent, shown, context, settled);
  if (settled.all.acknowledged > 0) probes_ = 0;
  last_feedback_ = now;
  meter_.add(now, settled.all.acknowledged, settled.all.lost);
  estimate_.add(now, settled.telling.acknowledged, settled.telling.lost, settled.bursts);
  sent.drop_settled(now);
  return Done{};
}

// Only a packet acknowledged for the first time gives a sample: its age is exact, a repeated one's
// says nothing new.
void LossDetector::measure_rtt(Instant now, const wire::Feedback& feedback, const SentPackets& sent,
                               RttEstimator& rtt) {
  const PacketNumber highest = feedback.highest();
  if (highest_acknowledged_ && highest <= *highest_acknowledged_) return;
  highest_acknowledged_ = highest;
  highest_sent_at_.reset();
  if (highest < sent.begin()) return;
  const SentPacket& packet = sent.at(highest);
  highest_sent_at_ = packet.sent_at;
  if (packet.state == SentPacket::State::kOpen) {
    rtt.sample(now, now - packet.sent_at - feedback.age);
  }
}

void LossDetector::acknowledge(const wire::AckRange& range, SentPackets& sent,
                               const LossContext& context, Settled& settled) {
  const std::uint64_t first = std::max(range.first.value, sent.begin().value);
  for (std::uint64_t n = first; n <= range.last.value; ++n) {
    SentPacket& packet = sent.at({n});
    if (packet.state == SentPacket::State::kAcknowledged) continue;
    // A packet taken for lost that arrived after all: its control bytes need no second copy.
    if (packet.open()) {
      ++settled.all.acknowledged;
      settled.telling.acknowledged += context.tells(packet.sent_at) ? 1U : 0U;
    }
    packet.state = SentPacket::State::kAcknowledged;
    collect(sent, packet, acknowledged_);
  }
}

// P-LOSS-01. By number, or by time: the feedback was made at least sent(highest) + owd + age after
// the epoch of our clock, and a packet sent `late_allowance` before that, less the same owd, would
// show in it. The one-way delays cancel out, so no clock of the peer is needed. What follows the
// highest in the same run comes through the bottleneck packet by packet, each so much later.
// Where packets overtake each other, or wait for no one knows what, the number says nothing and the
// time counts from later.
void LossDetector::detect_losses(Instant now, SentPackets& sent, Instant shown,
                                 const LossContext& context, Settled& settled) {
  if (!highest_acknowledged_) return;
  const Duration window = late_.window();
  for (std::optional<PacketNumber> n = sent.oldest_open(); n; n = sent.oldest_open()) {
    SentPacket& packet = sent.at(*n);
    const bool by_number = window == Duration{0} && *n < *highest_acknowledged_ &&
                           highest_acknowledged_->value - n->value -
                                   sent.skipped_between(*n, *highest_acknowledged_) >=
                               kReorderPackets;
    if (!by_number) {
      const bool behind = *n > *highest_acknowledged_;
      const auto packets = behind ? n->value - highest_acknowledged_->value : 0;
      const Duration later =
          context.packet_time * static_cast<std::int64_t>(std::min(packets, kRunMost));
      if (packet.sent_at + later + window > shown) return;
    }
    packet.state = SentPacket::State::kLost;
    late_.on_lost(now, *n);
    ++settled.all.lost;
    if (context.tells(packet.sent_at)) {
      ++settled.telling.lost;
      settled.bursts += n->value == behind_last_lost_ ? 0U : 1U;
      behind_last_lost_ = n->value + 1;
    }
    collect(sent, packet, lost_);
  }
}

void LossDetector::collect(const SentPackets& sent, const SentPacket& packet,
                           std::vector<SentItem>& into) {
  // Not from one: more losses in a feedback than ever before would take memory late in a link's
  // life.
  if (into.capacity() == 0) into.reserve(2 * kRunPacketsMax);
  for (std::uint8_t i = 0; i < packet.item_count; ++i) into.push_back(sent.item(packet, i));
}

void LossDetector::make_room(Instant now, SentPackets& sent) {
  acknowledged_.clear();
  lost_.clear();
  std::uint32_t lost = 0;
  while (!sent.has_room()) {
    SentPacket& packet = sent.at(sent.begin());
    if (packet.open()) {
      ++lost;
      collect(sent, packet, lost_);
    }
    packet.state = SentPacket::State::kLost;
    sent.drop_settled(now);
  }
  meter_.add(now, 0, lost);
}

Instant LossDetector::probe_deadline(const SentPackets& sent, const RttEstimator& rtt) const {
  const std::optional<PacketNumber> oldest = sent.oldest_open();
  if (!oldest) return kNever;
  const Instant since = std::max({sent.at(*oldest).sent_at, last_feedback_, last_probe_});
  const std::uint32_t doublings = std::min(probes_, 10U);
  return since + std::min(Duration{rtt.pto() * (1LL << doublings)}, kPtoMax);
}

void LossDetector::on_probe(Instant now, SentPackets& sent) {
  acknowledged_.clear();
  lost_.clear();
  ++probes_;
  last_probe_ = now;
  const std::optional<PacketNumber> oldest = sent.oldest_open();
  if (!oldest) return;
  SentPacket& packet = sent.at(*oldest);
  packet.state = SentPacket::State::kLost;
  late_.on_lost(now, *oldest);
  collect(sent, packet, lost_);
  meter_.add(now, 0, 1);
  sent.drop_settled(now);
}

void LossDetector::on_path_moved(Instant now, SentPackets& sent) {
  acknowledged_.clear();
  lost_.clear();
  for (std::optional<PacketNumber> n = sent.oldest_open(); n; n = sent.oldest_open()) {
    SentPacket& packet = sent.at(*n);
    packet.state = SentPacket::State::kLost;
    late_.on_lost(now, *n);
    collect(sent, packet, lost_);
  }
  sent.drop_settled(now);
}

}  // namespace sluice::link
