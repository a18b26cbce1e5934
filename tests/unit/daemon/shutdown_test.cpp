#include "daemon/shutdown.h"

#include <csignal>

#include <gtest/gtest.h>

namespace sluice::daemon {
namespace {

TEST(Shutdown, TheFirstSignalAsksAndTheSecondStops) {
  net::Loop loop;
  int asked = 0;
  auto ask = [&] { ++asked; };
  Shutdown shutdown(loop, net::Callback<>::ref(ask));
  ASSERT_TRUE(shutdown.watch());
  // Signals alone do not keep a loop running.
  net::Timer guard(loop, {});
  guard.arm_in(std::chrono::seconds{10});
  ASSERT_EQ(std::raise(SIGTERM), 0);
  while (asked == 0) loop.run_once();
  ASSERT_EQ(std::raise(SIGINT), 0);
  loop.run();
  EXPECT_EQ(asked, 1);
  EXPECT_TRUE(guard.armed()) << "stopped by the signal";
}

}  // namespace
}  // namespace sluice::daemon
