#include "relay/control/metrics_page.h"

#include <array>
#include <limits>
#include <utility>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "daemon/process_metrics.h"
#include "proto/base/drop_reason.h"

namespace sluice::relay {
namespace {

using Families = std::vector<prometheus::MetricFamily>;
using Labels = std::vector<prometheus::ClientMetric::Label>;

constexpr std::array<std::string_view, kHandshakeStatusCount> kHandshakeResults{
    "accepted",       "ticket_expired", "ticket_replayed", "ticket_not_yet",
    "ticket_foreign", "ticket_void",    "room_full",       "relay_full",
    "draining",       "user_present",   "version"};

constexpr std::array<std::string_view, static_cast<std::size_t>(PacketKind::kCount)> kPacketKinds{
    "handshake", "data", "reset"};

/// By link::MissClass: key frames and sound, on which all else depends; on the top layer nothing.
constexpr std::array<std::string_view, link::kMissClasses> kMissClassNames{"plain", "precious",
                                                                           "top_layer"};

double as_double(std::uint64_t value) { return static_cast<double>(value); }

double us_as_seconds(std::uint64_t us) { return static_cast<double>(us) * 1e-6; }

/// One family under construction.
class Family {
 public:
  Family(Families& families, prometheus::MetricType type, std::string name, std::string help)
      : family_(families.emplace_back()) {
    family_.type = type;
    family_.name = std::move(name);
    family_.help = std::move(help);
  }

  Family& add(double value, Labels labels = {}) {
    prometheus::ClientMetric& metric = family_.metric.emplace_back();
    metric.label = std::move(labels);
    if (family_.type == prometheus::MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
    }
    return *this;
  }

  prometheus::ClientMetric& histogram() { return family_.metric.emplace_back(); }

 private:
  prometheus::MetricFamily& family_;
};

/// Reads all shards. Sums of what only workers have, and of what the door has too.
class Collector {
 public:
  explicit Collector(const MetricsSource& source) : source_(source) { families_.reserve(64); }

  Families collect() {
    collect_state();
    collect_handshakes();
    collect_traffic();
    collect_media();
    collect_recovery();
    collect_threads();
    collect_latency();
    collect_control();
    collect_process();
    return std::move(families_);
  }

 private:
  Family gauge(const std::string& name, std::string help) {
    return {families_, prometheus::MetricType::Gauge, "sluice_relay_" + name, std::move(help)};
  }

  Family counter(const std::string& name, std::string help) {
    return {families_, prometheus::MetricType::Counter, "sluice_relay_" + name, std::move(help)};
  }

  template <class Member>
  double sum_workers(Member member) const {
    std::uint64_t sum = 0;
    for (const WorkerMetrics* worker : source_.workers) sum += (worker->*member).value();
    return as_double(sum);
  }

  /// read(shard) of the door and of each worker.
  template <class Read>
  double sum_threads(Read read) const {
    std::uint64_t sum = read(static_cast<const ThreadMetrics&>(*source_.door));
    for (const WorkerMetrics* worker : source_.workers) sum += read(*worker);
    return as_double(sum);
  }

  template <class Visit>
  void each_thread(Visit visit) const {
    visit("door", *source_.door);
    for (std::size_t i = 0; i < source_.workers.size(); ++i) {
      visit("worker" + std::to_string(i), *source_.workers[i]);
    }
  }

