#include "bench/link/cell_report.h"

#include <algorithm>
#include <optional>

#include <nlohmann/json.hpp>

#include "bench/link/miss_bound.h"

namespace sluice::bench {
namespace {

using nlohmann::ordered_json;

/// Of a coded part with its packet, of which a receiver counts only how many came.
constexpr double kRepairBytes = 1200;

double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }

double whole_ratio(const FrameCounts& counts) {
  return 1 - ratio(static_cast<double>(counts.missed), static_cast<double>(counts.sent));
}

ordered_json milliseconds(const std::optional<std::uint64_t>& us) {
  return us ? ordered_json(static_cast<double>(*us) / 1000) : ordered_json(nullptr);
}

void put_frames(ordered_json& json, const LedgerFigures& video) {
  json["frames_sent"] = video.frames.sent;
  json["frames_missed"] = video.frames.missed;
  json["frames_missed_upper_95"] = upper_bound_95(video.frames.missed, video.frames.sent);
  json["frames_whole_ratio"] = whole_ratio(video.frames);
  json["key_frames_sent"] = video.key_frames.sent;
  json["key_frames_missed"] = video.key_frames.missed;
  json["key_frames_missed_upper_95"] =
      upper_bound_95(video.key_frames.missed, video.key_frames.sent);
  json["key_frames_whole_ratio"] = whole_ratio(video.key_frames);
  json["base_frames_sent"] = video.base_frames.sent;
  json["base_frames_missed"] = video.base_frames.missed;
  json["frames_decodable_ratio"] =
      ratio(static_cast<double>(video.decodable), static_cast<double>(video.frames.sent));
  json["frames_judged_otherwise"] = video.judged_otherwise;
}

void put_audio(ordered_json& json, const LedgerFigures& audio) {
  if (audio.frames.sent == 0) return;
  json["audio_frames_sent"] = audio.frames.sent;
  json["audio_frames_missed"] = audio.frames.missed;
  json["audio_frames_missed_upper_95"] = upper_bound_95(audio.frames.missed, audio.frames.sent);
  json["audio_latency_ms_p99"] = milliseconds(audio.latency_us.percentile(0.99));
}

void put_leg(ordered_json& json, const LegFigures& leg) {
  const auto media = static_cast<double>(leg.media_bytes);
  const double split =
      leg.retransmitted_bytes + leg.coded_bytes + leg.probe_bytes + leg.control_bytes;
  json["overhead_ratio"] = leg.overhead();
  json["overhead_headers"] = leg.overhead() - ratio(split, media);
  json["overhead_retransmitted"] = ratio(leg.retransmitted_bytes, media);
  json["overhead_coded"] = ratio(leg.coded_bytes, media);
  json["overhead_probes"] = ratio(leg.probe_bytes, media);
  json["overhead_control"] = ratio(leg.control_bytes, media);
  json["overhead_split"] = leg.split == Split::kCounted ? "counted" : "estimated";
  json["feedback_ratio"] = ratio(static_cast<double>(leg.back_bytes), media);
  if (leg.split == Split::kCounted) {
    constexpr std::array<const char*, link::kMissClasses> kNames{"plain", "precious", "top_layer"};
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      json["misses"][kNames[i]] = {{"frames", leg.misses[i].frames},
                                   {"missed", leg.misses[i].missed}};
    }
  }
  json["parts_retransmitted"] = leg.parts_retransmitted;
  json["repairs"] = leg.repairs;
  json["media_bytes"] = leg.media_bytes;
  json["wire_bytes"] = leg.wire_bytes;
}

void put_queue(ordered_json& json, const LegFigures& leg) {
  const auto samples = static_cast<double>(leg.queue_us.count());
  json["queue_ms_mean"] = ratio(leg.queue_us_sum / 1000, samples);
  json["queue_ms_p95"] = milliseconds(leg.queue_us.percentile(0.95));
  json["estimate_bps"] = leg.estimate_bps;
  json["target_bps"] = leg.target_bps;
}

const char* hop_name(Hop hop) {
  switch (hop) {
    case Hop::kDown:
      return "down";
    case Hop::kUp:
      return "up";
    case Hop::kBoth:
      return "both";
  }
  return "";
}

ordered_json conditions(const CellReport& report) {
  const CellOptions& options = report.options;
  ordered_json json;
  json["simulated"] = report.simulated;
  json["runs"] = report.runs;
  json["hop"] = hop_name(options.hop);
  json["loss"] = options.loss;
  json["burst"] = options.burst;
  json["rtt_ms"] = static_cast<double>(to_us(options.rtt)) / 1000;
  json["jitter_ms"] = static_cast<double>(to_us(options.jitter)) / 1000;
  json["budget_ms"] = options.budget
                          ? ordered_json(static_cast<double>(to_us(*options.budget)) / 1000)
                          : ordered_json("auto");
  json["bitrate"] = options.bits_per_s;
  json["seconds"] = options.seconds;
  json["seed"] = options.seed;
  return json;
}

ordered_json leg_json(std::string_view name, const LegFigures& leg) {
  ordered_json json;
  json["leg"] = name;
  put_leg(json, leg);
  put_queue(json, leg);
  return json;
}

}  // namespace

