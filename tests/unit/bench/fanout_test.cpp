#include "bench/fanout/fanout.h"

#include <array>
#include <thread>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>

#include "bench/fanout/fanout_command.h"
#include "bench/fanout/floor_process.h"
#include "bench/fanout/relay_counters.h"
#include "bench/fanout/window_ledger.h"
#include "bench/process/process_cost.h"

namespace sluice::bench {
namespace {

using std::chrono::microseconds;

constexpr Instant kStart = instant_from_us(1'000'000);

TEST(WindowLedger, APacketIsServedWhenItsLastSinkHasIt) {
  WindowLedger ledger{1, 2};
  ledger.sent(0, kStart, 2);
  EXPECT_EQ(ledger.copies_expected(), 4U);
  EXPECT_TRUE(ledger.arrived(0, 0, kStart + microseconds{90}));
  EXPECT_TRUE(ledger.latencies_us().empty());
  EXPECT_TRUE(ledger.arrived(0, 0, kStart + microseconds{50}));
  EXPECT_EQ(ledger.latencies_us(), std::vector<double>{90}) << "the later one, in any order";
  EXPECT_FALSE(ledger.complete());
  EXPECT_TRUE(ledger.arrived(0, 1, kStart + microseconds{10}));
  EXPECT_TRUE(ledger.arrived(0, 1, kStart + microseconds{20}));
  EXPECT_TRUE(ledger.complete());
  EXPECT_EQ(ledger.latencies_us(), (std::vector<double>{20, 90}));
  EXPECT_EQ(ledger.skews_us(), (std::vector<double>{10, 40})) << "from the first to the last";
}

TEST(WindowLedger, FlowsAreNumberedEachForItself) {
  WindowLedger ledger{2, 1};
  ledger.sent(1, kStart, 1);
  EXPECT_FALSE(ledger.arrived(0, 0, kStart)) << "nothing of that flow was sent";
  EXPECT_FALSE(ledger.arrived(2, 0, kStart)) << "there is no such flow";
  EXPECT_TRUE(ledger.arrived(1, 0, kStart));
  EXPECT_TRUE(ledger.complete());
  ledger.dropped(3);
  EXPECT_EQ(ledger.copies_expected(), 4U) << "what a pusher dropped is missed";
}

TEST(Traffic, ACallIsWhatItsMembersSendToEachOther) {
  const Traffic call{Ingress::kCall, 100, 8, 0};
  EXPECT_EQ(call.rooms(), 25U);
  EXPECT_EQ(call.flows(), 200U);
  EXPECT_EQ(call.packets(0), 3U) << "300 kbit/s at 15 frames/s";
  EXPECT_EQ(call.packets(1), 1U) << "sound";
  EXPECT_DOUBLE_EQ(call.copies_per_s(), 100 * 3 * (15 * 3 + 50));
  const auto second = call.window(1);
  EXPECT_EQ(second.size(), 100U * (15 + 50));
  for (std::size_t i = 1; i < second.size(); ++i) EXPECT_LE(second[i - 1].at, second[i].at);
}

TEST(Traffic, ABurstIsAsManyFullPackets) {
  Traffic burst{Ingress::kBurst, 100, 8, 80'000};
  EXPECT_EQ(burst.packets(0), 8U);
  EXPECT_EQ(burst.sealed_bytes(0), 1207U);
  EXPECT_EQ(burst.window(0.5).size(), 50U);
  burst.set_copies_per_s(40'000);
  EXPECT_EQ(burst.window(0.5).size(), 25U);
  EXPECT_EQ(Traffic(Ingress::kPaced, 10, 3, 0).packets(0), 7U) << "it has a size of its own";
}

TEST(WindowLedger, WhatIsTooMuchOrOfAnotherWindowDoesNotCount) {
  WindowLedger ledger{1, 1};
  ledger.sent(0, kStart, 1);
  EXPECT_FALSE(ledger.arrived(0, 1, kStart));
  EXPECT_FALSE(ledger.arrived(0, std::size_t{0} - 1, kStart)) << "of the window before";
  EXPECT_TRUE(ledger.arrived(0, 0, kStart));
  EXPECT_FALSE(ledger.arrived(0, 0, kStart)) << "twice";
  EXPECT_EQ(ledger.copies(), 1U);
  ledger.begin();
  EXPECT_EQ(ledger.copies_expected(), 0U);
}

TEST(WindowLedger, QuantilesAreValuesThatCame) {
  EXPECT_EQ(quantile_of({}, 0.5), 0);
  EXPECT_EQ(quantile_of({7}, 0.99), 7);
  EXPECT_EQ(quantile_of({1, 2, 3, 4}, 0.5), 2);
  EXPECT_EQ(quantile_of({1, 2, 3, 4}, 0.99), 4);
  EXPECT_EQ(quantile_of({1, 2, 3, 4}, 0), 1);
}

TEST(RelayCounters, SumsWhatTheLabelsName) {
  const char* page =
      "HTTP/1.1 200 OK\r\n\r\n# HELP packets_total x\n"
      "packets_total{direction=\"in\",kind=\"data\"} 5\n"
      "packets_total{direction=\"out\",kind=\"data\"} 7\n"
      "packets_total_more 100\n"
      "rooms 3\n"
      "build_info{version=\"1.0\",aead_backend=\"openssl\"} 1\n";
  EXPECT_EQ(metric_sum(page, "packets_total"), 12);
  EXPECT_EQ(metric_sum(page, "packets_total", "direction=\"out\""), 7);
  EXPECT_EQ(metric_sum(page, "rooms"), 3);
  EXPECT_EQ(metric_sum(page, "nothing"), 0);
  EXPECT_EQ(metric_label(page, "build_info", "aead_backend"), "openssl");
  EXPECT_EQ(metric_label(page, "build_info", "nothing"), "");
}

TEST(FloorProcess, ForwardsWhatItIsSentAndForgetsFeedback) {
  constexpr std::size_t kBytes = 200;
  auto floor = FloorProcess::start({CipherKind::kOpenSsl, kBytes, 4, 0, 0}, -1);
  ASSERT_TRUE(floor.has_value());
  const LoopbackSocket feeder, sink;
  const timeval patience{5, 0};
  setsockopt(sink.fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ASSERT_TRUE((*floor)->serve(std::array{sink.address()}).has_value());
  const sockaddr_in to = (*floor)->address();
  std::array<std::byte, kBytes> packet{};
  const auto send = [&](std::size_t bytes) {
    ::sendto(feeder.fd(), packet.data(), bytes, 0, reinterpret_cast<const sockaddr*>(&to),
             sizeof to);
  };
  FloorTag{kFloorFeedback, 0}.write(packet.data());
  send(60);
  FloorTag{0, 7}.write(packet.data());
  send(kBytes);
  std::array<std::byte, 2 * kBytes> got{};
  EXPECT_EQ(::recv(sink.fd(), got.data(), got.size(), 0),
            static_cast<ssize_t>(kBytes + kFloorTagBytes));
  EXPECT_EQ(FloorTag::read(got.data()).number, 7U) << "the header says what it is";
  EXPECT_TRUE(cpu_ns_of((*floor)->pid()).value_or(0) > 0);
  EXPECT_TRUE(resident_bytes_of((*floor)->pid()).value_or(0) > 0);
}

TEST(FloorProcess, AMembersFlowsGoToTheOthersOfItsRoom) {
  auto floor = FloorProcess::start({CipherKind::kCopy, 100, 4, 2, 2}, -1);
  ASSERT_TRUE(floor.has_value());
  const LoopbackSocket feeder;
  const std::array<LoopbackSocket, 4> sinks;
  std::vector<sockaddr_in> addresses;
  for (const LoopbackSocket& sink : sinks) addresses.push_back(sink.address());
  ASSERT_TRUE((*floor)->serve(addresses).has_value());
  const sockaddr_in to = (*floor)->address();
  std::array<std::byte, 100> packet{};
  // The last one comes last: when it is there, what the first was to send has been sent.
  for (const std::uint32_t flow : {5U, 7U}) {
    FloorTag{flow, 0}.write(packet.data());
    ::sendto(feeder.fd(), packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&to),
             sizeof to);
  }
  const timeval patience{5, 0};
  std::array<std::byte, 200> got{};
  for (const auto& [sink, flow] : {std::pair{3U, 5U}, std::pair{2U, 7U}}) {
    setsockopt(sinks[sink].fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    EXPECT_EQ(::recv(sinks[sink].fd(), got.data(), got.size(), 0), 116);
    EXPECT_EQ(FloorTag::read(got.data()).flow, flow);
    EXPECT_LT(::recv(sinks[sink].fd(), got.data(), got.size(), MSG_DONTWAIT), 0) << "only that";
  }
  EXPECT_LT(::recv(sinks[0].fd(), got.data(), got.size(), MSG_DONTWAIT), 0) << "another room";
}

/// A hundred copies of so many ns each.
FanoutWindow window_of(double ns, double p50, double p99) {
  FanoutWindow window;
  window.copies_expected = window.copies = 100;
  window.cpu_ns = ns * 100;
  window.latency_us_p50 = p50;
  window.latency_us_p99 = p99;
  window.allocations = 25;
  return window;
}

FanoutReport report_of(std::initializer_list<std::pair<double, double>> windows) {
  FanoutReport report;
  for (const auto& [relay, floor] : windows) {
    report.relay.push_back(window_of(relay, 40, 80));
    report.floor.push_back(window_of(floor, 30, 60));
    report.floor_openssl.push_back(window_of(2 * floor, 30, 60));
    report.counts.push_back({110, 10, 20, 0, 0, 0, 0, 0, 0});
  }
  return report;
}

TEST(FanoutReport, TheRatioIsTheMedianOfNeighbours) {
  // A neighbour on the machine doubled the second pair: the ratio of it is what it was.
  const auto json =
      nlohmann::json::parse(fanout_json(report_of({{120, 100}, {260, 200}, {150, 100}})));
  EXPECT_DOUBLE_EQ(json["ratio"], 1.3);
  EXPECT_DOUBLE_EQ(json["ratio_min_max"][0], 1.2);
  EXPECT_DOUBLE_EQ(json["ratio_min_max"][1], 1.5);
  EXPECT_DOUBLE_EQ(json["relay_ns_per_packet"], 150);
  EXPECT_DOUBLE_EQ(json["floor_openssl_ns_per_packet"], 200);
  EXPECT_DOUBLE_EQ(json["segments_per_message_mean"], 11);
  EXPECT_DOUBLE_EQ(json["syscalls_per_packet"], 0.2);
  EXPECT_DOUBLE_EQ(json["echo_latency_us_p99"], 60);
  EXPECT_DOUBLE_EQ(json["allocations_per_packet"], 0.25);
  EXPECT_EQ(json["copies_missing"], 0);
}

TEST(FanoutReport, SeveralWorkersAreHeldAgainstOne) {
  FanoutReport report = report_of({{110, 100}});
  report.options.workers = 2;
  report.relay[0].copies_by_worker = {45, 55, 0};
  report.relay[0].skew_us_p50 = 30;
  report.one_worker.push_back(window_of(100, 40, 80));
  report.one_worker[0].skew_us_p50 = 60;
  const auto json = nlohmann::json::parse(fanout_json(report));
  EXPECT_DOUBLE_EQ(json["ratio_to_one_worker"], 1.1);
  EXPECT_DOUBLE_EQ(json["skew_ratio_to_one_worker"], 0.5);
  EXPECT_DOUBLE_EQ(json["worker_share_max"], 0.55);
  EXPECT_EQ(json["worker_shares"].size(), 2U);
}

TEST(FanoutReport, WhatWasNotMeasuredIsNull) {
  const auto json = nlohmann::json::parse(fanout_json({}));
  for (const char* key :
       {"relay_ns_per_packet", "floor_ns_per_packet", "floor_openssl_ns_per_packet", "ratio",
        "segments_per_message_mean", "packets_per_second_per_core", "syscalls_per_packet",
        "allocations_per_packet", "link_bytes_idle", "link_bytes_active", "latency_us_p50",
        "latency_us_p99", "echo_latency_us_p99", "aead"}) {
    ASSERT_TRUE(json.contains(key)) << key;
    EXPECT_TRUE(json[key].is_null()) << key;
  }
}

TEST(FanoutReport, CopiesThatDidNotArriveAreMissing) {
  FanoutReport report = report_of({{1, 1}});
  report.floor[0].copies -= 3;
  EXPECT_EQ(report.missing(), 3U);
  EXPECT_EQ(report.expected(), 300U);
}

TEST(Fanout, BadOptionsEndBeforeAnythingStarts) {
  FanoutCommand condition, file, burst;
  condition.fail_if = "p99>";
  file.json = "/nonexistent/fanout.json";
  burst.options.burst = 17;
  FanoutCommand rate, both, odd;
  rate.ingress = odd.ingress = "call";
  rate.options.copies_per_s = 1000;
  both.options.copies_per_s = 1000;
  both.options.half_rate = true;
  odd.options.subscribers = 102;
  for (FanoutCommand bad : {condition, file, burst, rate, both, odd}) {
    bad.options.relay = "/nonexistent/relay";  // starting it would end with another code
    EXPECT_EQ(run_fanout_command(bad), 2);
  }
}

TEST(Fanout, ARelayThatDoesNotStartIsTheEnvironmentsFault) {
  FanoutCommand command;
  command.options.relay = "/nonexistent/relay";
  EXPECT_EQ(run_fanout_command(command), 5);
}

}  // namespace
}  // namespace sluice::bench
