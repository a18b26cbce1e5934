#include "relay/config.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace sluice::relay {
namespace {

std::string error_of(std::string_view toml) {
  Config config;
  const auto read = settings_of(config).read_text(toml, "relay.toml");
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
    ASSERT_TRUE(settings_of(config).read_text(toml, "relay.toml")) << toml;
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
      settings_of(config).read_text("[listen]\nworkers = 2\naddress = \"127.0.0.1:1\"\n"
                                    "[control]\npath = \"/tmp/from-file.sock\"\n",
                                    "relay.toml"));
  ASSERT_TRUE(settings_of(config).read_environment(environment_of_test));
  ASSERT_TRUE(settings_of(config).assign({"control.path", "/tmp/from-flag.sock", "--control"}));
  EXPECT_EQ(config.http_address, Config{}.http_address);
  EXPECT_EQ(config.listen_address, "127.0.0.1:1");
  EXPECT_EQ(config.listen_workers, 3U);
  EXPECT_EQ(config.control_path, "/tmp/from-flag.sock");
}

TEST(Config, SaysWhichVariableOrFlagIsWrong) {
  Config config;
  const auto read = settings_of(config).read_environment([](const char* name) -> const char* {
    return std::string_view{name} == "SLUICE_RELAY_LIMITS_ROOMS" ? "many" : nullptr;
  });
  ASSERT_FALSE(read);
  EXPECT_EQ(
      read.error().message,
      "environment SLUICE_RELAY_LIMITS_ROOMS: limits.rooms: a whole number from 1 to 1000000");
  const auto flag = settings_of(config).assign({"listen.workers", "3x", "--workers"});
  ASSERT_FALSE(flag);
  EXPECT_EQ(flag.error().message, "--workers: listen.workers: a whole number from 0 to 32");
}

TEST(Config, AFileThatCannotBeReadIsNamed) {
  Config config;
  const auto missing = settings_of(config).read_file("/nonexistent/relay.toml");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message,
            "/nonexistent/relay.toml: cannot be read (No such file or directory); name a readable "
            "file after --config");
  EXPECT_FALSE(settings_of(config).read_file(std::filesystem::temp_directory_path().string()));
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
  const auto read = settings_of(again).read_text(printed, "printed");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(config_as_toml(again), printed);
  EXPECT_EQ(again.control_path, config.control_path);
}

TEST(Config, EverySettingHasAVariable) {
  Config config;
  const auto names = settings_of(config).environment_names();
  EXPECT_EQ(names.size(), 18U);
  EXPECT_EQ(names.front(), "SLUICE_RELAY_LISTEN_ADDRESS");
}

}  // namespace
}  // namespace sluice::relay
