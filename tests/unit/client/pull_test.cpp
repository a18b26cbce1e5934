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

}  // namespace
}  // namespace sluice::client
