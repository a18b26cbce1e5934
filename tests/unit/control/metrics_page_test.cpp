#include "relay/control/metrics_page.h"

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "daemon/process_metrics.h"

namespace sluice::relay {
namespace {

struct Shards {
  DoorMetrics door;
  WorkerMetrics first, second;

  MetricsSource source() {
    MetricsSource source;
    source.door = &door;
    source.workers = {&first, &second};
    source.control = [] { return ControlCounts{2, 30, 4, 5, 6, true}; };
    source.draining = [] { return false; };
    source.version = "0.1.0";
    source.aead_backend = "openssl";
    source.start_time_s = 1'700'000'000;
    return source;
  }
};

/// The value of the series with exactly this name and these labels.
std::string value_of(const std::string& text, const std::string& series) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind(series + " ", 0) == 0) return line.substr(series.size() + 1);
  }
  return "missing";
}

TEST(MetricsPage, SumsTheShardsOfAllThreads) {
  Shards shards;
  shards.door.drop(DropReason::kRunt, 2);
  shards.first.drop(DropReason::kRunt, 3);
  shards.second.drop(DropReason::kQueueFull);
  shards.first.in.add(PacketKind::kData, 1200, 7);
  shards.second.in.add(PacketKind::kData, 100, 1);
  shards.second.members.set(4);
  shards.door.rooms.set(3);
  shards.door.handshakes[3].add(9);
  shards.first.busy_us.add(1'500'000);
  const std::string text = metrics_text(shards.source());
  EXPECT_EQ(value_of(text, "sluice_relay_drops_total{reason=\"runt\"}"), "5");
  EXPECT_EQ(value_of(text, "sluice_relay_drops_total{reason=\"queue_full\"}"), "1");
  EXPECT_EQ(value_of(text, "sluice_relay_packets_total{direction=\"in\",kind=\"data\"}"), "8");
  EXPECT_EQ(value_of(text, "sluice_relay_bytes_total{direction=\"in\",kind=\"data\"}"), "1300");
  EXPECT_EQ(value_of(text, "sluice_relay_members"), "4");
  EXPECT_EQ(value_of(text, "sluice_relay_rooms"), "3");
  EXPECT_EQ(value_of(text, "sluice_relay_handshakes_total{result=\"ticket_not_yet\"}"), "9");
  EXPECT_EQ(value_of(text, "sluice_relay_thread_busy_seconds_total{thread=\"worker0\"}"), "1.5");
  EXPECT_EQ(value_of(text, "sluice_relay_control_requests_total"), "30");
  EXPECT_EQ(value_of(text, "sluice_relay_ready"), "1");
}

TEST(MetricsPage, TellsOfRecoveryAndItsMissesByClass) {
  Shards shards;
  shards.first.packets_late.add(2);
  shards.first.repairs_in.add(3);
  shards.second.repairs_out.add(4);
  shards.second.parts_revived.add(5);
  shards.first.feedback_bytes_out.add(6);
  shards.first.frames_watched[1].add(700);
  shards.second.frames_watched[1].add(70);
  shards.second.frames_missed[2].add(8);
  const std::string text = metrics_text(shards.source());
  const std::string of = "sluice_relay_";
  EXPECT_EQ(value_of(text, of + "packets_late_total"), "2");
  EXPECT_EQ(value_of(text, of + "repairs_total{direction=\"in\"}"), "3");
  EXPECT_EQ(value_of(text, of + "repairs_total{direction=\"out\"}"), "4");
  EXPECT_EQ(value_of(text, of + "parts_revived_total"), "5");
  EXPECT_EQ(value_of(text, of + "feedback_bytes_total"), "6");
  EXPECT_EQ(value_of(text, of + "frames_watched_total{class=\"precious\"}"), "770");
  EXPECT_EQ(value_of(text, of + "frames_missed_total{class=\"top_layer\"}"), "8");
  EXPECT_EQ(value_of(text, of + "frames_missed_total{class=\"plain\"}"), "0");
}

TEST(MetricsPage, TheLatencyHistogramCountsEveryTurnOnce) {
  Shards shards;
  for (const std::int64_t us : {0, 1, 3, 1000, 1001})
    shards.first.forward_latency.record(Duration{us});
  shards.second.forward_latency.record(Duration{20'000'000});
  const std::string text = metrics_text(shards.source());
  const std::string name = "sluice_relay_forward_latency_seconds";
  EXPECT_EQ(value_of(text, name + "_count"), "6");
  EXPECT_EQ(value_of(text, name + "_bucket{le=\"+Inf\"}"), "6");
  EXPECT_EQ(value_of(text, name + "_bucket{le=\"1e-06\"}"), "1");
  EXPECT_EQ(value_of(text, name + "_bucket{le=\"0.001024\"}"), "5");
}

TEST(MetricsPage, EveryFamilyHasHelpAndOneOfOurPrefixes) {
  Shards shards;
  const std::string text = metrics_text(shards.source());
  std::istringstream lines(text);
  std::set<std::string> helped;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string mark, keyword, name;
    words >> mark >> keyword >> name;
    if (mark != "#") continue;
    if (keyword == "HELP") helped.insert(name);
    if (keyword == "TYPE") {
      EXPECT_TRUE(helped.contains(name)) << name;
    }
    EXPECT_TRUE(name.rfind("sluice_relay_", 0) == 0 || name.rfind("process_", 0) == 0) << name;
  }
  EXPECT_GT(helped.size(), 30U);
}

TEST(MetricsPage, PromtoolFindsNothingToSay) {
  if (std::system("command -v promtool >/dev/null 2>&1") != 0) {
    GTEST_SKIP() << "no promtool: install the package prometheus";
  }
  Shards shards;
  const std::string path = testing::TempDir() + "/metrics_page_test.txt";
  std::ofstream(path) << metrics_text(shards.source());
  EXPECT_EQ(std::system(("promtool check metrics <" + path).c_str()), 0);
}

TEST(ProcessMetrics, AreReadFromTheSystem) {
  const daemon::ProcessMetrics metrics = daemon::read_process_metrics();
  EXPECT_GT(metrics.resident_bytes, 1U << 20U);
  EXPECT_GE(metrics.open_descriptors, 3U);
  EXPECT_GE(metrics.max_descriptors, metrics.open_descriptors);
  EXPECT_GE(metrics.threads, 1U);
}

}  // namespace
}  // namespace sluice::relay
