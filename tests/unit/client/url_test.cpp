#include "client/url.h"

#include <string>

#include <gtest/gtest.h>

namespace sluice::client {
namespace {

struct Good {
  std::string text, host;
  std::uint16_t port;
  std::string room, stream;
};

TEST(Url, IsTakenApart) {
  const Good table[] = {
      {"sluice://127.0.0.1/room/name", "127.0.0.1", 0, "room", "name"},
      {"sluice://relay.example:4400/r/s-1_2", "relay.example", 4400, "r", "s-1_2"},
      {"sluice://[::1]/r/s", "::1", 0, "r", "s"},
      {"sluice://[2001:db8::1]:65535/r/s", "2001:db8::1", 65535, "r", "s"},
      {"sluice://h:1/" + std::string(64, 'r') + "/" + std::string(96, 's'), "h", 1,
       std::string(64, 'r'), std::string(96, 's')},
  };
  for (const Good& good : table) {
    const auto url = parse_url(good.text);
    ASSERT_TRUE(url.has_value()) << good.text << ": " << url.error().message;
    EXPECT_EQ(url->host, good.host);
    EXPECT_EQ(url->port, good.port);
    EXPECT_EQ(url->room.view(), good.room);
    EXPECT_EQ(url->stream.view(), good.stream);
  }
}

TEST(Url, RefusalSaysWhatIsWrongAndWhatIsExpected) {
  const struct {
    std::string text, what;
  } table[] = {
      {"", "not a sluice:// address"},
      {"rtmp://h/r/s", "not a sluice:// address"},
      {"sluice://", "no room and stream name"},
      {"sluice://h", "no room and stream name"},
      {"sluice:///r/s", "no host"},
      {"sluice://h/r", "no stream name behind the room"},
      {"sluice://h/r/", "a stream is 1 to 96 letters, digits, _ or -"},
      {"sluice://h//s", "a room is 1 to 64 letters, digits, _ or -"},
      {"sluice://h/r/s/t", "a stream is 1 to 96 letters, digits, _ or -"},
      {"sluice://h/r/" + std::string(97, 's'), "a stream is 1 to 96 letters, digits, _ or -"},
      {"sluice://h/" + std::string(65, 'r') + "/s", "a room is 1 to 64 letters, digits, _ or -"},
      {"sluice://h:/r/s", "the port is not a number from 1 to 65535"},
      {"sluice://h:0/r/s", "the port is not a number from 1 to 65535"},
      {"sluice://h:65536/r/s", "the port is not a number from 1 to 65535"},
      {"sluice://h:4x/r/s", "the port is not a number from 1 to 65535"},
      {"sluice://::1/r/s", "the host is malformed (IPv6 goes in brackets)"},
      {"sluice://[::1/r/s", "the host is malformed (IPv6 goes in brackets)"},
      {"sluice://[::1]x/r/s", "the host is malformed (IPv6 goes in brackets)"},
  };

  for (const auto& bad : table) {
    const auto url = parse_url(bad.text);
    ASSERT_FALSE(url.has_value()) << bad.text;
    EXPECT_EQ(url.error().code, ExitCode::kBadInput);
    EXPECT_EQ(url.error().message,
              bad.text + ": " + bad.what + "; expected sluice://HOST[:PORT]/ROOM/NAME");
  }
}

}  // namespace
}  // namespace sluice::client
