#include "sim/proxy/proxy_options.h"

#include <vector>

#include <gtest/gtest.h>

namespace sluice::sim {
namespace {

using std::chrono::milliseconds;

Result<ProxyOptions, Failure> parse(std::vector<const char*> arguments) {
  return parse_proxy_options(arguments);
}

TEST(ProxyOptions, ApplyToBothDirectionsUnlessToldOtherwise) {
  for (const char* direction : {"both", "to", "from"}) {
    const auto options = parse({"--to", "[::1]:4700", "--loss", "5%", "--direction", direction});
    ASSERT_TRUE(options.has_value());
    const bool to = std::string_view{direction} != "from",
               from = std::string_view{direction} != "to";
    EXPECT_DOUBLE_EQ(options.value().to_relay.loss, to ? 0.05 : 0);
    EXPECT_DOUBLE_EQ(options.value().from_relay.loss, from ? 0.05 : 0);
  }
}

TEST(ProxyOptions, ReadEveryFaultInItsUnit) {
  const auto options =
      parse({"--to",        "127.0.0.1:1", "--latency",   "50",  "--jitter", "2.5",
             "--dup",       "0.01",        "--reorder",   "2%",  "--flip",   "1",
             "--rate",      "800k",        "--queue-ms",  "75",  "--mtu",    "1200",
             "--outage-ms", "1000:200",    "--rebind-ms", "500", "--seed",   "9"});
  ASSERT_TRUE(options.has_value());
  const sim::ImpairmentConfig& c = options.value().to_relay;
  EXPECT_EQ(c.latency, milliseconds{50});
  EXPECT_EQ(c.jitter, Duration{2500});
  EXPECT_DOUBLE_EQ(c.duplicate, 0.01);
  EXPECT_DOUBLE_EQ(c.reorder, 0.02);
  EXPECT_DOUBLE_EQ(c.bit_flip, 1);
  EXPECT_EQ(c.rate_bits_per_s, 800'000U);
  EXPECT_EQ(c.queue, milliseconds{75});
  EXPECT_EQ(c.mtu_bytes, 1200U);
  ASSERT_EQ(c.outages.size(), 1U);
  EXPECT_EQ(c.outages[0].end, Instant{milliseconds{1200}});
  EXPECT_EQ(c.address_changes.at(1), Instant{milliseconds{1000}});
  EXPECT_EQ(options.value().seed, 9U);
}

TEST(ProxyOptions, ABurstTakesTheLossOver) {
  const auto options = parse({"--to", "127.0.0.1:1", "--loss", "0.1", "--burst", "4"});
  ASSERT_TRUE(options.has_value());
  EXPECT_DOUBLE_EQ(options.value().to_relay.loss, 0);
  EXPECT_DOUBLE_EQ(options.value().to_relay.burst.loss, 0.1);
  EXPECT_DOUBLE_EQ(options.value().to_relay.burst.burst_datagrams, 4);
}

TEST(ProxyOptions, WhatCannotBeIsRefusedByName) {
  struct Case {
    std::vector<const char*> arguments;
    const char* named;
  };

  for (const Case& c :
       std::vector<Case>{{{}, "--to"},
                         {{"--to"}, "--to"},
                         {{"--nonsense", "1"}, "--nonsense"},
                         {{"--loss", "101%"}, "--loss"},
                         {{"--loss", "-1"}, "--loss"},
                         {{"--loss", ""}, "--loss"},
                         {{"--latency", "5 s"}, "--latency"},
                         {{"--rate", "k"}, "--rate"},
                         {{"--rebind-ms", "0"}, "--rebind-ms"},
                         {{"--outage-ms", "5"}, "--outage-ms"},
                         {{"--direction", "up"}, "--direction"},
                         {{"--to", "x:1", "--loss", "1", "--burst", "2"}, "--burst"}}) {
    const auto options = parse(c.arguments);
    ASSERT_FALSE(options.has_value()) << c.named;
    EXPECT_NE(options.error().message.find(c.named), std::string::npos) << options.error().message;
  }
}

}  // namespace
}  // namespace sluice::sim
