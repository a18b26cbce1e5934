#include "proto/base/address.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

Address v6(std::initializer_list<unsigned> groups, std::uint16_t port) {
  Address address;
  std::size_t i = 0;
  for (const unsigned g : groups) {
    address.ip[i++] = static_cast<std::byte>(g >> 8U);
    address.ip[i++] = static_cast<std::byte>(g & 0xFFU);
  }
  address.port = port;
  return address;
}

TEST(Address, PrintsAsRfc5952Says) {
  EXPECT_EQ(Address::v4(192, 0, 2, 1, 443).to_string(), "192.0.2.1:443");
  EXPECT_EQ(v6({0x2001, 0xdb8, 0, 0, 0, 0, 0, 1}, 443).to_string(), "[2001:db8::1]:443");
  EXPECT_EQ(v6({0, 0, 0, 0, 0, 0, 0, 1}, 7).to_string(), "[::1]:7");
  EXPECT_EQ(v6({0, 0, 0, 0, 0, 0, 0, 0}, 7).to_string(), "[::]:7");
  EXPECT_EQ(v6({1, 0, 0, 2, 0, 0, 0, 3}, 7).to_string(), "[1:0:0:2::3]:7");
  EXPECT_EQ(v6({1, 0, 2, 3, 4, 5, 6, 7}, 7).to_string(), "[1:0:2:3:4:5:6:7]:7");
}

TEST(Address, KnowsLoopback) {
  EXPECT_TRUE(Address::v4(127, 0, 0, 1, 1).is_loopback());
  EXPECT_TRUE(Address::v4(127, 9, 0, 1, 1).is_loopback());
  EXPECT_FALSE(Address::v4(10, 0, 0, 1, 1).is_loopback());
  EXPECT_TRUE(v6({0, 0, 0, 0, 0, 0, 0, 1}, 1).is_loopback());
  EXPECT_FALSE(v6({0, 0, 0, 0, 0, 0, 0, 2}, 1).is_loopback());
}

}  // namespace
}  // namespace sluice
