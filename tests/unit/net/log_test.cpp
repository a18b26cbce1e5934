#include "net/log.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <limits>
#include <sstream>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "net/sd_notify.h"
#include "net/socket.h"

namespace sluice::net {
namespace {

class Log : public testing::Test {
 protected:
  void SetUp() override { std::remove(path.c_str()); }

  void TearDown() override {
    EXPECT_TRUE(configure_log({}));
    std::remove(path.c_str());
  }

  /// What was written, without the time stamps.
  std::string written(std::size_t stamp_length) const {
    std::ifstream file{path};
    std::string text;
    for (std::string line; std::getline(file, line);) text += line.substr(stamp_length) + "\n";
    return text;
  }

  std::string path = testing::TempDir() + "sluice-log-" + std::to_string(getpid()) + ".txt";
};

constexpr std::size_t kTextStamp = std::string_view{"2026-01-01T00:00:00.000000Z "}.size();
constexpr std::size_t kJsonStamp =
    std::string_view{R"({"time":"2026-01-01T00:00:00.000000Z",)"}.size();

TEST_F(Log, WritesFieldsAsText) {
  ASSERT_TRUE(configure_log({LogLevel::kInfo, LogFormat::kText, path}));
  LOG(kInfo, "link_open",
      {{"room", "r-1"}, {"links", 3}, {"worker", 2U}, {"ok", true}, {"cpu", 0.5}});
  LOG(kWarning, "odd",
      {{"text", "a \"b\"\n=c"}, {"empty", ""}, {"nan", std::numeric_limits<double>::quiet_NaN()}});
  LOG(kError, "bare");
  EXPECT_EQ(written(kTextStamp),
            "info link_open room=r-1 links=3 worker=2 ok=true cpu=0.5\n"
            "warning odd text=\"a \\\"b\\\"\\u000a=c\" empty=\"\" nan=null\n"
            "error bare\n");
}

TEST_F(Log, WritesFieldsAsJson) {
  ASSERT_TRUE(configure_log({LogLevel::kDebug, LogFormat::kJson, path}));
  LOG(kDebug, "x",
      {{"big", std::numeric_limits<std::uint64_t>::max()}, {"low", -1}, {"text", "\xC3\xA4{}"}});
  EXPECT_EQ(written(kJsonStamp),
            "\"level\":\"debug\",\"event\":\"x\",\"big\":18446744073709551615,\"low\":-1,"
            "\"text\":\"\\u00c3\\u00a4{}\"}\n");
}

TEST_F(Log, EvaluatesNothingBelowItsLevel) {
  ASSERT_TRUE(configure_log({LogLevel::kError, LogFormat::kText, path}));
  int evaluated = 0;
  LOG(kWarning, "quiet", {{"n", ++evaluated}});
  EXPECT_EQ(evaluated, 0);
  ASSERT_TRUE(configure_log({LogLevel::kOff, LogFormat::kText, path}));
  LOG(kError, "off");
  EXPECT_FALSE(log_enabled(LogLevel::kOff));
  EXPECT_EQ(written(0), "");
}

TEST_F(Log, LimitsRepeatedLines) {
  ASSERT_TRUE(configure_log({LogLevel::kInfo, LogFormat::kText, path}));
  LogLimit limit;
  for (int i = 0; i < 1000; ++i) log_limited(limit, LogLevel::kInfo, "often", {{"i", i}});
  std::uint64_t suppressed = 0;
  EXPECT_FALSE(limit.allow(suppressed));
  // A second may pass in the midst of a slow run; a thousand lines may not.
  EXPECT_LT(written(kTextStamp).size(), 200U);
  EXPECT_EQ(written(kTextStamp).rfind("info often i=0\n", 0), 0U);
}

TEST_F(Log, SaysWhyAFileCannotBeWritten) {
  const auto refused = configure_log({LogLevel::kInfo, LogFormat::kText, "/proc/nonexistent/log"});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("/proc/nonexistent/log"), std::string::npos);
  EXPECT_EQ(*parse_log_level("warning"), LogLevel::kWarning);
  EXPECT_FALSE(parse_log_level("loud"));
}

TEST(SdNotify, SendsItsStateToTheNamedSocket) {
  unsetenv("NOTIFY_SOCKET");
  sd_notify("READY=1");
  const Fd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)};
  const std::string name = "@sluice-notify-" + std::to_string(getpid());
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  name.copy(at.sun_path, name.size());
  at.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&at), size), 0);
  setenv("NOTIFY_SOCKET", name.c_str(), 1);
  sd_notify("READY=1\nSTATUS=up");
  unsetenv("NOTIFY_SOCKET");
  char buffer[64] = {};
  ASSERT_EQ(::recv(socket.get(), buffer, sizeof buffer, 0), 17);
  EXPECT_STREQ(buffer, "READY=1\nSTATUS=up");
}

TEST(SdNotify, HalvesTheWatchdogsPeriod) {
  const struct {
    const char* period;
    std::optional<Duration> expected;
  } cases[] = {{nullptr, std::nullopt},
               {"0", std::nullopt},
               {"x", std::nullopt},
               {"3000000", Duration{1'500'000}}};

  for (const auto& c : cases) {
    c.period == nullptr ? unsetenv("WATCHDOG_USEC") : setenv("WATCHDOG_USEC", c.period, 1);
    EXPECT_EQ(watchdog_interval(), c.expected);
  }
  setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(watchdog_interval(), std::nullopt);
  unsetenv("WATCHDOG_PID");
  unsetenv("WATCHDOG_USEC");
}

}  // namespace
}  // namespace sluice::net
