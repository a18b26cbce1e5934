#include "relay/toml_guard.h"

#include <gtest/gtest.h>

namespace sluice::relay {
namespace {

TEST(TomlGuard, LettersBeyondAsciiStandInCommentsAndStringsOnly) {
  const struct {
    const char* text;
    std::size_t refused_line;  // 0: not refused
  } cases[] = {
      {"", 0},
      {"# комментарий\n[control]\npath = \"/tmp/сокет\" # и тут\n", 0},
      {"path = '/tmp/сокет'", 0},
      {"path = \"a\\\"сокет\"", 0},
      {"path = 'a\\' # сокет", 0},
      {"path = ''\npath = \"\"\n", 0},
      {"\tpath\t=\t'/tmp/сокет'\r", 0},
      {"a = 2'ä'", 1},
      {"a = 2='ä'", 1},
      {"['ä']", 1},
      {"# \"\"\"", 1},
      {"a = ['\n b = \"'''ä\"", 2},
      {"а = 1", 1},
      {"[listen]\n\nadd\xc3\xa4ress = 1", 3},
      {"a = 'b' ä", 1},
      {"a = \"\"\"\nä\"\"\"", 1},
      {"a = 1\na = '''\n'''", 2},
      {"a = \"unfinished\nä = 1", 2},
      {"'.='\xd0\x80", 1},
      {"\xcf\x9alis", 1},
  };

  for (const auto& c : cases) {
    const auto refusal = refuse_toml(c.text);
    EXPECT_EQ(refusal ? refusal->line : 0, c.refused_line) << c.text;
  }
}

}  // namespace
}  // namespace sluice::relay
