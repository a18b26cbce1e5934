#include "proto/congestion/packet_result.h"

#include <gtest/gtest.h>

#include "proto/congestion/controller.h"

namespace sluice::congestion {
namespace {

TEST(PacketResult, SaysNothingThatItWasNotTold) {
  const PacketResult result;
  EXPECT_FALSE(result.arrival.has_value());
  EXPECT_FALSE(result.lost);
  EXPECT_EQ(result.probe, kNoProbe);
}

TEST(Config, StartsBetweenItsBounds) {
  const Config config;
  EXPECT_LE(config.min_bits_per_s, config.start_bits_per_s);
  EXPECT_LE(config.start_bits_per_s, config.max_bits_per_s);
  EXPECT_LE(config.useful_bits_per_s, config.max_bits_per_s);
}

}  // namespace
}  // namespace sluice::congestion
