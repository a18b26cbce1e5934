// `sluice pull` before it reaches anybody.
#include <string>

#include <gtest/gtest.h>

#include "client/cli/options.h"

namespace sluice::client {
namespace {

TEST(Pull, BadInputHasItsExitCodeAndOneLine) {
  const struct {
    std::string url, output, stats, line;
    ExitCode code;
  } table[] = {
      {"sluice://h/r", "", "",
       "sluice: sluice://h/r: no stream name behind the room; expected "
       "sluice://HOST[:PORT]/ROOM/NAME\n",
       ExitCode::kBadInput},
      {"sluice://h/r/s", "-", "-",
       "sluice: -o - and --stats - both want stdout; give one of them a file\n",
       ExitCode::kBadInput},
      {"sluice://h/r/s", "/nonexistent/o.flv", "",
       "sluice: /nonexistent/o.flv: cannot write: No such file or directory\n",
       ExitCode::kEnvironment},
  };

  for (const auto& row : table) {
    PullOptions options;
    options.join.url = row.url;
    options.join.stats = row.stats;
    options.output = row.output;
    testing::internal::CaptureStderr();
    EXPECT_EQ(run_pull(options), row.code);
    EXPECT_EQ(testing::internal::GetCapturedStderr(), row.line);
  }
}

TEST(Pull, BoundsOfTheDelayAreThoseOfLiveMode) {
  const struct {
    bool live;
    std::optional<std::uint32_t> delay, min, max;
    std::string line;
  } table[] = {
      {false, {}, 20, {}, "--delay-min and --delay-max bound the delay that --live chooses"},
      {true, 60, {}, 100, "--delay-min and --delay-max bound the delay that --live chooses"},
      {true, {}, 101, 100, "--delay-min is larger than --delay-max"},
  };

  for (const auto& row : table) {
    PullOptions options;
    options.join.url = "sluice://h/r/s";
    options.live = row.live;
    options.delay_ms = row.delay;
    options.delay_min_ms = row.min;
    options.delay_max_ms = row.max;
    testing::internal::CaptureStderr();
    EXPECT_EQ(run_pull(options), ExitCode::kBadInput);
    EXPECT_EQ(testing::internal::GetCapturedStderr().find("sluice: " + row.line), 0U);
  }
}

}  // namespace
}  // namespace sluice::client
