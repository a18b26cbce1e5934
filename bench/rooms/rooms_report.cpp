#include <nlohmann/json.hpp>

#include "bench/rooms/rooms_run.h"

namespace sluice::bench {
namespace {

using Json = nlohmann::ordered_json;

void put(Json& json, const std::string& name, const client::Histogram& histogram) {
  constexpr std::array<std::pair<const char*, double>, 3> kPercentiles{
      {{"_p50", 0.50}, {"_p99", 0.99}, {"_max", 1.0}}};
  for (const auto& [ending, ratio] : kPercentiles) {
    const auto value = histogram.percentile(ratio);
    json[name + ending] = value ? Json(*value) : Json(nullptr);
  }
}

Json share(double bytes, double of) { return of > 0 ? Json(bytes / of) : Json(nullptr); }

}  // namespace

std::string rooms_json(const RoomsReport& report) {
  const RoomsOptions& options = report.options;
  const double members = static_cast<double>(options.rooms) * options.members;
  Json json;
  json["rooms"] = options.rooms;
  json["members"] = members;
  json["filled_s"] = report.filled_s;
  json["filling_calls"] = report.filling_calls;
  json["calls_per_s"] = options.calls_per_s;
  json["seconds"] = options.seconds;
  json["calls_answered"] = report.calls;
  json["calls_failed"] = report.failed;
  json["members_lost"] = report.lost_members;
  put(json, "latency_us", report.latency_us);
  for (std::size_t i = 0; i < kRoomsCallNames.size(); ++i) {
    put(json, std::string{kRoomsCallNames[i]} + "_us", report.latency_of_us[i]);
  }
  json["cpu_percent"] = report.cpu_percent;
  json["bytes_at_start"] = report.bytes_at_start;
  json["bytes_a_member"] = share(report.bytes_of_members, members);
  json["parked"] = options.parked;
  json["bytes_a_parked_member"] = share(report.bytes_of_parked, options.parked);
  json["polls_answered"] = report.polls_answered;
  json["notice_members"] = options.notice_members;
  put(json, "notice_us", report.notice_us);
  json["load_average"] = report.load;
  return json.dump(2) + "\n";
}

}  // namespace sluice::bench
