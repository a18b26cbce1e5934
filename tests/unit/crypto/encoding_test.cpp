#include "proto/crypto/encoding.h"

#include <gtest/gtest.h>

namespace sluice::crypto {
namespace {

TEST(Base64, IsReadAsItWasWritten) {
  for (const char* text : {"", "f", "fo", "foo", "foob", "fooba", "\xFF\xFE?"}) {
    const auto bytes = from_base64(to_base64(as_bytes(text)));
    ASSERT_TRUE(bytes);
    EXPECT_EQ(as_text(*bytes), text);
  }
  EXPECT_EQ(to_base64(as_bytes("\xFB\xEF\xFF")), "--__");
  EXPECT_EQ(to_base64(as_bytes("\xFB\xEF\xFF?"), Base64::kStandard), "++//Pw==");
  for (const char* bad : {"A", "AB=", "A+", "AB", "Zm 9"}) EXPECT_FALSE(from_base64(bad)) << bad;
}

TEST(Hex, IsLowerCaseAndKeepsZeros) {
  EXPECT_EQ(to_hex(as_bytes(std::string_view{"\0\xAB\xf0", 3})), "00abf0");
  EXPECT_EQ(to_hex({}), "");
}

}  // namespace
}  // namespace sluice::crypto
