#include "relay/allocation/layer_rates.h"

#include <gtest/gtest.h>

namespace sluice::relay {
namespace {

using namespace std::chrono_literals;

const Instant kStart{1h};

/// 30 frames of 1000 bytes a second, layers 0 and 1 in turn, for this long.
Instant feed(LayerRates& rates, Duration for_how_long) {
  Instant now = kStart;
  for (int i = 0; now < kStart + for_how_long; ++i, now = kStart + i * Duration{1s} / 30) {
    rates.add(now, layer_class(i % 2 == 0 ? 0 : 1, false), 1000);
  }
  return kStart + for_how_long;
}

TEST(LayerRates, AreOfALayerAndOfThoseBelow) {
  LayerRates rates;
  const Instant now = feed(rates, 10s);
  EXPECT_NEAR(double(rates.bits_per_s(now, layer_class(0, false))), 120'000, 6'000);
  EXPECT_NEAR(double(rates.bits_per_s(now, layer_class(1, false))), 240'000, 12'000);
  EXPECT_EQ(rates.bits_per_s(now, kLayerClasses - 1), rates.bits_per_s(now, layer_class(1, false)));
}

TEST(LayerRates, OfATrackThatHasJustBegunAreOverItsTime) {
  LayerRates rates;
  const Instant now = feed(rates, 1s);
  EXPECT_NEAR(double(rates.bits_per_s(now, kLayerClasses - 1)), 240'000, 25'000);
}

TEST(LayerRates, ForgetWhatIsThreeSecondsOld) {
  LayerRates rates;
  const Instant now = feed(rates, 5s);
  EXPECT_GT(rates.bits_per_s(now + 2s, kLayerClasses - 1), 0U);
  EXPECT_EQ(rates.bits_per_s(now + 3s, kLayerClasses - 1), 0U);
  EXPECT_FALSE(rates.present(now + 3s, layer_class(0, false)));
  EXPECT_EQ(rates.bits_per_s(now + 24h, kLayerClasses - 1), 0U);
}

TEST(LayerRates, OfNothingAreNothing) {
  LayerRates rates;
  EXPECT_EQ(rates.bits_per_s(kStart, kLayerClasses - 1), 0U);
}

TEST(LayerRates, DiscardableFramesAreAboveTheRestOfTheirLayer) {
  EXPECT_LT(layer_class(0, false), layer_class(0, true));
  EXPECT_LT(layer_class(0, true), layer_class(1, false));
  EXPECT_EQ(layer_class(3, true), kLayerClasses - 1);
}

}  // namespace
}  // namespace sluice::relay
