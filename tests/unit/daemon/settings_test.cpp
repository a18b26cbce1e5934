#include "daemon/settings.h"

#include <gtest/gtest.h>

#include "daemon/private_folder.h"
#include "daemon/process_metrics.h"
#include "daemon/secret_file.h"

namespace sluice::daemon {
namespace {

struct Values {
  std::string address = ":1";
  std::uint64_t count = 5;
  bool open = false;
};

Settings settings_of(Values& values) {
  return {"SLUICE_TEST_",
          {{"listen", "address", &values.address, host_port},
           {"listen", "count", &values.count, any_text, 1, 10},
           {"account", "open", &values.open}}};
}

TEST(Settings, AreReadFromTextEnvironmentAndFlags) {
  Values values;
  Settings settings = settings_of(values);
  ASSERT_TRUE(settings.read_text("[listen]\ncount = 7\n[account]\nopen = true\n", "t.toml"));
  EXPECT_EQ(values.count, 7U);
  EXPECT_TRUE(values.open);
  ASSERT_TRUE(settings.read_environment([](const char* name) -> const char* {
    return std::string_view{name} == "SLUICE_TEST_ACCOUNT_OPEN" ? "false" : nullptr;
  }));
  EXPECT_FALSE(values.open);
  ASSERT_TRUE(settings.assign({"listen.address", "127.0.0.1:9", "--listen"}));
  EXPECT_EQ(values.address, "127.0.0.1:9");
}

TEST(Settings, AWrongValueIsNamedAndChangesNothing) {
  const std::pair<const char*, const char*> table[] = {
      {"[account]\nopen = 1\n", "t.toml:2: account.open: true or false"},
      {"[account]\nopen = \"true\"\n", "t.toml:2: account.open: true or false"},
      {"[listen]\ncount = 0\n", "t.toml:2: listen.count: a whole number from 1 to 10"},
      {"[listen]\ncuont = 1\n", "t.toml:2: listen.cuont: unknown; did you mean listen.count?"},
  };
  for (const auto& [toml, error] : table) {
    Values values;
    const auto read = settings_of(values).read_text(toml, "t.toml");
    ASSERT_FALSE(read) << toml;
    EXPECT_EQ(read.error().message, error);
    EXPECT_EQ(values.count, 5U);
    EXPECT_FALSE(values.open);
  }
}

TEST(Settings, ThePrintedFileGivesTheSameAgain) {
  Values values{.address = ":2", .count = 3, .open = true};
  const std::string printed = settings_of(values).as_toml();
  EXPECT_EQ(printed, "[listen]\naddress = \":2\"\ncount = 3\n\n[account]\nopen = true\n");
  Values again;
  ASSERT_TRUE(settings_of(again).read_text(printed, "printed"));
  EXPECT_EQ(settings_of(again).as_toml(), printed);
}

}  // namespace
}  // namespace sluice::daemon
