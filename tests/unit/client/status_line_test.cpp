#include "client/status_line.h"

#include <gtest/gtest.h>

namespace sluice::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart{seconds{100}};

Progress after_five_seconds() {
  return {.verb = "push",
          .bytes_wire = 1'250'000,
          .frames = 150,
          .packets = 990,
          .lost = 10,
          .rtt = Duration{1500}};
}

TEST(StatusLine, IsAPlainLineEveryFiveSecondsWithoutATerminal) {
  StatusLine line{{}};
  EXPECT_EQ(line.draw(kStart, {.verb = "push"}), "");
  EXPECT_EQ(line.next_due(), kStart + seconds{5});
  EXPECT_EQ(line.draw(kStart + milliseconds{4999}, after_five_seconds()), "");
  EXPECT_EQ(line.draw(kStart + seconds{5}, after_five_seconds()),
            "push  2.00 Mbit/s  rtt 1.5 ms  loss 1.0 %  frames 150\n");
  EXPECT_EQ(line.finish(), "");
}

TEST(StatusLine, IsRedrawnInPlaceOnATerminal) {
  StatusLine line{{.is_terminal = true, .colour = false}};
  EXPECT_EQ(line.draw(kStart, {.verb = "pull"}), "");
  const std::string drawn =
      line.draw(kStart + milliseconds{250}, {.verb = "pull", .bytes_wire = 3125});
  EXPECT_EQ(drawn, "\r\x1b[Kpull  100 kbit/s  rtt 0.0 ms  loss 0.0 %  frames 0");
  EXPECT_EQ(line.finish(), "\n");
  EXPECT_EQ(line.finish(), "");
}

TEST(StatusLine, ShowsThePlayOutDelayOfALivePull) {
  StatusLine line{{.is_terminal = true, .colour = false}};
  static_cast<void>(line.draw(kStart, {.verb = "pull"}));
  const Duration delay = std::chrono::microseconds{22'100};
  EXPECT_EQ(line.draw(kStart + seconds{1}, {.verb = "pull", .delay = delay}),
            "\r\x1b[Kpull  0 kbit/s  rtt 0.0 ms  loss 0.0 %  frames 0  delay 23 ms");
}

TEST(StatusLine, SaysThatTheRelayIsSilent) {
  StatusLine line{{.is_terminal = true, .colour = false}};
  const auto drawn = [&](Duration after, std::optional<std::uint64_t> answers) {
    return line.draw(kStart + after, {.verb = "push", .answers = answers});
  };
  static_cast<void>(drawn(seconds{0}, 7));
  EXPECT_EQ(drawn(seconds{1}, 8).find("no answer"), std::string::npos);
  EXPECT_EQ(drawn(milliseconds{2999}, 8).find("no answer"), std::string::npos);
  EXPECT_NE(drawn(milliseconds{4500}, 8).find("  no answer for 3 s"), std::string::npos);
  EXPECT_EQ(drawn(seconds{5}, 9).find("no answer"), std::string::npos);
  static_cast<void>(drawn(seconds{6}, std::nullopt));
  EXPECT_EQ(drawn(seconds{20}, std::nullopt).find("no answer"), std::string::npos);
}

TEST(StatusLine, ColoursOnlyWhenAllowed) {
  StatusLine line{{.is_terminal = true, .colour = true}};
  static_cast<void>(line.draw(kStart, {.verb = "push"}));
  EXPECT_NE(line.draw(kStart + seconds{5}, after_five_seconds()).find("\x1b[33m"),
            std::string::npos);
}

}  // namespace
}  // namespace sluice::client