  void collect_state() {
    const DoorMetrics& door = *source_.door;
    const bool draining = source_.draining();
    gauge("build_info", "1; the labels say what was built and which cipher code runs.")
        .add(1, {{"version", source_.version},
                 {"aead_backend", std::string{source_.aead_backend}},
                 {"compiler", __VERSION__}});
    gauge("start_time_seconds", "When the relay started, in Unix time.")
        .add(static_cast<double>(source_.start_time_s));
    gauge("ready", "1 while new members are taken.").add(draining ? 0 : 1);
    gauge("draining", "1 while the relay empties itself.").add(draining ? 1 : 0);
    gauge("under_load", "1 while the door asks strangers for cookies.")
        .add(as_double(door.under_load.value()));
    gauge("rooms", "Open rooms.").add(as_double(door.rooms.value()));
    gauge("members", "Members in all rooms.").add(sum_workers(&WorkerMetrics::members));
    gauge("streams", "Streams being pushed.").add(sum_workers(&WorkerMetrics::streams));
    gauge("subscriptions", "Subscriptions to streams.")
        .add(sum_workers(&WorkerMetrics::subscriptions));
    gauge("subscriptions_paused", "Subscriptions whose picture is paused for now.")
        .add(sum_workers(&WorkerMetrics::subscriptions_paused));
    gauge("branches", "Presences of rooms on workers besides their home.")
        .add(sum_workers(&WorkerMetrics::branches));
    gauge("links", "Links by state: half open ones have not sent authentic data yet.")
        .add(as_double(door.half_open.value()), {{"state", "half_open"}})
        .add(sum_workers(&WorkerMetrics::links), {{"state", "open"}});
    gauge("used_tickets", "Ticket ids remembered until their expiry.")
        .add(as_double(door.used_tickets.value()));
  }

  void collect_handshakes() {
    const DoorMetrics& door = *source_.door;
    Family handshakes = counter("handshakes_total", "Answered handshakes by their result.");
    for (std::size_t i = 0; i < kHandshakeResults.size(); ++i) {
      handshakes.add(as_double(door.handshakes[i].value()),
                     {{"result", std::string{kHandshakeResults[i]}}});
    }
    counter("accepts_repeated_total", "Repeated handshakes that got their first answer again.")
        .add(as_double(door.accepts_repeated.value()));
    counter("cookies_sent_total", "Cookies sent to strangers.")
        .add(as_double(door.cookies_sent.value()));
    counter("resets_sent_total", "Stateless resets sent for unknown connection ids.")
        .add(as_double(door.resets_sent.value()) + sum_workers(&WorkerMetrics::resets_sent));
  }

  void collect_traffic() {
    add_traffic("packets_total", "Datagrams by direction and kind.",
                [](const TrafficCounters& t, std::size_t kind) { return t.packets[kind].value(); });
    add_traffic("bytes_total", "UDP payload by direction and kind, in bytes.",
                [](const TrafficCounters& t, std::size_t kind) { return t.bytes[kind].value(); });
    Family drops = counter("drops_total", "What was dropped, by reason.");
    for (std::size_t i = 0; i < kDropReasonCount; ++i) {
      drops.add(sum_threads([i](const ThreadMetrics& t) { return t.drops[i].value(); }),
                {{"reason", std::string{drop_reason_name(static_cast<DropReason>(i))}}});
    }
    counter("socket_calls_total", "System calls on UDP sockets, by direction.")
        .add(sum_threads([](const ThreadMetrics& t) { return t.receive_calls.value(); }),
             {{"direction", "in"}})
        .add(sum_threads([](const ThreadMetrics& t) { return t.send_calls.value(); }),
             {{"direction", "out"}});
    counter("socket_messages_total",
            "Messages handed to the kernel: packets over messages is the mean run.")
        .add(sum_threads([](const ThreadMetrics& t) { return t.messages_out.value(); }),
             {{"direction", "out"}});
    counter("socket_receive_drops_total", "Datagrams the kernel dropped: receive buffer full.")
        .add(sum_threads([](const ThreadMetrics& t) { return t.socket_receive_drops.value(); }));
  }

  template <class Read>
  void add_traffic(const std::string& name, std::string help, Read read) {
    Family family = counter(name, std::move(help));
    for (std::size_t kind = 0; kind < kPacketKinds.size(); ++kind) {
      const std::string label{kPacketKinds[kind]};
      family.add(sum_threads([&](const ThreadMetrics& t) { return read(t.in, kind); }),
                 {{"direction", "in"}, {"kind", label}});
      family.add(sum_threads([&](const ThreadMetrics& t) { return read(t.out, kind); }),
                 {{"direction", "out"}, {"kind", label}});
    }
  }

