#include "daemon/toml_guard.h"

#include <string>

#include <gtest/gtest.h>

namespace sluice::daemon {
namespace {

TEST(TomlGuard, LettersBeyondAsciiStandInCommentsAndStringsOnly) {
  const struct {
    const char* text;
    std::size_t refused_line;
  } cases[] = {
      {"ä = 1", 1},
      {"а = 1", 1},
      {"[listen]\n\nadd\xc3\xa4ress = 1", 3},
      {"a = 'b' ä", 1},
      {"'a#'\xd0\x80", 1},
      {"'.='\xd0\x80", 1},
      {"\xcf\x9alis", 1},
      {"a = \"unfinished\nä = 1", 2},
      {"a = \"\"\"\nä\"\"\"", 1},
      {"a = 1\na = '''\n'''", 2},
      {"a = \"\\ä\"", 1},
      {"a = \"\xff\"", 1},
      {"# caf\xe9", 1},
  };

  for (const auto& c : cases) {
    const auto ascii = ascii_toml(c.text);
    ASSERT_FALSE(ascii.has_value()) << c.text;
    EXPECT_EQ(ascii.error().line, c.refused_line) << c.text;
  }
}

TEST(TomlGuard, StringsKeepTheirTextAndCommentsTheirLength) {
  const struct {
    const char* text;
    const char* ascii;
  } cases[] = {
      {"", ""},
      {"# й \"\n[control]\npath = \"/é\" # ж\n",
       "# ? \"\n[control]\npath = \"/\\U000000E9\" # ?\n"},
      {"path = '𝄞'", "path = \"\\U0001D11E\""},
      {"path = \"a\\\"é\"", "path = \"a\\\"\\U000000E9\""},
      {"path = 'a\\' # é", "path = \"a\\\\\" # ?"},
      {"path = 'a\"b'", "path = \"a\\\"b\""},
      {"path = ''\npath = \"\"\n", "path = \"\"\npath = \"\"\n"},
      {"path = \"it's\"", "path = \"it's\""},
      {"path = \"'''\"", "path = \"'''\""},
      {"# \"\"\"", "# \"\"\""},
      {"['ä']\r", "[\"\\U000000E4\"]\r"},
  };

  for (const auto& c : cases) {
    const auto ascii = ascii_toml(c.text);
    ASSERT_TRUE(ascii.has_value()) << c.text;
    EXPECT_EQ(ascii.value(), c.ascii) << c.text;
  }
}

}  // namespace
}  // namespace sluice::daemon
