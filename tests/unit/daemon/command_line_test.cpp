#include "daemon/command_line.h"

#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::daemon {
namespace {

constexpr ProgramText kText{"sluice-test", "1.2", "About.", "for tests", "SLUICE_TEST_"};

struct Values {
  std::string address = "preset", path = "preset";

  Settings settings() {
    return {"SLUICE_TEST_", {{"listen", "address", &address}, {"control", "path", &path}}};
  }
};

/// The line with its two settings; `code` is what parse() gave.
struct Line {
  explicit Line(std::vector<const char*> arguments) {
    line.add_setting("--listen", "listen.address", "TEXT", "where");
    line.add_setting("--control", "control.path", "TEXT", "which");
    arguments.insert(arguments.begin(), "sluice-test");
    code = line.parse(static_cast<int>(arguments.size()), const_cast<char**>(arguments.data()));
  }

  CommandLine line{kText};
  std::optional<int> code;
};

TEST(CommandLine, AFlagGoesBeforeTheEnvironmentAndTheEnvironmentBeforeThePreset) {
  ::setenv("SLUICE_TEST_LISTEN_ADDRESS", "environment", 1);
  ::setenv("SLUICE_TEST_CONTROL_PATH", "environment", 1);
  Line flag{{"--listen", "flag"}};
  ASSERT_FALSE(flag.code);
  Values values;
  ASSERT_TRUE(flag.line.read(values.settings()));
  EXPECT_EQ(values.address, "flag");
  EXPECT_EQ(values.path, "environment");
  ::unsetenv("SLUICE_TEST_LISTEN_ADDRESS");
  ::unsetenv("SLUICE_TEST_CONTROL_PATH");
}

TEST(CommandLine, AnEmptyFlagIsSaidAndAMissingOneIsNot) {
  Line line{{"--listen", ""}};
  ASSERT_FALSE(line.code);
  Values values;
  ASSERT_TRUE(line.line.read(values.settings()));
  EXPECT_EQ(values.address, "");
  EXPECT_TRUE(line.line.given("--listen", "preset", "preset"));
  EXPECT_FALSE(line.line.given("--control", "preset", "preset"));
  EXPECT_TRUE(line.line.given("--control", "from a file", "preset"));
}

TEST(CommandLine, EndsAtOnceWithTheCodeThatFits) {
  EXPECT_EQ(Line{{"--help"}}.code, 0);
  EXPECT_EQ(Line{{"--version"}}.code, 0);
  EXPECT_EQ(Line{{"--lisen"}}.code, kExitBadInput);
  EXPECT_EQ(Line{{"--listen"}}.code, kExitBadInput) << "without its value";
}

TEST(CommandLine, AFileThatIsMissingIsAFailure) {
  Line line{{"--config", "/nonexistent/file.toml"}};
  ASSERT_FALSE(line.code);
  Values values;
  const auto read = line.line.read(values.settings());
  ASSERT_FALSE(read);
  EXPECT_EQ(line.line.fail(read.error()), kExitEnvironment);
}

}  // namespace
}  // namespace sluice::daemon
