#include "bench/link/cell_ledger.h"

#include <algorithm>

namespace sluice::bench {
namespace {

/// Two halves make the window of P-TIME-01, as in the subscriber.
constexpr Duration kBaseHalfWindow = std::chrono::seconds{5};

constexpr std::uint32_t kDtsMask = 0xFFFFFF;

}  // namespace

void ArrivalBase::add(Instant arrival, std::uint32_t dts_ms) {
  if (arrival - turned_at_ >= kBaseHalfWindow) {
    before_ = present_;
    present_ = kNever;
    turned_at_ = arrival;
  }
  present_ = std::min(present_, arrival - std::chrono::milliseconds{dts_ms});
}

Instant ArrivalBase::expected(std::uint32_t dts_ms) const {
  const Instant base = std::min(present_, before_);
  return base == kNever ? kNever : base + std::chrono::milliseconds{dts_ms};
}

FrameCounts& FrameCounts::operator+=(const FrameCounts& other) {
  sent += other.sent;
  missed += other.missed;
  return *this;
}

LedgerFigures& LedgerFigures::operator+=(const LedgerFigures& other) {
  frames += other.frames;
  key_frames += other.key_frames;
  base_frames += other.base_frames;
  decodable += other.decodable;
  judged_otherwise += other.judged_otherwise;
  media_bytes += other.media_bytes;
  latency_us.merge(other.latency_us);
  return *this;
}

void CellLedger::on_sent(Instant at, const FeedFrame& frame) {
  settle(at);
  Frame added;
  added.feed = frame;
  added.sent = at;
  frames_.push_back(std::move(added));
}

Instant CellLedger::deadline(const Frame& frame) const {
  const Instant expected = base_.expected(frame.feed.timestamp_ms);
  return expected == kNever ? kNever : expected + budget_;
}

CellLedger::Frame* CellLedger::find(std::uint32_t dts_ms) {
  const auto found = std::partition_point(
      frames_.begin(), frames_.end(),
      [dts_ms](const Frame& frame) { return (frame.feed.timestamp_ms & kDtsMask) < dts_ms; });
  const bool hit = found != frames_.end() && (found->feed.timestamp_ms & kDtsMask) == dts_ms;
  return hit ? &*found : nullptr;
}

void CellLedger::on_part(Instant now, const wire::MediaHeader& part) {
  settle(now);
  base_.add(now, part.dts);
  Frame* frame = find(part.dts);
  if (frame == nullptr || frame->state != State::kOpen) return;
  frame->seen.resize(part.count);
  if (part.index >= part.count || frame->seen[part.index]) return;
  frame->seen[part.index] = true;
  if (++frame->have < part.count) return;
  frame->state = now <= deadline(*frame) ? State::kWhole : State::kMissed;
  frame->ended = now;
  frame->seen = {};
}

void CellLedger::on_played(std::uint32_t timestamp_ms) {
  if (Frame* frame = find(timestamp_ms & kDtsMask)) frame->played = true;
}

// Deadlines rise with the frames' numbers, so the first that is not over ends the walk.
void CellLedger::settle(Instant now) {
  for (; open_from_ < frames_.size(); ++open_from_) {
    Frame& frame = frames_[open_from_];
    const Instant due = deadline(frame);
    if (due == kNever || now <= due) break;
    if (frame.state != State::kOpen) continue;
    frame.state = State::kMissed;
    frame.ended = due;
    frame.seen = {};
  }
  while (open_from_ > 0 && now > deadline(frames_.front()) + kKept) {
    retire(frames_.front());
    frames_.pop_front();
    --open_from_;
  }
}

void CellLedger::finish() {
  for (Frame& frame : frames_) {
    if (frame.state == State::kOpen) {
      frame.state = State::kMissed;
      frame.ended = deadline(frame);
    }
    retire(frame);
  }
  frames_.clear();
  open_from_ = 0;
}

void CellLedger::retire(const Frame& frame) {
  const bool whole = frame.state == State::kWhole;
  const auto& on = frame.feed.depends_on;
  const bool decodable = whole && (!on || decodable_[*on % kRemembered]);
  decodable_[frame.feed.number % kRemembered] = decodable;
  if (frame.sent < counted_from_) return;
  figures_.frames.add(whole);
  if (frame.feed.keyframe) figures_.key_frames.add(whole);
  if (frame.feed.layer == 0) figures_.base_frames.add(whole);
  figures_.decodable += decodable ? 1U : 0U;
  figures_.judged_otherwise += decodable != frame.played ? 1U : 0U;
  figures_.media_bytes += frame.feed.bytes;
  if (whole) figures_.latency_us.add(to_us(frame.ended - frame.sent));
  if (keep_lives_) lives_.push_back({frame.sent, frame.ended});
}

}  // namespace sluice::bench
