#include "client/stats.h"

#include <nlohmann/json.hpp>

namespace sluice::client {
namespace {

using nlohmann::ordered_json;

/// Feedback comes about this often on a link that is in use.
constexpr Duration kSampleEvery = std::chrono::milliseconds{50};

template <class T>
ordered_json or_null(const std::optional<T>& value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

template <class Count>
ordered_json milliseconds(const std::optional<Count>& us) {
  return us ? ordered_json(static_cast<double>(*us) / 1000.0) : ordered_json(nullptr);
}

constexpr std::string_view kKeys =
    R"(--stats writes one JSON object; null: not measured. Of a push | of a pull:
  frames, key_frames   media frames sent | written; of those, video key frames
  bytes_media          their bodies
  bytes_wire, packets  UDP payload and packets sent | received
  lost                 packets taken for lost, by feedback or by its absence | packets that did not
                       come. A sender leaves out one number in 1024 to 2048 on purpose, which
                       nobody can tell from a loss: one in 1024 is not counted
  retransmitted        parts sent again | parts that came twice, or behind newer ones
  coded                repair packets sent | received
  recovered_by_retransmission, recovered_by_fec
                       parts that were missed for a round trip or more and came, or were rebuilt
                       from repairs
  late_frames          given up for being incomplete, and more of them came afterwards
  skipped_frames       dropped before sending | given up, or not decodable without one that was
  rtt_us_p50           round trip to the relay
  latency_us_p50, _p99 with push --stamp on the same host: from push to the arrival of the frame's
                       last part; only frames pushed after the relay had answered the subscription
  play_out_delay_ms_p50, _p99
                       with pull --live: how far behind the shortest way frames are put out
  join_ms              from the first packet to the relay's answer
  first_frame_ms       from the start of the join to the first frame sent | whole (video: key frame)
  estimate_bps         what the path carries of what we send; 0: not measured
  drops                by reason: frames not sent | parts and packets not used. stale_part and
                       duplicate_part came more than once, or after their frame had been given up)";

}  // namespace

std::string_view Stats::keys() { return kKeys; }

void Stats::sample(Instant now, const link::LinkStats& link,
                   std::optional<Duration> play_out_delay) {
  bytes_wire = pushing ? link.bytes_sent : link.bytes_received;
  packets = pushing ? link.packets_sent : link.packets_received;
  lost = pushing ? link.packets_lost : link.packets_missing;
  if (pushing) retransmitted = link.parts_retransmitted;
  coded = pushing ? link.repairs_sent : link.repairs_received;
  if (!pushing) recovered_by_fec = link.parts_revived;
  estimate_bps = link.estimate_bps;
  if (now < next_sample_ || link.latest_rtt <= Duration{0}) return;
  next_sample_ = now + kSampleEvery;
  rtt_us.add(to_us(link.latest_rtt));
  if (play_out_delay) play_out_delay_us.add(to_us(*play_out_delay));
}

std::string Stats::to_json() const {
  ordered_json json;
  json["frames"] = frames;
  json["key_frames"] = key_frames;
  json["bytes_media"] = bytes_media;
  json["bytes_wire"] = bytes_wire;
  json["packets"] = packets;
  json["lost"] = lost;
  json["retransmitted"] = retransmitted;
  json["coded"] = coded;
  json["recovered_by_retransmission"] = recovered_by_retransmission;
  json["recovered_by_fec"] = recovered_by_fec;
  json["late_frames"] = late_frames;
  json["skipped_frames"] = skipped_frames;
  json["rtt_us_p50"] = or_null(rtt_us.percentile(0.50));
  json["latency_us_p50"] = or_null(latency_us.percentile(0.50));
  json["latency_us_p99"] = or_null(latency_us.percentile(0.99));
  json["play_out_delay_ms_p50"] = milliseconds(play_out_delay_us.percentile(0.50));
  json["play_out_delay_ms_p99"] = milliseconds(play_out_delay_us.percentile(0.99));
  json["join_ms"] = milliseconds(join_us);
  json["first_frame_ms"] = milliseconds(first_frame_us);
  json["estimate_bps"] = estimate_bps;
  ordered_json by_reason = ordered_json::object();
  for (std::size_t i = 0; i < drops.size(); ++i) {
    if (drops[i] != 0) by_reason[drop_reason_name(static_cast<DropReason>(i))] = drops[i];
  }
  json["drops"] = std::move(by_reason);
  return json.dump(2) + "\n";
}

}  // namespace sluice::client
