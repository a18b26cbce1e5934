#include <algorithm>

#include <nlohmann/json.hpp>

#include "bench/fanout/fanout.h"
#include "bench/report/median.h"

namespace sluice::bench {
namespace {

using Json = nlohmann::ordered_json;

Json or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

template <class Items, class Read>
std::vector<double> each(const Items& items, Read read) {
  std::vector<double> values;
  for (const auto& item : items) values.push_back(read(item));
  return values;
}

/// read(relay's window, neighbour) of each pair.
template <class Read>
std::vector<double> pairwise(const FanoutReport& report, const std::vector<FanoutWindow>& floor,
                             Read read) {
  std::vector<double> values;
  for (std::size_t i = 0; i < report.relay.size() && i < floor.size(); ++i) {
    if (floor[i].copies > 0) values.push_back(read(report.relay[i], floor[i]));
  }
  return values;
}

Json span_of(const std::vector<double>& values) {
  if (values.empty()) return nullptr;
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return Json::array({*least, *most});
}

double ratio_of(const FanoutWindow& relay, const FanoutWindow& floor) {
  return relay.ns_per_copy() / floor.ns_per_copy();
}

double ns_of(const FanoutWindow& window) { return window.ns_per_copy(); }

}  // namespace

std::uint64_t FanoutReport::missing() const {
  std::uint64_t sum = 0;
  for (const auto* windows : {&relay, &floor, &floor_openssl}) {
    for (const FanoutWindow& window : *windows) sum += window.copies_expected - window.copies;
  }
  return sum;
}

std::uint64_t FanoutReport::expected() const {
  std::uint64_t sum = 0;
  for (const auto* windows : {&relay, &floor, &floor_openssl}) {
    for (const FanoutWindow& window : *windows) sum += window.copies_expected;
  }
  return sum;
}

std::string fanout_json(const FanoutReport& report) {
  const auto relay_ns = median(each(report.relay, ns_of));
  std::vector<double> segments, calls, feedbacks;
  RelayCounts all;
  for (std::size_t i = 0; i < report.counts.size(); ++i) {
    const RelayCounts& counts = report.counts[i];
    const auto copies = static_cast<double>(report.relay[i].copies);
    if (counts.messages_out > 0) segments.push_back(counts.packets_out / counts.messages_out);
    if (copies > 0 && counts.calls > 0) calls.push_back(counts.calls / copies);
    if (copies > 0)
      feedbacks.push_back(counts.packets_in / copies - 1.0 / report.options.subscribers);
    all.repeated += counts.repeated;
    all.lost += counts.lost;
    all.frames_dropped += counts.frames_dropped;
    all.receive_drops += counts.receive_drops;
  }
  const auto ratios = pairwise(report, report.floor, ratio_of);
  const auto to_openssl = pairwise(report, report.floor_openssl, ratio_of);
  const auto p50 = [](const FanoutWindow& window) { return window.latency_us_p50; };
  const auto p99 = [](const FanoutWindow& window) { return window.latency_us_p99; };
  const bool paced = report.options.ingress == Ingress::kPaced;

  Json json;
  json["relay_ns_per_packet"] = or_null(relay_ns);
  json["floor_ns_per_packet"] = or_null(median(each(report.floor, ns_of)));
  json["floor_openssl_ns_per_packet"] = or_null(median(each(report.floor_openssl, ns_of)));
  json["ratio"] = or_null(median(ratios));
  json["segments_per_message_mean"] = or_null(median(segments));
  json["packets_per_second_per_core"] =
      relay_ns && *relay_ns > 0 ? Json(1e9 / *relay_ns) : Json(nullptr);
  json["syscalls_per_packet"] = or_null(median(calls));
  json["feedbacks_per_packet"] = or_null(median(feedbacks));
  json["allocations_per_packet"] = nullptr;  // a test of its own counts them
  json["link_bytes_idle"] = or_null(report.link_bytes_idle);
  json["link_bytes_active"] = or_null(report.link_bytes_active);
  json["latency_us_p50"] = or_null(median(each(report.relay, p50)));
  json["latency_us_p99"] = or_null(median(each(report.relay, p99)));
  json["echo_latency_us_p99"] = or_null(median(each(report.floor, p99)));
  json["aead"] = report.aead.empty() ? Json(nullptr) : Json(report.aead);
  json["ratio_min_max"] = span_of(ratios);
  json["ratio_to_openssl"] = or_null(median(to_openssl));
  json["ratio_to_openssl_min_max"] = span_of(to_openssl);
  json["relay_ns_min_max"] = span_of(each(report.relay, ns_of));
  json["floor_ns_min_max"] = span_of(each(report.floor, ns_of));
  json["floor_openssl_ns_min_max"] = span_of(each(report.floor_openssl, ns_of));
  json["floor_aead"] = report.floor_cipher;
  json["floor_latency_us_p50"] = or_null(median(each(report.floor, p50)));
  json["ingress"] = paced ? "paced" : "burst";
  json["loss_at_sinks"] = report.options.loss;
  json["subscribers"] = report.options.subscribers;
  json["burst"] = paced ? Json(nullptr) : Json(report.options.burst);
  json["packets_per_frame"] = packets_per_frame(report.options);
  json["workers"] = report.options.workers;
  json["windows"] = report.relay.size();
  json["window_seconds"] = report.options.window_s;
  json["offered_copies_per_second"] = report.offered_copies_per_s;
  json["copies_expected"] = report.expected();
  json["copies_missing"] = report.missing();
  json["copies_sent_again"] = all.repeated;
  json["packets_lost"] = all.lost;
  json["frames_dropped"] = all.frames_dropped;
  json["receive_drops"] = all.receive_drops;
  json["load_average"] = report.load_average;
  return json.dump(2) + "\n";
}

}  // namespace sluice::bench
