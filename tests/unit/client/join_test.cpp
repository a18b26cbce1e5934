#include "client/cli/join.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

namespace sluice::client {
namespace {

TEST(Join, SecondsMayHaveAFraction) {
  EXPECT_EQ(seconds_of(1.5), std::chrono::milliseconds{1500});
  EXPECT_EQ(seconds_of(0), Duration{0});
}

TEST(Join, AGivenControlSocketIsTakenAsItIs) { EXPECT_EQ(*control_path("/x.sock"), "/x.sock"); }

TEST(Join, StatisticsGoToTheirFile) {
  const std::string path = testing::TempDir() + "/stats-" + std::to_string(::getpid());
  EXPECT_TRUE(write_text("", "nothing").has_value());
  ASSERT_TRUE(write_text(path, "{}\n").has_value());
  std::stringstream read;
  read << std::ifstream{path}.rdbuf();
  EXPECT_EQ(read.str(), "{}\n");
  ::unlink(path.c_str());
  EXPECT_EQ(write_text("/nonexistent/stats", "{}").error().code, ExitCode::kEnvironment);
}

TEST(Join, NeedsAUserThatCanBeOne) {
  net::Loop loop;
  JoinOptions options;
  options.user = "two words";
  const auto url = parse_url("sluice://127.0.0.1/r/s");
  const auto config = prepare_join(loop, options, *url, crypto::kPushRights);
  ASSERT_FALSE(config.has_value());
  EXPECT_EQ(config.error().code, ExitCode::kBadInput);
  EXPECT_EQ(config.error().message, "two words: a user is 1 to 64 letters, digits, _ or -");
}

TEST(Join, AWrongTicketFileIsNamed) {
  net::Loop loop;
  JoinOptions options;
  options.ticket_file = "/nonexistent/ticket.json";
  const auto url = parse_url("sluice://127.0.0.1/r/s");
  const auto config = prepare_join(loop, options, *url, crypto::kPushRights);
  ASSERT_FALSE(config.has_value());
  EXPECT_EQ(config.error().message,
            "/nonexistent/ticket.json: cannot open: No such file or directory");
}

}  // namespace
}  // namespace sluice::client
