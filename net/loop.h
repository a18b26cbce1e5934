// Loop: one libuv loop and its clock; with it the handles a thread needs: Timer, Async, Signal,
// BeforePoll, AfterPoll, Poll. A Loop and everything on it belong to one thread; only
// Async::wake() may be called from others. Every object must be destroyed before its Loop, whose
// destructor runs the pending close callbacks and CHECKs that uv_loop_close() answers 0.
// Order of one iteration: timers, BeforePoll, Poll/Async/Signal/streams, AfterPoll. What must be
// flushed once per iteration is flushed by both hooks: AfterPoll for I/O, BeforePoll for timers.
#pragma once

#include <uv.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "net/callback.h"
#include "net/socket.h"
#include "net/uv_handle.h"
#include "proto/base/bytes.h"
#include "proto/base/result.h"
#include "proto/base/time.h"

namespace sluice::net {

class Loop {
 public:
  /// CHECKs that the kernel gives an epoll descriptor: without one no program of ours can start.
  /// The process ignores SIGPIPE from here on.
  Loop();
  ~Loop();

  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs until stop(), or until nothing is left that could call back.
  void run();

  /// Runs what is ready now and returns; never blocks.
  void run_ready();

  /// Blocks until at least one thing is ready, runs it and returns.
  void run_once();

  /// From the loop's thread; run() returns after the present iteration.
  void stop();

  /// CLOCK_MONOTONIC, the same for all processes of a host. As read when the present wake-up began.
  Instant now() const { return now_; }

  /// Reads the clock (25 ns) and returns what now() says from here on. Every wake-up of the classes
  /// below did this already; call it only where work since then matters.
  Instant refresh_now();

  /// Wall clock, for the validity of tickets only.
  static UnixSeconds wall_clock();

  /// Microseconds since the Unix epoch: for numbers that a later process must not use again.
  static std::int64_t wall_clock_us();

  /// The last thing before the loop closes, when all handles are gone: for a library that must be
  /// told so.
  void at_close(Callback<> callback) { at_close_.push_back(callback); }

  /// Memory that stream handles of this loop read into, valid during one callback.
  MutableBytes read_buffer() { return {read_buffer_.get(), kReadBufferBytes}; }

  uv_loop_t* uv() { return &loop_; }

 private:
  /// One read of a stream: libuv asks for 64 KiB; half doubles the calls of a bulk transfer.
  static constexpr std::size_t kReadBufferBytes = 64U << 10U;

  bool has_open_handles();

  uv_loop_t loop_{};
  Instant now_{};
  std::vector<Callback<>> at_close_;
  std::unique_ptr<std::byte[]> read_buffer_;
};

/// Calls back once at an Instant. libuv counts milliseconds: up to 1 ms late (plus the load), never
/// early. Arming is a heap operation and no system call.
class Timer {
 public:
  Timer(Loop& loop, Callback<> on_due);

  /// Replaces what was armed. An Instant that has passed is due in the next iteration; kNever
  /// cancels.
  void arm(Instant at);
  void arm_in(Duration delay);
  void cancel();

  bool armed() const;

 private:
  static void handle_due(uv_timer_t* handle);

  Loop& loop_;
  Callback<> on_due_;
  UvHandle<uv_timer_t> handle_;
};

/// Wakes the loop from another thread. Several wakes before the callback are one.
class Async {
 public:
  Async(Loop& loop, Callback<> on_wake);

  /// From any thread, while this object lives. Also from signal handlers.
  void wake();

 private:
  static void handle_wake(uv_async_t* handle);

  Loop& loop_;
  Callback<> on_wake_;
  UvHandle<uv_async_t> handle_;
};

/// Calls back in the loop when the process receives a signal. Does not keep the loop running.
class Signal {
 public:
  Signal(Loop& loop, Callback<int> on_signal);

  /// Fails for a number no handler may be set for.
  Status<Failure> watch(int number);

 private:
  static void handle_signal(uv_signal_t* handle, int number);

  Loop& loop_;
  Callback<int> on_signal_;
  UvHandle<uv_signal_t> handle_;
};

/// Once per iteration, before the loop may block. Does not keep the loop running.
class BeforePoll {
 public:
  BeforePoll(Loop& loop, Callback<> callback);

 private:
  static void handle_prepare(uv_prepare_t* handle);

  Callback<> callback_;
  UvHandle<uv_prepare_t> handle_;
};

/// Once per iteration, after the callbacks of everything that was ready. Does not keep the loop
/// running.
class AfterPoll {
 public:
  AfterPoll(Loop& loop, Callback<> callback);

 private:
  static void handle_check(uv_check_t* handle);

  Callback<> callback_;
  UvHandle<uv_check_t> handle_;
};

/// Readiness of a non-blocking descriptor that somebody else owns and closes after this object's
/// death.
class Poll {
 public:
  static constexpr unsigned kReadable = UV_READABLE;
  static constexpr unsigned kWritable = UV_WRITABLE;

  /// The callback receives the events that are ready. An error state of the descriptor arrives as
  /// all watched events: the next system call on it tells what is wrong.
  Poll(Loop& loop, Callback<unsigned> on_ready);

  Status<Failure> open(int fd);

  /// Level-triggered interest; 0 pauses.
  void watch(unsigned events);

 private:
  static void handle_ready(uv_poll_t* handle, int status, int events);

  Loop& loop_;
  Callback<unsigned> on_ready_;
  unsigned watched_ = 0;
  UvHandle<uv_poll_t> handle_;
};

}  // namespace sluice::net
