#include "net/loop.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <thread>

#include "net/fine_timer.h"
#include "tests/unit/net/support.h"

namespace sluice::net {
namespace {

/// One of each handle, started, by number: so that orders of destruction can be enumerated.
struct Handles {
  explicit Handles(Loop& loop) {
    timer = std::make_unique<Timer>(loop, Callback<>{});
    timer->arm_in(std::chrono::hours{1});
    async = std::make_unique<Async>(loop, Callback<>{});
    async->wake();
    signal = std::make_unique<Signal>(loop, Callback<int>{});
    EXPECT_TRUE(signal->watch(SIGUSR2));
    before = std::make_unique<BeforePoll>(loop, Callback<>{});
    fine = std::make_unique<FineTimer>(loop, Callback<>{});
    EXPECT_TRUE(fine->open());
    fine->arm(loop.now() + std::chrono::hours{1});
    never_opened = std::make_unique<Poll>(loop, Callback<unsigned>{});
  }

  void destroy(int which) {
    switch (which) {
      case 0:
        return timer.reset();
      case 1:
        return async.reset();
      case 2:
        return signal.reset();
      case 3:
        return before.reset();
      case 4:
        return fine.reset();
      default:
        return never_opened.reset();
    }
  }

  std::unique_ptr<Timer> timer;
  std::unique_ptr<Async> async;
  std::unique_ptr<Signal> signal;
  std::unique_ptr<BeforePoll> before;
  std::unique_ptr<FineTimer> fine;
  std::unique_ptr<Poll> never_opened;
};

// The Loop's destructor CHECKs uv_loop_close() == 0: reaching the end is the proof.
TEST(Loop, ClosesAfterHandlesDiedInAnyOrder) {
  std::array<int, 6> order{0, 1, 2, 3, 4, 5};
  int orders = 0;
  do {
    Loop loop;
    Handles handles{loop};
    for (const int which : order) {
      handles.destroy(which);
      if (orders % 3 == 0) loop.run_ready();
    }
    ++orders;
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_EQ(orders, 720);
}

TEST(Loop, ClosesWithoutEverHavingRun) { Loop loop; }

void outlive_the_loop() {
  auto loop = std::make_unique<Loop>();
  const Timer timer{*loop, Callback<>{}};
  loop.reset();
}

TEST(LoopDeathTest, AHandleThatOutlivesItsLoopIsABug) {
  EXPECT_DEATH(outlive_the_loop(), "has_open_handles");
}

TEST(Loop, NowIsTheHostsMonotonicClock) {
  Loop loop;
  timespec raw{};
  clock_gettime(CLOCK_MONOTONIC, &raw);
  const std::int64_t before = raw.tv_sec * 1'000'000 + raw.tv_nsec / 1000;
  const std::int64_t now = to_us(loop.refresh_now());
  clock_gettime(CLOCK_MONOTONIC, &raw);
  EXPECT_LE(before, now);
  EXPECT_LE(now, raw.tv_sec * 1'000'000 + raw.tv_nsec / 1000);
  EXPECT_EQ(to_us(loop.now()), now);
}

TEST(Loop, CallsBackBeforeItCloses) {
  int calls = 0;
  auto count = [&] { ++calls; };
  {
    Loop loop;
    loop.at_close(Callback<>::ref(count));
    loop.run_ready();
    EXPECT_EQ(calls, 0);
  }
  EXPECT_EQ(calls, 1);
}

TEST(Timer, IsNeverEarlyAndKeepsOrder) {
  Loop loop;
  std::vector<int> fired;
  const Instant start = loop.refresh_now();
  auto first = [&] {
    fired.push_back(1);
    EXPECT_GE(loop.now(), start + std::chrono::microseconds{1500});
  };
  auto second = [&] { fired.push_back(2); };
  Timer late{loop, Callback<>::ref(second)};
  Timer early{loop, Callback<>::ref(first)};
  late.arm(start + std::chrono::milliseconds{5});
  early.arm(start + std::chrono::microseconds{1500});
  loop.run();
  EXPECT_EQ(fired, (std::vector<int>{1, 2}));
}

TEST(Timer, APassedInstantIsDueAtOnceAndNeverIsNever) {
  Loop loop;
  int fired = 0;
  auto count = [&] { ++fired; };
  Timer timer{loop, Callback<>::ref(count)};
  timer.arm(kLongAgo);
  EXPECT_TRUE(timer.armed());
  loop.run_ready();
  EXPECT_EQ(fired, 1);
  EXPECT_FALSE(timer.armed());
  timer.arm(loop.now());
  timer.arm(kNever);
  EXPECT_FALSE(timer.armed());
  timer.arm(loop.now());
  timer.cancel();
  loop.run();
  EXPECT_EQ(fired, 1);
}

TEST(Timer, MayDestroyItselfInItsCallback) {
  Loop loop;
  std::unique_ptr<Timer> timer;
  auto die = [&] { timer.reset(); };
  timer = std::make_unique<Timer>(loop, Callback<>::ref(die));
  timer->arm(kLongAgo);
  loop.run();
  EXPECT_EQ(timer, nullptr);
}

TEST(FineTimer, IsNeverEarlyAndMovesBothWays) {
  Loop loop;
  int fired = 0;
  Instant due = loop.now() + std::chrono::hours{1};
  auto count = [&] {
    ++fired;
    EXPECT_GE(loop.now(), due);
  };
  FineTimer timer{loop, Callback<>::ref(count)};
  ASSERT_TRUE(timer.open());
  timer.arm(due);
  due = loop.refresh_now() + std::chrono::microseconds{300};
  timer.arm(due);
  EXPECT_TRUE(run_until(loop, [&] { return fired == 1; }));
  EXPECT_FALSE(timer.armed());
  timer.arm(due = kLongAgo);
  EXPECT_TRUE(run_until(loop, [&] { return fired == 2; }));
  timer.arm(loop.now());
  timer.cancel();
  loop.run_ready();
  EXPECT_EQ(fired, 2);
}

TEST(Async, WakesTheLoopFromAnotherThread) {
  Loop loop;
  int woken = 0;
  auto count = [&] { ++woken; };
  Async async{loop, Callback<>::ref(count)};
  std::thread other{[&] { async.wake(); }};
  EXPECT_TRUE(run_until(loop, [&] { return woken == 1; }));
  other.join();
}

TEST(Signal, ArrivesInTheLoop) {
  Loop loop;
  int received = 0;
  auto take = [&](int number) { received = number; };
  Signal signal{loop, Callback<int>::ref(take)};
  ASSERT_TRUE(signal.watch(SIGUSR1));
  ASSERT_EQ(raise(SIGUSR1), 0);
  EXPECT_TRUE(run_until(loop, [&] { return received == SIGUSR1; }));
  const auto refused = signal.watch(SIGKILL);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("signal 9"), std::string::npos);
}

TEST(LoopHooks, RunOncePerIterationAroundTheReadyCallbacks) {
  Loop loop;
  std::string order;
  auto before = [&] { order += 'b'; };
  auto after = [&] { order += 'a'; };
  auto wake = [&] { order += 'w'; };
  BeforePoll before_poll{loop, Callback<>::ref(before)};
  AfterPoll after_poll{loop, Callback<>::ref(after)};
  Async async{loop, Callback<>::ref(wake)};
  async.wake();
  async.wake();
  loop.run_ready();
  loop.run_ready();
  EXPECT_EQ(order, "bwaba");
}

TEST(Poll, TellsReadinessAndPauses) {
  Loop loop;
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const Fd reader{ends[0]};
  const Fd writer{ends[1]};
  unsigned seen = 0;
  auto take = [&](unsigned events) { seen |= events; };
  Poll poll{loop, Callback<unsigned>::ref(take)};
  ASSERT_TRUE(poll.open(reader.get()));
  poll.watch(Poll::kReadable);
  loop.run_ready();
  EXPECT_EQ(seen, 0U);
  ASSERT_EQ(write(writer.get(), "x", 1), 1);
  poll.watch(0);
  loop.run_ready();
  EXPECT_EQ(seen, 0U);
  poll.watch(Poll::kReadable);
  EXPECT_TRUE(run_until(loop, [&] { return seen != 0; }));
  EXPECT_EQ(seen, Poll::kReadable);
}

}  // namespace
}  // namespace sluice::net
