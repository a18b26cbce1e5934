#include "proto/base/utf8.h"

#include <string_view>

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(Utf8, ReadsTheFirstCharacterOfEachLength) {
  const struct {
    std::string_view text;
    char32_t code;
    std::size_t bytes;
  } cases[] = {
      {{"\0", 1}, 0x0, 1},
      {"\x7F", 0x7F, 1},
      {"\xC2\x80", 0x80, 2},
      {"\xDF\xBF", 0x7FF, 2},
      {"\xE0\xA0\x80", 0x800, 3},
      {"\xED\x9F\xBF", 0xD7FF, 3},
      {"\xEE\x80\x80", 0xE000, 3},
      {"\xEF\xBF\xBFz", 0xFFFF, 3},
      {"\xF0\x90\x80\x80", 0x10000, 4},
      {"\xF4\x8F\xBF\xBF", 0x10FFFF, 4},
  };

  for (const auto& c : cases) {
    const auto character = first_character(c.text);
    ASSERT_TRUE(character.has_value()) << std::hex << static_cast<std::uint32_t>(c.code);
    EXPECT_EQ(character->code, c.code);
    EXPECT_EQ(character->bytes, c.bytes);
  }
}

TEST(Utf8, RefusesWhatIsCutOverlongOrNoCharacter) {
  for (const std::string_view bad :
       {"", "\x80", "\xC2", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xE1\x80",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xC3(", "\xFF"}) {
    EXPECT_FALSE(first_character(bad).has_value()) << bad.size();
  }
}

}  // namespace
}  // namespace sluice
