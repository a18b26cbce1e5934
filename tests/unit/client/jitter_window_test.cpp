#include "client/jitter_window.h"

#include <gtest/gtest.h>

namespace sluice::client {
namespace {

using std::chrono::milliseconds;

constexpr Instant kStart{std::chrono::seconds{5}};

TEST(JitterWindow, IsZeroWithoutFrames) {
  JitterWindow window;
  EXPECT_EQ(window.p999(kStart), Duration{0});
  window.add(kStart, -milliseconds{3});  // before its time: no jitter
  EXPECT_EQ(window.p999(kStart), Duration{0});
}

// With n frames, all but n / 1000 of them are within.
TEST(JitterWindow, LeavesOneInAThousandOut) {
  const struct {
    int frames;
    int expected_ms;
  } table[] = {{1, 1}, {999, 999}, {1000, 999}, {1999, 1998}, {2000, 1998}, {3000, 2997}};

  for (const auto& row : table) {
    JitterWindow window;
    for (int i = 1; i <= row.frames; ++i) {
      // Spread over the seconds in an order that is none.
      const int value = 1 + i * 7919 % row.frames;
      window.add(kStart + milliseconds{i * 9'000 / row.frames}, milliseconds{value});
    }
    EXPECT_EQ(window.p999(kStart + milliseconds{9'000}), milliseconds{row.expected_ms})
        << row.frames;
  }
}

TEST(JitterWindow, ForgetsAfterTenSeconds) {
  JitterWindow window;
  window.add(kStart, milliseconds{80});
  window.add(kStart + milliseconds{5'000}, milliseconds{20});
  EXPECT_EQ(window.p999(kStart + milliseconds{9'999}), milliseconds{80});
  EXPECT_EQ(window.p999(kStart + milliseconds{10'000}), milliseconds{20});
  EXPECT_EQ(window.p999(kStart + milliseconds{15'000}), Duration{0});
}

}  // namespace
}  // namespace sluice::client
