#include "proto/base/name.h"

#include <string>

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(Name, TakesOnlyItsAlphabetAndLength) {
  EXPECT_TRUE(RoomName::parse("a"));
  EXPECT_TRUE(RoomName::parse("Room_1-x"));
  EXPECT_TRUE(RoomName::parse(std::string(64, 'r')));
  EXPECT_FALSE(RoomName::parse(""));
  EXPECT_FALSE(RoomName::parse(std::string(65, 'r')));
  for (const char* bad : {"a/b", "..", "a b", "ä", "a\n", "a%"})
    EXPECT_FALSE(RoomName::parse(bad)) << bad;
}

TEST(Name, ComparesByText) {
  EXPECT_EQ(*UserName::parse("anna"), *UserName::parse("anna"));
  EXPECT_LT(*UserName::parse("anna"), *UserName::parse("bert"));
  EXPECT_NE(*UserName::parse("anna"), *UserName::parse("ann"));
}

}  // namespace
}  // namespace sluice