double LegFigures::overhead() const {
  if (media_bytes == 0) return 0;
  return static_cast<double>(wire_bytes) / static_cast<double>(media_bytes) - 1;
}

LegFigures& LegFigures::operator+=(const LegFigures& other) {
  media_bytes += other.media_bytes;
  wire_bytes += other.wire_bytes;
  back_bytes += other.back_bytes;
  retransmitted_bytes += other.retransmitted_bytes;
  coded_bytes += other.coded_bytes;
  probe_bytes += other.probe_bytes;
  control_bytes += other.control_bytes;
  parts_retransmitted += other.parts_retransmitted;
  repairs += other.repairs;
  for (std::size_t i = 0; i < misses.size(); ++i) {
    misses[i].frames += other.misses[i].frames;
    misses[i].missed += other.misses[i].missed;
  }
  if (other.split == Split::kEstimated) split = Split::kEstimated;
  queue_us.merge(other.queue_us);
  queue_us_sum += other.queue_us_sum;
  estimate_bps.insert(estimate_bps.end(), other.estimate_bps.begin(), other.estimate_bps.end());
  target_bps.insert(target_bps.end(), other.target_bps.begin(), other.target_bps.end());
  return *this;
}

const LegFigures& CellReport::impaired_leg() const {
  const LegFigures& down = subscribers.front().leg;
  switch (options.hop) {
    case Hop::kDown:
      return down;
    case Hop::kUp:
      return uplink;
    case Hop::kBoth:
      break;
  }
  return down.overhead() > uplink.overhead() ? down : uplink;
}

void CellReport::pool(const CellReport& other) {
  runs += other.runs;
  uplink += other.uplink;
  for (std::size_t i = 0; i < subscribers.size(); ++i) {
    subscribers[i].video += other.subscribers[i].video;
    subscribers[i].audio += other.subscribers[i].audio;
    subscribers[i].leg += other.subscribers[i].leg;
    subscribers[i].parts_revived += other.subscribers[i].parts_revived;
  }
  harness_late_frames += other.harness_late_frames;
}

std::string cell_json(const CellReport& report) {
  const SubscriberFigures& first = report.subscribers.front();
  ordered_json json = conditions(report);
  put_frames(json, first.video);
  put_audio(json, first.audio);
  put_leg(json, report.impaired_leg());
  json["latency_ms_p50"] = milliseconds(first.video.latency_us.percentile(0.50));
  json["latency_ms_p99"] = milliseconds(first.video.latency_us.percentile(0.99));
  json["play_out_ms"] = first.play_out_ms;
  json["parts_revived"] = first.parts_revived;
  put_queue(json, report.impaired_leg());
  json["harness_late_frames"] = report.harness_late_frames;
  json["legs"] = {leg_json("up", report.uplink), leg_json("down", first.leg)};
  if (report.subscribers.size() > 1) {
    json["subscribers"] = ordered_json::array();
    for (const SubscriberFigures& subscriber : report.subscribers) {
      ordered_json each;
      each["loss"] = subscriber.loss;
      put_frames(each, subscriber.video);
      each["latency_ms_p50"] = milliseconds(subscriber.video.latency_us.percentile(0.50));
      each["latency_ms_p99"] = milliseconds(subscriber.video.latency_us.percentile(0.99));
      each["play_out_ms"] = subscriber.play_out_ms;
      each["parts_revived"] = subscriber.parts_revived;
      put_leg(each, subscriber.leg);
      json["subscribers"].push_back(std::move(each));
    }
  }
  return json.dump(2) + "\n";
}

void split_by_sender(LegFigures& leg, const link::LinkStats& before, const link::LinkStats& after) {
  const auto grew = [&](std::uint64_t link::LinkStats::*counter) {
    return static_cast<double>(after.*counter - before.*counter);
  };
  leg.retransmitted_bytes = grew(&link::LinkStats::retransmitted_bytes_sent);
  leg.coded_bytes = grew(&link::LinkStats::repair_bytes_sent);
  leg.probe_bytes = grew(&link::LinkStats::probe_bytes_sent);
  leg.control_bytes = grew(&link::LinkStats::control_bytes_sent);
  leg.parts_retransmitted = after.parts_retransmitted - before.parts_retransmitted;
  leg.repairs = after.repairs_sent - before.repairs_sent;
  for (std::size_t i = 0; i < leg.misses.size(); ++i) {
    leg.misses[i].frames = after.misses[i].frames - before.misses[i].frames;
    leg.misses[i].missed = after.misses[i].missed - before.misses[i].missed;
  }
}

// What came beyond the media itself came again.
void split_by_receiver(LegFigures& leg, const link::LinkStats& before, const link::LinkStats& after,
                       double arrived) {
  leg.split = Split::kEstimated;
  const auto received =
      static_cast<double>(after.media_bytes_received - before.media_bytes_received);
  leg.retransmitted_bytes =
      std::max(0.0, ratio(received, arrived) - static_cast<double>(leg.media_bytes));
  leg.repairs = after.repairs_received - before.repairs_received;
  leg.coded_bytes = ratio(static_cast<double>(leg.repairs), arrived) * kRepairBytes;
}

}  // namespace sluice::bench
