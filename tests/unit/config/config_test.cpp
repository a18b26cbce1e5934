#include "relay/config.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace sluice::relay {
namespace {

std::string error_of(std::string_view toml) {
  Config config;
  const auto read = read_config_text(toml, "relay.toml", config);
  return read ? "" : read.error().message;
}

TEST(Config, NamesEveryMistakeWithItsLineAndTheCure) {
  EXPECT_EQ(
      error_of("[listen]\nаddress = \":1\"\n"),
      "relay.toml:2: a character beyond ASCII outside of quotes; names of settings have none");
}

TEST(Config, ATextMayHaveAnyCharacter) {
  for (const char* toml : {"# комментарий\n[control]\npath = \"/'\\\"é/сокет𝄞\" # ж\n",
                           "[control]\npath = \"/'\\u0022é/сокет𝄞\"\n"}) {
    Config config;
    ASSERT_TRUE(read_config_text(toml, "relay.toml", config)) << toml;
    EXPECT_EQ(config.control_path, "/'\"é/сокет𝄞");
  }
}

TEST(Config, RefusesAnAddressThatIsNone) {
  for (const char* bad : {"4700", "host", ":70000", "[::1:4700", ""}) {
    const std::string toml = std::string{"[listen]\naddress = \""} + bad + "\"\n";
    EXPECT_EQ(error_of(toml).rfind("relay.toml:2: listen.address: ", 0), 0U) << error_of(toml);
  }
}

const char* environment_of_test(const char* name) {
  const std::string_view text{name};
  if (text == "SLUICE_RELAY_LISTEN_WORKERS") return "3";
  if (text == "SLUICE_RELAY_CONTROL_PATH") return "/tmp/from-environment.sock";
  return nullptr;
}

TEST(Config, FlagsGoBeforeEnvironmentBeforeFileBeforeDefaults) {
  Config config;
  ASSERT_TRUE(
      read_config_text("[listen]\nworkers = 2\naddress = \"127.0.0.1:1\"\n"
                       "[control]\npath = \"/tmp/from-file.sock\"\n",
                       "relay.toml", config));
  ASSERT_TRUE(read_environment(environment_of_test, config));
  ASSERT_TRUE(assign({"control.path", "/tmp/from-flag.sock", "--control"}, config));
  EXPECT_EQ(config.http_address, Config{}.http_address);
  EXPECT_EQ(config.listen_address, "127.0.0.1:1");
  EXPECT_EQ(config.listen_workers, 3U);
  EXPECT_EQ(config.control_path, "/tmp/from-flag.sock");
}

TEST(Config, SaysWhichVariableOrFlagIsWrong) {
  Config config;
  const auto read = read_environment(
      [](const char* name) -> const char* {
        return std::string_view{name} == "SLUICE_RELAY_LIMITS_ROOMS" ? "many" : nullptr;
      },
      config);
  ASSERT_FALSE(read);
  EXPECT_EQ(
      read.error().message,
      "environment SLUICE_RELAY_LIMITS_ROOMS: limits.rooms: a whole number from 1 to 1000000");
  const auto flag = assign({"listen.workers", "3x", "--workers"}, config);
  ASSERT_FALSE(flag);
  EXPECT_EQ(flag.error().message, "--workers: listen.workers: a whole number from 0 to 32");
}

TEST(Config, AFileThatCannotBeReadIsNamed) {
  Config config;
  const auto missing = read_config_file("/nonexistent/relay.toml", config);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message,
            "/nonexistent/relay.toml: cannot be read (No such file or directory); name a readable "
            "file after --config");
  EXPECT_FALSE(read_config_file(std::filesystem::temp_directory_path().string(), config));
}

TEST(Config, TlsOverTcpNeedsAllThreeFilesAndOnlyThen) {
  Config config;
  EXPECT_TRUE(check_config(config));
  config.control_tcp_address = "127.0.0.1:4481";
  ASSERT_FALSE(check_config(config));
  config.control_tls_certificate = "a.pem";
  config.control_tls_key = "k.pem";
  ASSERT_FALSE(check_config(config));
  config.control_tls_ca = "ca.pem";
  EXPECT_TRUE(check_config(config));
  config.control_tcp_address.clear();
  EXPECT_FALSE(check_config(config));
}

TEST(Config, ThePrintedFileGivesTheSameAgain) {
  Config config;
  config.relay_log_format = "json";
  config.control_path = "/tmp/with \"quotes\" and \\, tab\t.sock";
  config.limits_rooms = 7;
  const std::string printed = config_as_toml(config);
  Config again;
  const auto read = read_config_text(printed, "printed", again);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(config_as_toml(again), printed);
  EXPECT_EQ(again.control_path, config.control_path);
}

TEST(Config, EverySettingHasAVariable) {
  const auto names = environment_names();
  EXPECT_EQ(names.size(), 18U);
  EXPECT_EQ(names.front(), "SLUICE_RELAY_LISTEN_ADDRESS");
}

}  // namespace
}  // namespace sluice::relay
