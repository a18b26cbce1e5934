#include "client/credentials.h"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace sluice::client {
namespace {

schema::IssuedTicket issued() {
  schema::IssuedTicket ticket;
  ticket.address = "192.0.2.1:4400";
  ticket.relay_key.fill(std::byte{0xab});
  ticket.psk.fill(std::byte{0x01});
  ticket.ticket.assign(180, std::byte{0xcd});
  ticket.expiry_s = 1'700'000'000;
  return ticket;
}

std::string as_json() {
  return ticket_as_json(issued(), {*RoomName::parse("lobby"), *UserName::parse("anna"), {}});
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  text.replace(text.find(what), what.size(), with);
  return text;
}

TEST(Credentials, ATicketSurvivesItsJson) {
  const auto read = credentials_from_json(as_json(), "t.json");
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->address, "192.0.2.1:4400");
  EXPECT_EQ(read->room, "lobby");
  EXPECT_EQ(read->secrets.relay, issued().relay_key);
  EXPECT_TRUE(read->secrets.psk.equals(crypto::Psk{issued().psk}));
  EXPECT_TRUE(std::ranges::equal(read->secrets.ticket.view(), issued().ticket));
}

TEST(Credentials, BadJsonIsNamed) {
  const std::string good = as_json();

  const struct {
    std::string text, what;
  } table[] = {
      {"", "not a JSON object"},
      {"[]", "not a JSON object"},
      {"{}", "no address"},
      {replaced(good, "\"abab", "\"ab"), "relay_key is not 64 hex digits"},
      {replaced(good, "\"abab", "\"xbab"), "relay_key is not 64 hex digits"},
      {replaced(good, "\"0101", "\"010"), "psk is not 64 hex digits"},
      {replaced(good, "\"cdcd", "\"cd-d"), "ticket is not the hex digits of one"},
  };

  for (const auto& bad : table) {
    const auto read = credentials_from_json(bad.text, "t.json");
    ASSERT_FALSE(read.has_value()) << bad.text;
    EXPECT_EQ(read.error().code, ExitCode::kBadInput);
    EXPECT_EQ(read.error().message,
              "t.json: " + bad.what + "; expected the JSON that `sluice ticket` prints");
  }
}

TEST(Credentials, RightsAreWords) {
  EXPECT_EQ(parse_rights("push")->bits(), 7);
  EXPECT_EQ(parse_rights("push-audio,subscribe")->bits(), 9);
  EXPECT_EQ(parse_rights("all")->bits(), 127);
  for (const char* bad : {"", "push,", "play", "push subscribe"}) {
    EXPECT_FALSE(parse_rights(bad).has_value()) << bad;
  }
}

TEST(Credentials, TheDevFileLiesInTheRuntimeFolder) {
  EXPECT_EQ(dev_file_path([](const char*) -> const char* { return "/run/user/7"; }),
            "/run/user/7/sluice/dev.json");
  EXPECT_EQ(dev_file_path([](const char*) -> const char* { return nullptr; }),
            "/tmp/sluice-" + std::to_string(::geteuid()) + "/dev.json");
}

TEST(Credentials, ADevFileIsTrustedOnlyWhenNobodyElseCouldWriteIt) {
  const std::string path = testing::TempDir() + "/dev-" + std::to_string(::getpid()) + ".json";
  std::ofstream{path} << R"({"control": "/run/x.sock", "pid": 1})";
  ::chmod(path.c_str(), 0600);
  const auto control = control_path_of_dev_file(path);
  ASSERT_TRUE(control.has_value()) << control.error().message;
  EXPECT_EQ(*control, "/run/x.sock");
  ::chmod(path.c_str(), 0622);
  EXPECT_EQ(control_path_of_dev_file(path).error().code, ExitCode::kEnvironment);
  ::chmod(path.c_str(), 0600);
  std::ofstream{path} << "{}";
  EXPECT_EQ(control_path_of_dev_file(path).error().code, ExitCode::kEnvironment);
  std::remove(path.c_str());
  const auto missing = control_path_of_dev_file(path);
  EXPECT_EQ(missing.error().code, ExitCode::kUnreachable);
  EXPECT_NE(missing.error().message.find("start `sluice-relay --dev`"), std::string::npos);
}

TEST(Credentials, TheAddressComesFromTheFlagTheUrlOrTheTicket) {
  Credentials credentials;
  credentials.address = "127.0.0.1:4400";
  EXPECT_EQ(relay_address(credentials, "127.0.0.9", 0, "")->to_string(), "127.0.0.9:4400");
  EXPECT_EQ(relay_address(credentials, "127.0.0.9", 5, "")->to_string(), "127.0.0.9:5");
  EXPECT_EQ(relay_address(credentials, "127.0.0.9", 5, "[::1]:6")->to_string(), "[::1]:6");
  EXPECT_EQ(relay_address(credentials, "127.0.0.9", 5, "::1").error().code, ExitCode::kBadInput);
}

}  // namespace
}  // namespace sluice::client
