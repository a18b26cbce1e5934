#include "net/route.h"

#include <gtest/gtest.h>

namespace sluice::net {
namespace {

TEST(Route, LoopbackIsReachedFromLoopback) {
  const auto source = source_address_towards(Address::v4(127, 0, 0, 1, 9));
  ASSERT_TRUE(source.has_value());
  EXPECT_EQ(*source, Address::v4(127, 0, 0, 1, 0));
}

}  // namespace
}  // namespace sluice::net
