#include "rooms/metrics_page.h"

#include <utility>
#include <vector>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "daemon/process_metrics.h"
#include "rooms/service.h"

namespace sluice::rooms {
namespace {

using Labels = std::vector<prometheus::ClientMetric::Label>;

class Page {
 public:
  void begin(prometheus::MetricType type, const std::string& name, std::string help) {
    prometheus::MetricFamily& family = families_.emplace_back();
    family.type = type;
    family.name = name;
    family.help = std::move(help);
  }

  void gauge(const std::string& name, std::string help, double value) {
    begin(prometheus::MetricType::Gauge, name, std::move(help));
    add(value);
  }

  void counter(const std::string& name, std::string help, double value) {
    begin(prometheus::MetricType::Counter, name, std::move(help));
    add(value);
  }

  void add(double value, Labels labels = {}) {
    prometheus::ClientMetric& metric = families_.back().metric.emplace_back();
    metric.label = std::move(labels);
    if (families_.back().type == prometheus::MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
    }
  }

  std::string text() const { return prometheus::TextSerializer{}.Serialize(families_); }

 private:
  std::vector<prometheus::MetricFamily> families_;
};

double as_double(std::uint64_t value) { return static_cast<double>(value); }

void add_state(Page& page, const MetricsView& view) {
  page.begin(prometheus::MetricType::Gauge, "sluice_rooms_build_info", "1; what was built.");
  page.add(1, {{"version", view.version}});
  page.gauge("sluice_rooms_start_time_seconds", "When the service started, in Unix time.",
             static_cast<double>(view.start_time_s));
  page.gauge("sluice_rooms_ready", "1 while changes can be written to the journal.",
             view.ready ? 1 : 0);
  page.begin(prometheus::MetricType::Gauge, "sluice_rooms_rooms", "Rooms, entered or not.");
  for (const RoomType type : kRoomTypes) {
    page.add(as_double(view.rooms[static_cast<std::size_t>(type)]),
             {{"type", std::string{type_name(type)}}});
  }
  page.gauge("sluice_rooms_pushers", "Members who push.", as_double(view.pushers));
  page.gauge("sluice_rooms_viewers", "Audience of live rooms.", as_double(view.viewers));
  page.gauge("sluice_rooms_message_sessions", "Logins at the message service that are heard of.",
             as_double(view.sessions));
  page.gauge("sluice_rooms_polls_waiting", "Requests that wait for a message.",
             as_double(view.polls));
  page.gauge("sluice_rooms_journal_bytes", "Size of the journal.", as_double(view.journal_bytes));
  page.gauge("sluice_rooms_relays_ready", "Relays that take this service's orders.",
             as_double(view.relays_ready));
  page.gauge("sluice_rooms_relay_streams", "Streams that the relays see.",
             as_double(view.relay_streams));
}

void add_counts(Page& page, const ServiceCounts& counts) {
  page.begin(prometheus::MetricType::Counter, "sluice_rooms_requests_total",
             "Requests by route and the code of the answer.");
  for (const auto& [what, count] : counts.requests) {
    page.add(as_double(count), {{"route", what.first}, {"code", std::to_string(what.second)}});
  }
  page.counter("sluice_rooms_refused_floods_total", "Requests above an address' rate.",
               as_double(counts.refused_floods));
  page.counter("sluice_rooms_journal_failures_total", "Changes that could not be written.",
               as_double(counts.journal_failures));
  page.counter("sluice_rooms_members_timed_out_total", "Members without heartbeat and media.",
               as_double(counts.members_timed_out));
  page.begin(prometheus::MetricType::Counter, "sluice_rooms_dissolved_total",
             "Rooms that ended, by cause.");
  for (std::size_t i = 0; i < kDissolveCauses.size(); ++i) {
    page.add(as_double(counts.dissolved[i]), {{"cause", std::string{kDissolveCauses[i]}}});
  }
}

void add_process(Page& page) {
  const daemon::ProcessMetrics process = daemon::read_process_metrics();
  page.counter("process_cpu_seconds_total", "Processor time used.", process.cpu_seconds);
  page.gauge("process_resident_memory_bytes", "Memory in use.", as_double(process.resident_bytes));
  page.gauge("process_open_fds", "Open descriptors.", as_double(process.open_descriptors));
  page.gauge("process_max_fds", "How many may be open.", as_double(process.max_descriptors));
}

}  // namespace

std::string metrics_text(const MetricsView& view, const ServiceCounts& counts) {
  Page page;
  add_state(page, view);
  add_counts(page, counts);
  add_process(page);
  return page.text();
}

}  // namespace sluice::rooms