  void collect_media() {
    using W = WorkerMetrics;
    counter("parts_total", "Parts stored from pushers, queued for subscribers, sent again.")
        .add(sum_workers(&W::parts_in), {{"step", "stored"}})
        .add(sum_workers(&W::parts_forwarded), {{"step", "forwarded"}})
        .add(sum_workers(&W::parts_retransmitted), {{"step", "retransmitted"}});
    counter("frames_total", "Media frames that came in, and verdicts of subscriptions on them.")
        .add(sum_workers(&W::frames_in), {{"step", "received"}})
        .add(sum_workers(&W::frames_forwarded), {{"step", "forwarded"}})
        .add(sum_workers(&W::frames_dropped), {{"step", "dropped"}});
    counter("packets_lost_total", "Packets lost on the way out, and missing on the way in.")
        .add(sum_workers(&W::packets_lost), {{"direction", "out"}})
        .add(sum_workers(&W::packets_missing), {{"direction", "in"}});
    counter("key_requests_total", "Key frame requests from subscribers, and to pushers.")
        .add(sum_workers(&W::key_requests_in), {{"direction", "in"}})
        .add(sum_workers(&W::key_requests_out), {{"direction", "out"}});
    counter("rendition_switches_total", "Times that a subscription went on with another rendition.")
        .add(sum_workers(&W::rendition_switches));
    counter("handover_parts_total", "Parts handed from one worker to another.")
        .add(sum_workers(&W::handover_parts_in), {{"direction", "in"}})
        .add(sum_workers(&W::handover_parts_out), {{"direction", "out"}});
    counter("worker_mail_total", "Messages between the relay's threads.")
        .add(sum_workers(&W::mail_in));
  }

  void collect_recovery() {
    using W = WorkerMetrics;
    counter("packets_late_total", "Packets sent, taken for lost, and acknowledged after all.")
        .add(sum_workers(&W::packets_late));
    counter("repairs_total", "Coded repairs received from pushers, and sent to subscribers.")
        .add(sum_workers(&W::repairs_in), {{"direction", "in"}})
        .add(sum_workers(&W::repairs_out), {{"direction", "out"}});
    counter("parts_revived_total", "Lost parts of pushers that repairs brought back.")
        .add(sum_workers(&W::parts_revived));
    counter("feedback_bytes_total", "Bytes of feedback sent, wherever they rode.")
        .add(sum_workers(&W::feedback_bytes_out));
    add_by_class("frames_watched_total", "Media frames sent on links with loss, by class.",
                 &W::frames_watched);
    add_by_class("frames_missed_total", "Those of them that were not whole at their deadline.",
                 &W::frames_missed);
  }

  void add_by_class(const std::string& name, std::string help,
                    std::array<net::Counter, link::kMissClasses> WorkerMetrics::*counters) {
    Family family = counter(name, std::move(help));
    for (std::size_t i = 0; i < kMissClassNames.size(); ++i) {
      std::uint64_t sum = 0;
      for (const WorkerMetrics* worker : source_.workers) sum += (worker->*counters)[i].value();
      family.add(as_double(sum), {{"class", std::string{kMissClassNames[i]}}});
    }
  }

