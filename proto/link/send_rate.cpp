#include "proto/link/send_rate.h"

#include <algorithm>

#include "proto/base/limits.h"
#include "proto/wire/media_header.h"

namespace sluice::link {

namespace {

using std::chrono::milliseconds;

/// Media is taken for this at the least where the pacer is bounded by ten times its rate: a stream
/// that has just begun, or hardly moves, is not spread out for it.
constexpr std::uint64_t kMediaMin = 1'000'000;

/// A media frame should leave within 1 ms where the path allows it: at ten times the mean rate a
/// key frame of eight times the size takes 25, which every subscriber on a clean path would have to
/// wait for with each frame. In bits, a tenth of the frame's rate.
constexpr std::uint64_t kFrameToMedia = 8 * 1000 / 10;

/// Packets are in a queue, not only behind their own train.
constexpr Duration kQueueFull = milliseconds{40};

/// A drain of less, down to which jitter looks the same, is no reason to hold media back that
/// cannot be made smaller: on 30 ms of jitter each such drain made 1 % of the frames late.
constexpr Duration kQueueToHeed = milliseconds{20};

/// A target that is too low for so long after a fall is no trial of the loss (LossFloor); and one
/// that is enough for so long is no accident.
constexpr Duration kShortFor = milliseconds{1000};
constexpr Duration kEnoughFor = milliseconds{300};

/// Media that stood still for so long has nothing that a probe could be filled with.
constexpr Duration kStill = milliseconds{500};

constexpr Duration kFillLater = milliseconds{20};

/// Of one packet: at less than half a Mbit/s loss is found a little early rather than late.
constexpr Duration kPacketTimeMax = milliseconds{20};

/// Bytes sent for each of media, when there was too little to tell, and at the most.
constexpr double kOverheadMax = 2.5;
constexpr std::uint64_t kMediaToTell = 10'000;

congestion::Config config_of(std::uint64_t pacer_max) {
  congestion::Config config;
  if (pacer_max > 0) config.max_bits_per_s = std::min(config.max_bits_per_s, pacer_max);
  config.useful_bits_per_s = 0;            // until media is offered
  config.initial_capacity_bits_per_s = 0;  // not measured
  return config;
}

}  // namespace

SendRate::SendRate(std::uint64_t pacer_max, Instant now)
    : pacer_max_(pacer_max), controller_(config_of(pacer_max), now), pacing_(pacer_max) {}

void SendRate::reset(Instant now) {
  controller_ = congestion::Controller{config_of(pacer_max_), now};
  look_for_room();
  short_since_ = enough_since_ = kNever;
  shedding_ = false;
  decide(now);
}

void SendRate::on_fresh_part(Instant now, Bytes ring_part) {
  const std::uint64_t parts = load_be<3>(&ring_part[wire::kMediaIndexOffset]) & 0xFFFU;
  frame_bytes_ = std::max(frame_bytes_, parts * ring_part.size());
  last_fresh_ = now;
}

void SendRate::on_packet(Instant now, PacketNumber number, std::uint32_t bytes,
                         bool asks_feedback) {
  // Of packets outside probes the controller learns nothing before they are settled.
  feed_.on_sent(now, number, bytes, asks_feedback, probe_);
  if (probe_ == congestion::kNoProbe) return;
  controller_.on_sent(now, number, bytes, probe_);
  const auto time_us = static_cast<std::int64_t>(bytes * 8'000'000ULL / probe_bits_per_s_);
  fill_at_ = std::max(fill_at_, now) + Duration{time_us};
  read_wish();
}

void SendRate::on_feedback(Instant now, const wire::Feedback& feedback, const RttEstimator& rtt,
                           const LinkStats& counts) {
  measure(now, counts);
  const auto results = feed_.settle(now, feedback);
  controller_.on_feedback(now, results,
                          {.srtt = rtt.srtt(),
                           .min_rtt = rtt.min_rtt(),
                           .ce_packets = feed_.ce_packets(),
                           .latest_rtt = rtt.measured() ? rtt.latest() : Duration{0}});
  decide(now);
}

Duration SendRate::packet_time() const {
  const std::uint64_t rate = controller_.recent_capacity_bits_per_s();
  if (rate == 0) return Duration{0};
  const std::uint64_t time_us = kDatagramBytesMax * 8'000'000ULL / rate;
  return std::min(Duration{static_cast<std::int64_t>(time_us)}, kPacketTimeMax);
}

void SendRate::handle_timeout(Instant now) {
  if (next_deadline() > now) return;
  controller_.handle_timeout(now);
  decide(now);
}

Instant SendRate::next_deadline() const {
  return needed_ > 0 ? controller_.next_deadline() : kNever;
}

Instant SendRate::fill_at(Instant now) const {
  if (probe_ == congestion::kNoProbe || now - last_fresh_ > kStill) return kNever;
  return fill_at_;
}

std::size_t SendRate::fill_packets() const {
  const std::uint64_t paced = probe_bits_per_s_ / (8 * 200) / kDatagramBytesMax;
  const std::uint64_t left = probe_bytes_ / kDatagramBytesMax + 1;
  return std::min<std::uint64_t>(std::clamp<std::uint64_t>(paced, 2, kRunPacketsMax), left);
}

void SendRate::postpone_fill(Instant now) { fill_at_ = now + kFillLater; }

/// Every quarter of a second: what was offered and sent in the last two.
void SendRate::measure(Instant now, const LinkStats& counts) {
  if (sample_count_ > 0 && now - sample(1).at < kSampleEvery) return;
  const Sample newest{now, offered_bytes_, counts.media_bytes_sent,
                      counts.bytes_sent - counts.probe_bytes_sent};
  samples_[sample_count_++ % kSamples] = newest;
  Peak& peak = peak_at(now);
  peak.frame_bytes = std::max(peak.frame_bytes, frame_bytes_);
  frame_bytes_ = 0;
  // Since the newest sample of 2 s ago: what a pause lies before came in less, and a link that is
  // younger is judged by what two seconds would be.
  constexpr Duration kSpan = kSampleEvery * (kSamples - 1);
  const std::size_t kept = std::min(sample_count_, kSamples);
  std::size_t back = 1;
  while (back < kept && now - sample(back).at < kSpan) ++back;
  const Sample& oldest = sample(back);
  const Instant after = back > 1 ? sample(back - 1).at : now;
  const Duration time = std::max<Duration>(now - after + kSampleEvery, kSpan);
  const std::uint64_t media = newest.media - oldest.media;
  if (media >= kMediaToTell) {
    const auto all = static_cast<double>(newest.all - oldest.all);
    overhead_ = std::clamp(all / static_cast<double>(media), 1.0, kOverheadMax);
  }
  const double offered = static_cast<double>(newest.offered - oldest.offered) * 8e6 /
                         static_cast<double>(time.count());
  needed_ = static_cast<std::uint64_t>(offered * overhead_);
  peak.needed = std::max(peak.needed, needed_);
  look_for_room();
}

void SendRate::look_for_room() {
  const auto wanted = static_cast<std::uint64_t>(static_cast<double>(useful_media_) * overhead_);
  controller_.set_useful(std::max(largest(&Peak::needed), wanted));
}

std::uint64_t SendRate::media_target_bits_per_s() const {
  return static_cast<std::uint64_t>(static_cast<double>(target_bits_per_s()) / overhead_);
}

SendRate::Peak& SendRate::peak_at(Instant now) {
  const std::int64_t index = to_us(now) / 1'000'000 / kPeakSeconds;
  const auto slot = [](std::int64_t i) {
    return static_cast<std::size_t>(i % static_cast<std::int64_t>(kPeaks));
  };
  if (index - newest_peak_ >= static_cast<std::int64_t>(kPeaks)) {
    peaks_.fill({});
    newest_peak_ = index;
  }
  while (newest_peak_ < index) peaks_[slot(++newest_peak_)] = {};
  return peaks_[slot(newest_peak_)];
}

std::uint64_t SendRate::largest(std::uint64_t Peak::*of) const {
  std::uint64_t most = 0;
  for (const Peak& peak : peaks_) most = std::max(most, peak.*of);
  return most;
}

void SendRate::decide(Instant now) {
  const Duration queue = controller_.queue_delay();
  const bool narrow = is_narrow();
  full_ = queue > (controller_.draining_ours() && narrow ? kQueueToHeed : kQueueFull) ||
          (narrow && controller_.losing());
  if (full_) full_at_ = now;
  shed(now);
  read_wish();
  pacing_ = pacer_max_;
  if (pacer_max_ == 0 || (controller_.capacity_bits_per_s() == 0 && !controller_.draining_ours())) {
    return;
  }
  const std::uint64_t media =
      std::max({kMediaMin, needed_, largest(&Peak::frame_bytes) * kFrameToMedia});
  std::uint64_t pacing = controller_.pacing_bits_per_s(media, needed_);
  if (controller_.draining_ours() && !narrow) {
    pacing = std::max({pacing, needed_, controller_.recent_capacity_bits_per_s() / 10 * 9});
  } else if (controller_.draining_ours()) {
    // What waits here while the queue empties would be no sooner there by the path, and a source
    // that follows sends less. Below a queue to heed there is nothing to wait for.
    if (!full_) pacing = std::max(pacing, needed_);
  }
  pacing_ = std::min(pacer_max_, pacing);
}

/// Trains that left back to back come through no faster than what is needed: a queue is no surprise
/// then. Where they do, jitter looks like one, or others fill the path.
bool SendRate::is_narrow() const {
  const std::uint64_t carries = controller_.recent_capacity_bits_per_s();
  return carries > 0 && carries < needed_ + needed_ / 4;
}

void SendRate::shed(Instant now) {
  if (controller_.target_bits_per_s() >= needed_) {
    short_since_ = kNever;
    if (enough_since_ == kNever) enough_since_ = now;
    if (now - enough_since_ >= kEnoughFor) shedding_ = false;
    return;
  }
  enough_since_ = kNever;
  if (short_since_ == kNever) short_since_ = now;
  const bool fell = controller_.fell_at() != kLongAgo && now - short_since_ >= kShortFor;
  shedding_ = shedding_ || full_ || fell;
}

void SendRate::read_wish() {
  const std::optional<congestion::ProbeWish> wish = controller_.probe();
  probe_ = wish ? wish->id : congestion::kNoProbe;
  if (!wish) return;
  probe_bits_per_s_ = std::max<std::uint64_t>(wish->bits_per_s, 1'000);
  probe_bytes_ = wish->bytes;
}

}  // namespace sluice::link
