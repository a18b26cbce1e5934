#include "relay/program.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "tests/unit/control/fake_relay.h"

namespace sluice::relay {
namespace {

namespace fs = std::filesystem;

class ProgramTest : public testing::Test {
 protected:
  ProgramTest() {
    std::string pattern = (fs::temp_directory_path() / "program-XXXXXX").string();
    folder = mkdtemp(pattern.data());
    options.config.listen_address = "127.0.0.1:0";
    options.config.http_address = "127.0.0.1:0";
    options.config.control_path = folder + "/control.sock";
    options.version = "0.1.0";
    options.listen_given = options.http_given = options.control_given = true;
    ::setenv("XDG_RUNTIME_DIR", folder.c_str(), 1);
  }

  ~ProgramTest() override { fs::remove_all(folder); }

  std::string failure() {
    auto program = Program::start(loop, options);
    return program ? "" : program.error().message;
  }

  std::string folder;
  ProgramOptions options;
  net::Loop loop;
};

TEST_F(ProgramTest, RunsUntilASignalAndLeavesNothingBehind) {
  options.dev = true;
  {
    auto program = Program::start(loop, options);
    ASSERT_TRUE(program) << program.error().message;
    EXPECT_NE((*program)->greeting().find("sluice push sluice://127.0.0.1/"), std::string::npos);
    EXPECT_TRUE(fs::exists(folder + "/control.sock.json"));
    EXPECT_TRUE(fs::exists(folder + "/sluice/dev.json")) << "no other relay had it";
    ASSERT_EQ(std::raise(SIGTERM), 0);
    (*program)->run();
    EXPECT_EQ(fake_relay().orders, std::vector<std::string>{"drain 200000"});
  }
  EXPECT_FALSE(fs::exists(folder + "/control.sock"));
  EXPECT_FALSE(fs::exists(folder + "/control.sock.json"));
  EXPECT_FALSE(fs::exists(folder + "/sluice/dev.json"));
}

// P-RESET-01: clients of a --dev relay that was stopped and started notice at once, too.
TEST_F(ProgramTest, TheNextDevRelayOfAUserKnowsItsResetSecret) {
  options.dev = true;
  std::optional<std::array<std::byte, 32>> first;
  for (int start = 0; start < 2; ++start) {
    auto program = Program::start(loop, options);
    ASSERT_TRUE(program) << program.error().message;
    ASSERT_TRUE(fs::exists(folder + "/sluice/reset_secret"));
    if (start == 0) first = fake_relay().options.reset_secret;
  }
  EXPECT_EQ(fake_relay().options.reset_secret, first);
  EXPECT_TRUE(first.has_value());
}

TEST_F(ProgramTest, WithoutDevItSaysNothingAndDrainsAsConfigured) {
  options.config.relay_drain_seconds = 7;
  auto program = Program::start(loop, options);
  ASSERT_TRUE(program) << program.error().message;
  EXPECT_EQ((*program)->greeting(), "");
  ASSERT_EQ(std::raise(SIGINT), 0);
  (*program)->run();
  EXPECT_EQ(fake_relay().orders, std::vector<std::string>{"drain 7000000"});
}

TEST_F(ProgramTest, WhatCannotStartNamesItsSetting) {
  options.config.control_path = folder + "/missing/control.sock";
  EXPECT_EQ(failure().rfind("control.path: ", 0), 0U) << failure();
  options.config.control_path = folder + "/control.sock";
  options.config.http_address = "192.0.2.1:1";
  EXPECT_EQ(failure().rfind("http.address: ", 0), 0U) << failure();
  options.config.http_address.clear();
  options.config.control_tcp_address = "127.0.0.1:0";
  options.config.control_tls_certificate = folder + "/none.pem";
  EXPECT_EQ(failure().rfind("control.tcp_address: ", 0), 0U) << failure();
  options.config.control_tcp_address.clear();
  options.config.relay_reset_secret_file = folder + "/missing/reset.key";
  EXPECT_EQ(failure().rfind("relay.reset_secret_file: ", 0), 0U) << failure();
  options.config.relay_reset_secret_file.clear();
  EXPECT_EQ(failure(), "");
  options.dev = true;
  options.config.listen_address = "0.0.0.0:0";
  EXPECT_NE(failure().find("--dev is for this machine alone"), std::string::npos);
}

}  // namespace
}  // namespace sluice::relay