  void collect_threads() {
    Family busy = counter("thread_busy_seconds_total", "Time spent in turns of a thread's loop.");
    each_thread([&](const std::string& name, const ThreadMetrics& t) {
      busy.add(us_as_seconds(t.busy_us.value()), {{"thread", name}});
    });
    Family turns = counter("thread_turns_total", "Turns of a thread's loop that had work.");
    each_thread([&](const std::string& name, const ThreadMetrics& t) {
      turns.add(as_double(t.turns.value()), {{"thread", name}});
    });
    Family turn = gauge("thread_turn_max_seconds", "The longest turn of a thread's loop so far.");
    each_thread([&](const std::string& name, const ThreadMetrics& t) {
      turn.add(us_as_seconds(t.turn_us_max.value()), {{"thread", name}});
    });
    Family lag = gauge("thread_timer_lag_max_seconds", "The latest a deadline was served so far.");
    each_thread([&](const std::string& name, const ThreadMetrics& t) {
      lag.add(us_as_seconds(t.timer_lag_us_max.value()), {{"thread", name}});
    });
    gauge("udp_offload_threads", "Threads whose kernel takes and gives several datagrams at once.")
        .add(sum_threads([](const ThreadMetrics& t) { return t.segmentation.value(); }),
             {{"kind", "segmentation"}})
        .add(sum_threads([](const ThreadMetrics& t) { return t.coalescing.value(); }),
             {{"kind", "coalescing"}});
  }

  void collect_latency() {
    Family family{families_, prometheus::MetricType::Histogram,
                  "sluice_relay_forward_latency_seconds",
                  "From the kernel receiving a packet to sending what it caused, by turn."};
    prometheus::ClientMetric& metric = family.histogram();
    std::uint64_t sum_us = 0, cumulative = 0;
    for (const WorkerMetrics* worker : source_.workers) {
      sum_us += worker->forward_latency.sum_us();
    }
    for (std::size_t bucket = 0; bucket < LatencyHistogram::kBuckets; ++bucket) {
      for (const WorkerMetrics* worker : source_.workers) {
        cumulative += worker->forward_latency.count_in(bucket);
      }
      // The shards' quarter octaves are for quantiles in the relay; whole octaves, 1 us to 8 s, are
      // what a board needs: 24 series instead of 94.
      const bool is_last = bucket == LatencyHistogram::kBuckets - 1;
      if (bucket % LatencyHistogram::kPerOctave != 0 && !is_last) continue;
      const double bound = is_last ? std::numeric_limits<double>::infinity()
                                   : us_as_seconds(LatencyHistogram::upper_bound_us(bucket));
      metric.histogram.bucket.push_back({cumulative, bound});
    }
    metric.histogram.sample_count = cumulative;
    metric.histogram.sample_sum = us_as_seconds(sum_us);
  }

  void collect_control() {
    const ControlCounts counts = source_.control();
    gauge("control_connections", "Open connections of the control socket.")
        .add(as_double(counts.connections));
    gauge("control_room_service", "1 while an active room service is connected.")
        .add(counts.room_service ? 1 : 0);
    counter("control_requests_total", "Requests on the control socket.")
        .add(as_double(counts.requests));
    counter("control_refusals_total", "Requests answered with an error, malformed ones included.")
        .add(as_double(counts.refusals));
    counter("control_timeouts_total", "Requests in either direction without an answer in time.")
        .add(as_double(counts.timeouts));
    counter("control_events_total", "Events for the room service, sent or not.")
        .add(as_double(counts.events));
  }

  void collect_process() {
    const daemon::ProcessMetrics process = daemon::read_process_metrics();
    using prometheus::MetricType;
    Family{families_, MetricType::Counter, "process_cpu_seconds_total",
           "CPU time, user and system."}
        .add(process.cpu_seconds);
    Family{families_, MetricType::Gauge, "process_resident_memory_bytes", "Resident memory."}.add(
        as_double(process.resident_bytes));
    Family{families_, MetricType::Gauge, "process_open_fds", "Open descriptors."}.add(
        as_double(process.open_descriptors));
    Family{families_, MetricType::Gauge, "process_max_fds", "Descriptors allowed."}.add(
        as_double(process.max_descriptors));
    Family{families_, MetricType::Gauge, "process_threads", "Threads."}.add(
        as_double(process.threads));
  }

  const MetricsSource& source_;
  Families families_;
};

}  // namespace

std::vector<prometheus::MetricFamily> collect_metrics(const MetricsSource& source) {
  return Collector{source}.collect();
}

std::string metrics_text(const MetricsSource& source) {
  return prometheus::TextSerializer{}.Serialize(collect_metrics(source));
}

}  // namespace sluice::relay
