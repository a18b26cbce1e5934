#include <algorithm>
#include <array>

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
  for (const auto* windows : {&relay, &floor, &floor_openssl, &one_worker}) {
    for (const FanoutWindow& window : *windows) sum += window.copies_expected - window.copies;
  }
  return sum;
}

std::uint64_t FanoutReport::expected() const {
  std::uint64_t sum = 0;
  for (const auto* windows : {&relay, &floor, &floor_openssl, &one_worker}) {
    for (const FanoutWindow& window : *windows) sum += window.copies_expected;
  }
  return sum;
}

namespace {

/// Sums and quotients of what the relay counted.
struct Counted {
  std::vector<double> segments, calls, feedbacks, allocations;
  RelayCounts all;

  explicit Counted(const FanoutReport& report) {
    for (std::size_t i = 0; i < report.counts.size(); ++i) {
      const RelayCounts& counts = report.counts[i];
      const auto copies = static_cast<double>(report.relay[i].copies);
      if (counts.messages_out > 0) segments.push_back(counts.packets_out / counts.messages_out);
      all.repeated += counts.repeated;
      all.lost += counts.lost;
      all.frames_dropped += counts.frames_dropped;
      all.receive_drops += counts.receive_drops;
      if (copies <= 0) continue;
      if (counts.calls > 0) calls.push_back(counts.calls / copies);
      const double media = 1.0 / traffic_of(report.options).sinks_per_flow();
      feedbacks.push_back(counts.packets_in / copies - media);
      if (report.relay[i].allocations) allocations.push_back(*report.relay[i].allocations / copies);
    }
  }
};

double p50_of(const FanoutWindow& window) { return window.latency_us_p50; }

double p99_of(const FanoutWindow& window) { return window.latency_us_p99; }

double skew_of(const FanoutWindow& window) { return window.skew_us_p50; }

void put_figures(Json& json, const FanoutReport& report, const Counted& counted) {
  const auto relay_ns = median(each(report.relay, ns_of));
  json["relay_ns_per_packet"] = or_null(relay_ns);
  json["floor_ns_per_packet"] = or_null(median(each(report.floor, ns_of)));
  json["floor_openssl_ns_per_packet"] = or_null(median(each(report.floor_openssl, ns_of)));
  json["ratio"] = or_null(median(pairwise(report, report.floor, ratio_of)));
  json["segments_per_message_mean"] = or_null(median(counted.segments));
  json["packets_per_second_per_core"] =
      relay_ns && *relay_ns > 0 ? Json(1e9 / *relay_ns) : Json(nullptr);
  json["syscalls_per_packet"] = or_null(median(counted.calls));
  json["feedbacks_per_packet"] = or_null(median(counted.feedbacks));
  json["allocations_per_packet"] = or_null(median(counted.allocations));
  json["link_bytes_idle"] = or_null(report.link_bytes_idle);
  json["link_bytes_active"] = or_null(report.link_bytes_active);
  json["latency_us_p50"] = or_null(median(each(report.relay, p50_of)));
  json["latency_us_p99"] = or_null(median(each(report.relay, p99_of)));
  json["echo_latency_us_p99"] = or_null(median(each(report.floor, p99_of)));
  json["aead"] = report.aead.empty() ? Json(nullptr) : Json(report.aead);
}

void put_spans(Json& json, const FanoutReport& report) {
  const auto to_openssl = pairwise(report, report.floor_openssl, ratio_of);
  const auto p99s = pairwise(report, report.floor, [](const auto& relay, const auto& floor) {
    return floor.latency_us_p99 > 0 ? relay.latency_us_p99 / floor.latency_us_p99 : 0;
  });
  json["ratio_min_max"] = span_of(pairwise(report, report.floor, ratio_of));
  json["ratio_to_openssl"] = or_null(median(to_openssl));
  json["ratio_to_openssl_min_max"] = span_of(to_openssl);
  json["relay_ns_min_max"] = span_of(each(report.relay, ns_of));
  json["floor_ns_min_max"] = span_of(each(report.floor, ns_of));
  json["floor_openssl_ns_min_max"] = span_of(each(report.floor_openssl, ns_of));
  json["floor_aead"] = report.floor_cipher;
  json["floor_latency_us_p50"] = or_null(median(each(report.floor, p50_of)));
  json["latency_p99_ratio"] = or_null(median(p99s));
  json["skew_us_p50"] = or_null(median(each(report.relay, skew_of)));
}

/// Each worker's part of all copies, for those that had any.
Json shares_of(const FanoutReport& report) {
  std::vector<double> sums;
  double all = 0;
  for (const FanoutWindow& window : report.relay) {
    sums.resize(std::max(sums.size(), window.copies_by_worker.size()));
    for (std::size_t i = 0; i < window.copies_by_worker.size(); ++i) {
      sums[i] += static_cast<double>(window.copies_by_worker[i]);
      all += static_cast<double>(window.copies_by_worker[i]);
    }
  }
  Json shares = Json::array();
  for (std::size_t i = 0; all > 0 && i < report.options.workers && i < sums.size(); ++i) {
    shares.push_back(sums[i] / all);
  }
  return shares;
}

void put_workers(Json& json, const FanoutReport& report) {
  const auto shares = shares_of(report);
  json["workers"] = report.options.workers;
  json["worker_shares"] = shares;
  json["worker_share_max"] =
      shares.empty() ? Json(nullptr) : Json(*std::max_element(shares.begin(), shares.end()));
  if (report.one_worker.empty()) return;
  json["one_worker_ns_per_packet"] = or_null(median(each(report.one_worker, ns_of)));
  json["ratio_to_one_worker"] = or_null(median(pairwise(report, report.one_worker, ratio_of)));
  json["one_worker_skew_us_p50"] = or_null(median(each(report.one_worker, skew_of)));
  json["skew_ratio_to_one_worker"] =
      or_null(median(pairwise(report, report.one_worker, [](const auto& several, const auto& one) {
        return one.skew_us_p50 > 0 ? several.skew_us_p50 / one.skew_us_p50 : 0;
      })));
}

void put_options(Json& json, const FanoutReport& report) {
  const FanoutOptions& options = report.options;
  const Traffic traffic = traffic_of(options);
  constexpr std::array<const char*, 3> kNames{"burst", "paced", "call"};
  const bool burst = options.ingress == Ingress::kBurst;
  json["ingress"] = kNames[static_cast<std::size_t>(options.ingress)];
  json["loss_at_sinks"] = options.loss;
  json["subscribers"] = options.subscribers;
  json["rooms"] = traffic.rooms();
  json["burst"] = burst ? Json(options.burst) : Json(nullptr);
  json["packets_per_frame"] = traffic.packets(0);
  json["windows"] = report.relay.size();
  json["window_seconds"] = options.window_s;
  json["offered_copies_per_second"] = report.offered_copies_per_s;
  json["highest_copies_per_second"] = or_null(report.highest_copies_per_s);
}

/// For pictures: each window's figures, and the distribution of the last-served sink's latency.
void put_series(Json& json, const FanoutReport& report) {
  const auto cdf_of = [](const std::vector<FanoutWindow>& windows) {
    Json points = Json::array();
    for (std::size_t i = 0; i < kCdfPoints; ++i) {
      std::vector<double> at;
      for (const FanoutWindow& window : windows) {
        if (i < window.latency_us_cdf.size()) at.push_back(window.latency_us_cdf[i]);
      }
      if (const auto middle = median(at)) points.push_back(*middle);
    }
    return points;
  };
  json["relay_ns_windows"] = each(report.relay, ns_of);
  json["floor_ns_windows"] = each(report.floor, ns_of);
  json["floor_openssl_ns_windows"] = each(report.floor_openssl, ns_of);
  json["latency_us_cdf"] = cdf_of(report.relay);
  json["floor_latency_us_cdf"] = cdf_of(report.floor);
}

}  // namespace

std::string fanout_json(const FanoutReport& report) {
  const Counted counted{report};
  Json json;
  put_figures(json, report, counted);
  put_spans(json, report);
  put_workers(json, report);
  put_options(json, report);
  json["copies_expected"] = report.expected();
  json["copies_missing"] = report.missing();
  json["copies_sent_again"] = counted.all.repeated;
  json["packets_lost"] = counted.all.lost;
  json["frames_dropped"] = counted.all.frames_dropped;
  json["receive_drops"] = counted.all.receive_drops;
  json["load_average"] = report.load_average;
  put_series(json, report);
  return json.dump(2) + "\n";
}

}  // namespace sluice::bench
